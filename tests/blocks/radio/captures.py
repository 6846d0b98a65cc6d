"""What GNU Radio's ZeroMQ blocks sent, with what they were given."""

import json
from pathlib import Path

import numpy as np

from blocks.radio.pmt import Pair, UInt64, Vector

FOLDER = Path(__file__).parents[2] / "data" / "gnuradio"
MANIFEST = json.loads((FOLDER / "manifest.json").read_text())
CAPTURES = {capture["name"]: capture for capture in MANIFEST["captures"]}
STREAMS = [name for name in CAPTURES if "expected_data" in CAPTURES[name]]
CORPUS = {entry["name"]: entry for entry in MANIFEST["pmt_corpus"]}


def messages(name):
    """The messages of a capture, each a list of parts."""
    return [[(FOLDER / part["file"]).read_bytes() for part in parts] for parts in CAPTURES[name]["messages"]]


def value_of(described):
    """The Python value of a PMT as the manifest describes it."""
    kind, value = described["t"], described.get("v")
    if kind.endswith("vector") and kind != "vector":
        dtype = {"u": "uint", "s": "int", "f": "float", "c": "complex"}[kind[0]]
        bits = int(kind[1:-6]) * (2 if kind[0] == "c" else 1)
        return np.array([complex(*v) for v in value] if kind[0] == "c" else value, f"{dtype}{bits}")
    if kind == "pair":
        car, cdr = map(value_of, value)
        return [car, *(cdr or [])] if cdr is None or isinstance(cdr, list) else Pair(car, cdr)
    return {
        "null": lambda: None,
        "uint64": lambda: UInt64(value),
        "complex": lambda: complex(*value),
        "tuple": lambda: tuple(map(value_of, value)),
        "vector": lambda: Vector(map(value_of, value)),
        "dict": lambda: {value_of(k): value_of(v) for k, v in value},
    }.get(kind, lambda: value)()
