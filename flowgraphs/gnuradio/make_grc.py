"""Write users.grc: the flowgraph of users.py for GNU Radio Companion, with the sources of its blocks inside.

/usr/bin/python3 flowgraphs/gnuradio/make_grc.py          after a change of air.py, bursts.py or receivers.py
"""

import sys
from pathlib import Path

import yaml
from gnuradio import gr
from gnuradio.grc.core.utils import epy_block_io

HERE = Path(__file__).parent


def block(name, kind, at, states=None, /, **parameters):
    """A block of a .grc file at the position `at`."""
    return {
        "name": name,
        "id": kind,
        "parameters": {key: str(value) for key, value in parameters.items()},
        "states": {**(states or {}), "coordinate": list(at), "rotation": 0, "state": "enabled"},
    }


def embedded(name, source, at, turned=("", ""), /, **parameters):
    """An embedded Python block with the source of a file in this folder; `turned` changes defaults, from which GRC takes the ports."""
    text = (HERE / source).read_text().replace(*turned)
    io = repr(tuple(epy_block_io.extract(text)))
    return block(name, "epy_block", at, {"_io_cache": io}, _source_code=text, **parameters)


def flowgraph():
    """The content of users.grc."""
    variables = [
        block("samp_rate", "variable", (8, 188), value=50000),
        block("users", "variable", (8, 252), value=4),
        block("antennas", "variable", (104, 252), value=64),
        block("symbols", "variable", (8, 316), value=64),
        block("uplink", "variable", (200, 188), value='"tcp://127.0.0.1:5555"'),
        block("downlink", "variable", (200, 252), value='"tcp://127.0.0.1:5556"'),
        block(
            "offset",
            "variable_qtgui_range",
            (400, 8),
            label='"carrier offset (cycles per sample)"',
            rangeType="float",
            value=0.0005,
            start=-0.004,
            stop=0.004,
            step=0.0001,
            widget="counter_slider",
        ),
        block(
            "number",
            "variable_qtgui_range",
            (600, 8),
            label='"coherence block"',
            rangeType="int",
            value=6,
            start=0,
            stop=15,
            step=1,
            widget="counter_slider",
        ),
        block("bursts", "epy_module", (104, 316), source_code=(HERE / "bursts.py").read_text()),
    ]
    up = [
        block(
            "sent",
            "blocks_vector_source_x",
            (8, 432),
            type="complex",
            vector="bursts.flat(users, 10)",
            repeat="True",
            vlen="users",
            tags="[]",
        ),
        block("paced", "blocks_throttle", (248, 440), type="complex", samples_per_second="samp_rate", vlen="users", ignoretag="True"),
        embedded(
            "air_up",
            "air.py",
            (472, 416),
            inputs="users",
            outputs="antennas",
            direction='"uplink"',
            block="number",
            offset="offset",
            noise_dbm=-85.0,
        ),
        block(
            "to_base",
            "zeromq_push_sink",
            (720, 432),
            type="complex",
            vlen="antennas",
            address="uplink",
            timeout=100,
            pass_tags="False",
            hwm=-1,
        ),
    ]
    down = [
        block(
            "from_base",
            "zeromq_pull_source",
            (8, 592),
            type="complex",
            vlen="antennas",
            address="downlink",
            timeout=100,
            pass_tags="False",
            hwm=-1,
        ),
        embedded(
            "air_down",
            "air.py",
            (248, 576),
            ('inputs=4, outputs=64, direction="uplink"', 'inputs=64, outputs=4, direction="downlink"'),
            inputs="antennas",
            outputs="users",
            direction='"downlink"',
            block="number",
            offset=0.0,
            noise_dbm=-85.0,
        ),
        embedded("receivers", "receivers.py", (472, 608), users="users", symbols="symbols"),
        block("apart", "blocks_vector_to_streams", (704, 584), type="complex", num_streams="users", vlen=1),
    ]
    sinks = [
        block(
            f"user_{k + 1}",
            "qtgui_const_sink_x",
            (936, 480 + 96 * k),
            type="complex",
            name=f'"user {k + 1}"',
            size=1024,
            xmin=-1.5,
            xmax=1.5,
            ymin=-1.5,
            ymax=1.5,
            nconnections=1,
            legend="False",
            alpha1=0.5,
            gui_hint=f"{k // 2 + 2},{k % 2}",
        )
        for k in range(4)
    ]
    connections = [
        ["sent", "0", "paced", "0"],
        ["paced", "0", "air_up", "0"],
        ["air_up", "0", "to_base", "0"],
        ["from_base", "0", "air_down", "0"],
        ["air_down", "0", "receivers", "0"],
        ["receivers", "0", "apart", "0"],
        *[["apart", str(k), f"user_{k + 1}", "0"] for k in range(4)],
    ]
    options = {
        "parameters": {
            "author": "calibeam",
            "title": "calibeam: users and air",
            "id": "users_grc",
            "generate_options": "qt_gui",
            "output_language": "python",
            "run": "True",
            "run_options": "prompt",
            "run_command": "{python} -u {filename}",
            "description": "The other side of flowgraphs/base_station.py --users 4 --uplink-power-dbm 10 --from gnuradio --to samples",
        },
        "states": {"coordinate": [8, 8], "rotation": 0, "state": "enabled"},
    }
    return {
        "options": options,
        "blocks": variables + up + down + sinks,
        "connections": connections,
        "metadata": {"file_format": 1, "grc_version": gr.version()},
    }


if __name__ == "__main__":
    (Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "users.grc").write_text(yaml.safe_dump(flowgraph(), sort_keys=False, width=120))
