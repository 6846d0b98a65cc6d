import numpy as np
import pytest

from blocks import (
    AWGN,
    Block,
    Chain,
    DownlinkChannel,
    Flowgraph,
    GenieCSI,
    LSEstimator,
    MRTPrecoder,
    NeuralCalibration,
    PilotSource,
    RateSink,
    RZFPrecoder,
    ScaledLSEstimator,
    Signal,
    StructuredPrecoder,
    UplinkChannel,
    WiringError,
    WMMSEPrecoder,
    ZFPrecoder,
    run_block,
)
from sim.pilots import dft_pilots
from sim.world.scenario import Scenario
from tests.streams import ArraySource, Collect

S = Scenario(antennas=64, users=4)
X = S.pilot_matrix()


class Mixer(Block):
    """Adds two signals."""

    inputs = {"a": Signal("N"), "b": Signal("N")}
    outputs = {"sum": Signal("N")}

    def work(self, a, b):
        return a + b


class Pass(Block):
    """Hands on what it gets."""

    inputs = {"y": Signal("N")}
    outputs = {"y": Signal("N")}

    def work(self, y):
        return y


def source(size=3, dtype="complex64"):
    return ArraySource(a=np.ones((50, size), dtype))


def test_antennas_that_differ_are_named_on_both_ends():
    fg = Flowgraph()
    fg.connect(PilotSource(X), UplinkChannel(S), AWGN(1.0), LSEstimator(X), ZFPrecoder(1.0))
    with pytest.raises(WiringError, match=r"ZFPrecoder\.v \(M=64, K=4\).*DownlinkChannel\.v \(M=32, T\).*M=64 on one side, M=32"):
        fg.connect(fg.nodes[-1], DownlinkChannel(Scenario(antennas=32, users=4)))


def test_a_dimension_travels_through_the_whole_graph():
    awgn = [AWGN(1.0, stream=n) for n in range(20, 25)]
    fg = Flowgraph()
    fg.connect(*awgn)
    fg.connect(awgn[-1], LSEstimator(X))
    with pytest.raises(WiringError, match="L=4.*L=5|L=5.*L=4"):
        fg.connect(UplinkChannel(S), awgn[0])
        fg.connect(PilotSource(np.ones((4, 5), np.complex64)), fg.nodes[-1])


def test_weights_for_another_array_are_refused_at_connect_time():
    fg = Flowgraph()
    with pytest.raises(WiringError, match=r"GenieCSI\.h_est \(M=32, K=4\).*NeuralCalibration\.h_est \(M=64, K\)"):
        fg.connect(GenieCSI(Scenario(antennas=32, users=4)), NeuralCalibration("calibrated-m64", 1.0, 1.0, 1.0))


def test_dtypes_that_differ_are_named():
    with pytest.raises(WiringError, match=r"ArraySource\.a \(3\) float32.*Mixer\.a \(N\) complex64.*float32 is not complex64"):
        Flowgraph().connect(source(dtype="float32"), (Mixer(), "a"))


def test_ranks_that_differ_are_named():
    with pytest.raises(WiringError, match="1 dimensions are not 2"):
        Flowgraph().connect((source(), "a"), (RateSink(1.0), "g"))


def test_input_that_nothing_feeds_is_refused_before_start():
    fg = Flowgraph()
    mixer = Mixer()
    fg.connect(source(), (mixer, "a"))
    fg.connect(mixer, Collect())
    with pytest.raises(WiringError, match=r"input Mixer\.b \(N\) complex64 is not connected \(wired at .*test_wiring.py"):
        fg.run(blocks=1)
    assert not fg.running


def test_cycle_is_refused():
    a, b = AWGN(1.0), AWGN(1.0)
    fg = Flowgraph()
    fg.connect(a, b)
    with pytest.raises(WiringError, match=r"AWGN_2\.y -> AWGN\.y closes a cycle"):
        fg.connect(b, a)


def test_second_writer_is_refused_and_both_are_named():
    fg, mixer = Flowgraph(), Mixer()
    fg.connect(source(), (mixer, "a"))
    with pytest.raises(WiringError, match=r"Mixer\.a is fed by ArraySource\.a already, ArraySource_2\.a would be a second writer"):
        fg.connect(source(), (mixer, "a"))


def test_unknown_port_and_ambiguous_ports_are_named():
    with pytest.raises(WiringError, match=r"Mixer has no input 'c'; it has a, b"):
        Flowgraph().connect(source(), (Mixer(), "c"))
    with pytest.raises(WiringError, match="name the ports"):
        Flowgraph().connect(AWGN(1.0), Mixer())
    with pytest.raises(WiringError, match="is not a Block"):
        Flowgraph().connect(source(), "sink")


def test_empty_graph_and_bad_run_arguments_are_named():
    with pytest.raises(WiringError, match="empty"):
        Flowgraph().run()
    fg = Flowgraph()
    fg.connect(source(), Collect())
    for arguments, message in (
        ({"batch": 0}, "batch=0"),
        ({"transport": "pigeon"}, "pigeon.*inproc, ipc, tcp"),
        ({"workers": "elf"}, "elf"),
        ({"blocks": -1}, "blocks=-1"),
    ):
        with pytest.raises(ValueError, match=message):
            fg.run(**arguments)


def test_ports_of_the_same_name_are_wired_together():
    calibration = NeuralCalibration("calibrated", 1e-10, 1.0, 1.0, antennas=64)
    fg = Flowgraph()
    fg.connect(calibration, StructuredPrecoder(1.0, 1.0))
    assert [(out, into) for _, out, _, into in fg.links] == [("h_est", "h_est"), ("p", "p"), ("q", "q")]


def test_one_output_feeds_many_inputs():
    fg, mixer, a = Flowgraph(), Mixer(), source()
    fg.connect((a, "a"), (mixer, "a"))
    fg.connect((a, "a"), (mixer, "b"))
    fg.connect(mixer, Collect())
    np.testing.assert_array_equal(fg.run(blocks=50, batch=7)["Collect"]["arrays"]["sum"], 2 * np.ones((50, 3)))


def test_inputs_of_other_frame_sizes_are_aligned_by_block_index(tmp_path):
    from blocks import FileSink, FileSource

    values = np.arange(150).reshape(50, 3).astype(np.complex64)
    record = Flowgraph()
    record.connect(ArraySource(b=values), FileSink(tmp_path / "b"))
    record.run(blocks=50, batch=4)
    fg, mixer = Flowgraph(), Mixer()
    fg.connect((source(), "a"), (mixer, "a"))
    fg.connect((FileSource(tmp_path / "b"), "b"), (mixer, "b"))
    fg.connect(mixer, Collect())
    np.testing.assert_array_equal(fg.run(blocks=50, batch=7)["Collect"]["arrays"]["sum"], values + 1)


@pytest.mark.parametrize("arguments", [{"queue": 1}, {"queue": 1, "transport": "ipc"}, {"queue": 2, "workers": "process"}])
def test_branches_meet_again(arguments):
    values = np.arange(600).reshape(200, 3).astype(np.complex64)
    fg, source, mixer = Flowgraph(), ArraySource(a=values), Mixer()
    fg.connect(source, (Pass(), "y"), (Pass(), "y"), (Pass(), "y"), (mixer, "a"))
    fg.connect(source, (Pass(), "y"), (mixer, "b"))
    fg.connect(mixer, Collect())
    np.testing.assert_array_equal(fg.run(blocks=200, batch=1, **arguments)["Collect"]["arrays"]["sum"], 2 * values)


def test_names_are_unique_and_can_be_chosen():
    fg = Flowgraph()
    named = AWGN(1.0)
    named.name = "thermal"
    fg.connect(Chain(PilotSource(X), UplinkChannel(S)), AWGN(1.0, stream=20), AWGN(1.0, stream=21), named)
    assert [b.name for b in fg.nodes] == ["PilotSource+UplinkChannel", "AWGN", "AWGN_2", "thermal"]


def test_chain_with_blocks_that_do_not_fit_is_refused():
    with pytest.raises(WiringError, match="ArraySource does not feed input b of Mixer"):
        Chain(source(), Mixer())


def test_chain_passes_its_dimensions_on():
    fg = Flowgraph()
    with pytest.raises(WiringError, match="M=64 on one side, M=32"):
        fg.connect(
            Chain(PilotSource(X), UplinkChannel(S), AWGN(1.0)),
            Chain(LSEstimator(X), ZFPrecoder(1.0)),
            Chain(DownlinkChannel(Scenario(antennas=32, users=4)), RateSink(1.0)),
        )


def test_drawing_shows_every_connection(tmp_path):
    fg = Flowgraph()
    fg.connect(PilotSource(X), UplinkChannel(S), AWGN(1.0), Collect())
    assert fg.draw().splitlines() == [
        "PilotSource.pilots (4, 4) complex64 -> UplinkChannel.pilots",
        "UplinkChannel.y (64, 4) complex64 -> AWGN.y",
        "AWGN.y (64, 4) complex64 -> Collect.y",
    ]
    for name, magic in (("g.svg", b"<?xml"), ("g.png", b"\x89PNG")):
        fg.draw(tmp_path / name)
        assert (tmp_path / name).read_bytes().startswith(magic)
    assert "AWGN" in (tmp_path / "g.svg").read_text()
    with pytest.raises(ValueError, match=r"neither \.svg nor \.png"):
        fg.draw(tmp_path / "g.gif")


def test_run_block_checks_its_inputs():
    for arrays, message in (
        ({}, "takes a, b"),
        ({"a": np.ones((2, 3)), "b": np.ones((2, 3))}, "complex64"),
        ({n: np.ones((2, 3, 1), np.complex64) for n in "ab"}, r"\(B, N\)"),
        ({"a": np.ones((2, 3), np.complex64), "b": np.ones((3, 3), np.complex64)}, "3 coherence blocks"),
    ):
        with pytest.raises(WiringError, match=message):
            run_block(Mixer(), **arrays)


@pytest.mark.parametrize("power", [0.0, -1.0, float("nan")])
@pytest.mark.parametrize(
    "make",
    [
        MRTPrecoder,
        ZFPrecoder,
        RateSink,
        lambda p: RZFPrecoder(p, 1.0),
        lambda p: RZFPrecoder(1.0, p),
        lambda p: WMMSEPrecoder(1.0, p),
        lambda p: StructuredPrecoder(p, 1.0),
        lambda p: NeuralCalibration("calibrated-m64", p, 1.0, 1.0),
        lambda p: ScaledLSEstimator(X, p, 1.0),
        lambda p: PilotSource(dft_pilots(2, 2, p)),
    ],
)
def test_bad_power_is_refused_where_the_block_is_made(make, power):
    with pytest.raises(ValueError, match=f"power={power}|noise={power}"):
        make(power)


def test_bad_noise_is_refused_where_the_block_is_made():
    with pytest.raises(ValueError, match="variance=-1"):
        AWGN(-1.0)


def test_a_chain_from_source_to_sink_is_a_flowgraph_of_its_own():
    fg = Flowgraph()
    fg.connect(Chain(ArraySource(x=np.ones((5, 2), np.float32)), Collect()))
    assert fg.run(blocks=5)["Collect"]["arrays"]["x"].sum() == 10
    with pytest.raises(WiringError, match="needs a block"):
        fg.connect()
