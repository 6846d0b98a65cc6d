"""srsRAN's sample exchange: any non-empty request is answered, and the count of samples is the clock."""

import numpy as np
import pytest
import zmq

from blocks import BlockError, Flowgraph, SrsranSink, SrsranSource
from blocks.runtime.frame import Frame
from tests.streams import ArraySource, Collect, FrameSource, complex_normal


def test_samples_come_in_replies_of_any_length(rng, tmp_path, context):
    x, peer = complex_normal(rng, 1000), context.socket(zmq.REP)
    peer.bind(f"ipc://{tmp_path}/tx")
    fg = Flowgraph()
    fg.connect(SrsranSource(f"ipc://{tmp_path}/tx"), Collect())
    with fg.start(blocks=1000):
        for reply in (b"", x[:1].tobytes(), x[1:700].tobytes(), b"12345", x[700:].tobytes()):
            assert peer.poll(5000) and peer.recv() == b"\xff"
            peer.send(reply)
        found = fg.wait()["Collect"]
    np.testing.assert_array_equal(found["arrays"]["samples"], x)
    assert found["starts"] == [0, 1, 700]
    assert fg.metrics()["SrsranSource"]["report"] == {"bad_messages": 1}


@pytest.mark.parametrize("request_byte", [b"\xff", b"\x00"])
def test_a_request_gets_a_frame_and_gaps_are_zeros(request_byte, rng, tmp_path, context):
    x, peer = complex_normal(rng, 300), context.socket(zmq.REQ)
    peer.connect(f"ipc://{tmp_path}/rx")
    fg = Flowgraph()
    fg.connect(FrameSource(Frame(0, {"samples": x[:100]}), Frame(150, {"samples": x[100:]})), SrsranSink(f"ipc://{tmp_path}/rx"))
    got = []
    with fg.start():
        for _ in range(2):
            peer.send(request_byte)
            assert peer.poll(5000)
            got.append(np.frombuffer(peer.recv(), "<c8"))
        fg.wait()
    np.testing.assert_array_equal(np.concatenate(got), np.concatenate((x[:100], np.zeros(50), x[100:])))


def test_going_back_in_time_is_refused(rng, tmp_path, context):
    peer = context.socket(zmq.REQ)
    peer.connect(f"ipc://{tmp_path}/rx")
    peer.send(b"\xff")
    x, fg = complex_normal(rng, 10), Flowgraph()
    fg.connect(FrameSource(Frame(0, {"samples": x}), Frame(5, {"samples": x})), SrsranSink(f"ipc://{tmp_path}/rx"))
    with pytest.raises(BlockError, match="begins at sample 5, 10 were sent"):
        fg.run()


def test_a_sink_and_a_source_fit(rng, tmp_path):
    x, first, second = complex_normal(rng, 5000), Flowgraph(), Flowgraph()
    first.connect(ArraySource(samples=x), SrsranSink(f"ipc://{tmp_path}/a"))
    second.connect(SrsranSource(f"ipc://{tmp_path}/a"), Collect())
    with second.start(blocks=5000):
        first.run(blocks=5000, batch=512)
        np.testing.assert_array_equal(second.wait()["Collect"]["arrays"]["samples"], x)
