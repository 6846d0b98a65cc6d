from benchmarks.inference import main
from trained.store import known


def test_every_network_for_the_size_is_timed(capsys):
    main(sizes=(16,), seconds=0.0)
    timed = {line.split()[0] for line in capsys.readouterr().out.splitlines()}
    kinds = ("calibrated-perfect", "channel-mapping-m16", "unfolding-m16", "data-driven-m16", "data-driven-perfect-m16")
    ours = {name for name in known() if name.startswith(kinds)}
    assert len(ours) >= 6 and timed > ours and not any("mimo" in name for name in timed)
