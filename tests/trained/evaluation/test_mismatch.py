from sim.world.scenario import Scenario
from trained.evaluation.mismatch import POWERS_DBM, draw, sweep
from trained.store import load_network


def test_every_power_is_measured_and_drawn(tmp_path):
    network, _ = load_network("calibrated-m16")
    rows = list(sweep({"calibrated-m16": network}, Scenario(antennas=16, users=4), 20))
    assert [row["uplink_power_dbm"] for row in rows] == list(POWERS_DBM)
    shares = [row["networks"]["calibrated-m16"]["share"] for row in rows]
    assert shares[-1] > shares[0] + 0.1
    draw(rows, "title", tmp_path / "m.png")
    assert (tmp_path / "m.png").read_bytes().startswith(b"\x89PNG")
