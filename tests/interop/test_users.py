"""The GNU Radio program of flowgraphs/gnuradio and its twin for GNU Radio Companion, live with the base station."""

import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from sim.preamble import zadoff_chu
from sim.world.scenario import Scenario
from tests.interop.test_gnuradio import PYTHON
from tests.program import started

FOLDER = Path("flowgraphs/gnuradio").resolve()
pytestmark = [pytest.mark.gnuradio, pytest.mark.skipif(PYTHON is None, reason="GNU Radio is not installed; make test-interop installs it")]
OFFSCREEN = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}


@contextmanager
def base_station(said, *options):
    command = ("flowgraphs/base_station.py", "--users", "4", "--uplink-power-dbm", "10", "--from", "gnuradio", "--to", "samples")
    with started(*command, *options, stderr=subprocess.STDOUT) as process:
        yield
        process.terminate()
        said.append(process.communicate(timeout=20)[0])
        assert process.returncode == 0, said


def test_symbols_reach_the_users(tmp_path):
    said, picture = [], tmp_path / "users.png"
    up, down = f"ipc://{tmp_path}/up", f"ipc://{tmp_path}/down"
    with base_station(said, "--input", up, "--output", down):
        done = subprocess.run(
            [PYTHON, FOLDER / "users.py", "--picture", picture, "--uplink", up, "--downlink", down, "--seconds", "12"],
            env=OFFSCREEN,
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.returncode == 0, done.stderr
    assert picture.read_bytes().startswith(b"\x89PNG") and picture.stat().st_size > 10_000
    sinr = [float(value) for value in re.findall(r"SINR ([\d.]+) dB", done.stdout)]
    assert len(sinr) == 4 and min(sinr) > 12, done.stdout
    found, broken = int(re.search(r"([\d,]+) blocks", said[0].splitlines()[-1])[1].replace(",", "")), re.search("broken", said[0])
    assert found > 50 and not broken and "PilotMonitor" not in said[0], said[0]


BLIND = """
import json, sys
import numpy as np
from receivers import Receivers
rng = np.random.default_rng(0)
points = (2 * np.arange(4) - 3) / np.sqrt(10)
found = []
for sinr_db in json.loads(sys.argv[1]):
    sent = rng.choice(points, (12800, 1)) + 1j * rng.choice(points, (12800, 1))
    noise = rng.standard_normal((12800, 2)).view(complex) / np.sqrt(2)
    receivers, heard = Receivers(1, 64), (10 ** (sinr_db / 20) * sent + noise).astype(np.complex64)
    receivers.work([heard], [np.empty_like(heard)])
    found.append(float(receivers.sinr_db[0]))
print(json.dumps(found))
"""


def test_a_blind_sinr_is_right_or_not_given():
    sinr = [-100.0, 0.0, 5.0, 10.0, 12.0, 15.0, 18.0, 25.0]
    done = subprocess.run([PYTHON, "-c", BLIND, json.dumps(sinr)], cwd=FOLDER, capture_output=True, text=True, timeout=60, check=True)
    found = np.array(json.loads(done.stdout))
    assert np.isnan(found[:5]).all()
    np.testing.assert_allclose(found[5:], sinr[5:], atol=0.5)


def test_no_answer_is_told(tmp_path):
    done = subprocess.run(
        [
            PYTHON,
            FOLDER / "users.py",
            "--picture",
            tmp_path / "a.png",
            "--uplink",
            f"ipc://{tmp_path}/a",
            "--downlink",
            f"ipc://{tmp_path}/b",
            "--seconds",
            "1",
        ],
        env=OFFSCREEN,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1 and "user 1: nothing received" in done.stdout


def test_the_companion_file_holds_the_same_sources(tmp_path):
    subprocess.run([PYTHON, FOLDER / "make_grc.py", tmp_path / "users.grc"], check=True, timeout=60)
    skip = re.compile(r"grc_version: .*")  # differs from one GNU Radio to the next
    assert skip.sub("", (tmp_path / "users.grc").read_text()) == skip.sub("", (FOLDER / "users.grc").read_text())


def test_the_companion_file_compiles_and_runs(tmp_path):
    compiled = subprocess.run(["grcc", "-o", tmp_path, FOLDER / "users.grc"], capture_output=True, text=True, timeout=60)
    assert "rror" not in compiled.stdout, compiled.stdout
    shutil.copy(FOLDER / "channels.npz", tmp_path)
    program = tmp_path / "users_grc.py"
    program.write_text(
        program.read_text().replace("tcp://127.0.0.1:5555", f"ipc://{tmp_path}/u").replace("tcp://127.0.0.1:5556", f"ipc://{tmp_path}/d")
    )
    said: list[str] = []
    station = base_station(said, "--input", f"ipc://{tmp_path}/u", "--output", f"ipc://{tmp_path}/d")
    with station, pytest.raises(subprocess.TimeoutExpired):  # the users go on until they are killed
        subprocess.run([PYTHON, program], env=OFFSCREEN, check=True, capture_output=True, timeout=12)
    assert int(re.search(r"([\d,]+) blocks", said[0].splitlines()[-1])[1].replace(",", "")) > 50, said


def test_channels_and_preamble_are_those_of_calibeam():
    stored = np.load(FOLDER / "channels.npz")
    uplink, downlink = Scenario(64, 4).channels(range(16))
    np.testing.assert_allclose(stored["uplink"], uplink, rtol=1e-4, atol=1e-9)
    np.testing.assert_allclose(stored["downlink"], downlink, rtol=1e-4, atol=1e-9)
    sys.path.insert(0, str(FOLDER))
    try:
        import bursts
    finally:
        sys.path.remove(str(FOLDER))
    np.testing.assert_allclose(bursts.preamble(), zadoff_chu(61, 25), atol=1e-6)
    sent = bursts.bursts(4, -10.0)
    begin = int(np.flatnonzero(sent.any(1))[0])
    np.testing.assert_allclose(sent[begin + 61 : begin + 65].T, Scenario(64, 4).pilot_matrix(), atol=1e-6)
