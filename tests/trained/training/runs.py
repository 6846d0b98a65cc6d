"""Short runs of the trainer, and what they leave behind."""

import csv

import torch
from safetensors.torch import load_file

from tests.trained.small import console
from trained.training.run import Run, train

LONGER = {"steps": 50, "warmup_steps": 5, "learning_rate": 3e-3}


def trained(folder, s, screen=None, **run):
    """The weights of a short run."""
    run = {"name": "tiny", "folder": folder, "logs": folder and folder / "logs", "blocks": 20, **run}
    return train(s, Run(**run), screen or console())


def assert_equal(a, b):
    a, b = load_file(a), load_file(b)
    assert a.keys() == b.keys()
    for name in a:
        assert torch.equal(a[name], b[name]), name


def steps_of(folder):
    with (folder / "logs" / "tiny" / "metrics.csv").open(newline="") as stream:
        return [int(row["step"]) for row in csv.DictReader(stream)]


def crash(*_):
    raise RuntimeError("the machine fell over")
