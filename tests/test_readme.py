"""The README's programs run as they stand."""

import os
import re
import subprocess
import sys
from pathlib import Path

import zmq

from blocks.runtime import wire

README = (Path(__file__).parents[1] / "README.md").read_text()
SWAP, SENDER, RECEIVER = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def program(text, tmp_path, name):
    file = tmp_path / name
    file.write_text(text.replace("tcp://127.0.0.1:5555", f"ipc://{tmp_path}/in").replace("tcp://127.0.0.1:5556", f"ipc://{tmp_path}/out"))
    return subprocess.Popen([sys.executable, str(file)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_swapped_block_prints_a_rate(tmp_path):
    output, errors = program(SWAP, tmp_path, "swap.py").communicate(timeout=60)
    assert float(output) > 1, errors
    assert len([line for line in SWAP.splitlines() if line]) <= 15


def test_foreign_process_gets_its_precoders(tmp_path):
    programs = [program(RECEIVER, tmp_path, "receiver.py"), program(SENDER, tmp_path, "sender.py")]
    with zmq.Context() as context, context.socket(zmq.PULL) as socket:
        socket.connect(f"ipc://{tmp_path}/out")
        count = 0
        while True:
            assert socket.poll(30_000), "no precoder came"
            frame = wire.decode(socket.recv_multipart())
            if frame is wire.END:
                break
            assert frame.arrays["v"].shape == (64, 64, 8)
            count += frame.count
    assert count == 640
    for each in programs:
        assert each.wait(30) == 0, each.stderr.read()
        each.communicate()


def test_every_block_is_in_the_table():
    import blocks

    kinds = {n for n, v in vars(blocks).items() if isinstance(v, type) and issubclass(v, blocks.Block)} - {"Block", "Chain"}
    table = README.split("\n## Blocks\n")[1].split("\n## ")[0]
    assert kinds == {name for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}


def test_options_in_the_radio_manual_exist():
    manual = (Path(__file__).parents[1] / "docs" / "radio.md").read_text()
    known = "".join(
        subprocess.run([sys.executable, *command], capture_output=True, text=True, env={**os.environ, "COLUMNS": "300"}).stdout
        for command in (["flowgraphs/base_station.py", "--help"], ["flowgraphs/fdd_e2e.py", "--help"])
    )
    options = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", manual))
    assert len(options) > 15
    assert options <= set(re.findall(r"--[a-z][a-z-]+", known))
