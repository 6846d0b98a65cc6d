import signal

import pytest
import torch

from tests.trained.small import console, settings
from tests.trained.training.runs import LONGER, assert_equal, crash, steps_of, trained
from trained.store import load_network
from trained.training.drops import Drops
from trained.training.loop import check_checkpoint
from trained.training.run import Stopped


def broken_at(monkeypatch, step, how):
    """Training is stopped, once, when it draws the drop of that step."""
    drop = Drops.drop

    def drawn(self, number, *rest):
        if number == step:
            monkeypatch.setattr(Drops, "drop", drop)
            how()
        return drop(self, number, *rest)

    monkeypatch.setattr(Drops, "drop", drawn)


@pytest.mark.parametrize("step", [19, 20, 33])
@pytest.mark.parametrize(
    ("how", "ends"), [(lambda: signal.raise_signal(signal.SIGINT), Stopped), (crash, RuntimeError)], ids=["C", "crash"]
)
def test_a_run_that_was_stopped_ends_like_an_unbroken_one(unbroken, tmp_path, monkeypatch, how, ends, step):
    broken_at(monkeypatch, step, how)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(ends):
        trained(tmp_path, settings(**LONGER))
    assert signal.getsignal(signal.SIGINT) is before
    assert (tmp_path / "tiny.checkpoint").exists() and not (tmp_path / "tiny.safetensors").exists()
    screen = console()
    trained(tmp_path, settings(**LONGER), screen)
    assert "going on from step" in screen.file.getvalue()
    assert not (tmp_path / "tiny.checkpoint").exists()
    assert_equal(tmp_path / "tiny.safetensors", unbroken[0] / "tiny.safetensors")
    assert steps_of(tmp_path) == steps_of(unbroken[0])
    assert [f.name for f in (tmp_path / "logs").iterdir()] == ["tiny"]


def test_steps_of_the_rows_rise(unbroken):
    steps = steps_of(unbroken[0])
    assert steps == sorted(set(steps)) and steps[0] == 0 and steps[-1] == 50


def test_a_run_says_how_to_go_on_when_it_is_stopped(tmp_path, monkeypatch):
    broken_at(monkeypatch, 5, lambda: signal.raise_signal(signal.SIGINT))
    with pytest.raises(Stopped, match=r"stopped at step 6; the same command goes on from .*tiny\.checkpoint"):
        trained(tmp_path, settings(**LONGER))


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """A folder with the checkpoint of a run."""
    folder = tmp_path_factory.mktemp("stopped")
    with pytest.MonkeyPatch.context() as monkeypatch:
        broken_at(monkeypatch, 5, lambda: signal.raise_signal(signal.SIGINT))
        with pytest.raises(Stopped):
            trained(folder, settings(**LONGER))
    return folder


def test_a_checkpoint_of_other_settings_is_refused_with_what_differs(stopped):
    with pytest.raises(ValueError, match=r"made with other settings \(batch was 8, is 4\): use the same, or start afresh with --no-resume"):
        trained(stopped, settings(**LONGER | {"batch": 4}))


def test_a_checkpoint_may_be_gone_on_with_for_longer(stopped):
    assert check_checkpoint(stopped / "tiny.checkpoint", settings(**LONGER | {"steps": None, "minutes": 3.0}))[0] == 6


def test_a_damaged_checkpoint_is_refused(stopped, tmp_path):
    content = (stopped / "tiny.checkpoint").read_bytes()
    for damaged in (b"garbage", b"", content[: len(content) // 2]):
        (tmp_path / "tiny.checkpoint").write_bytes(damaged)
        with pytest.raises(ValueError, match="is not a checkpoint of a training run .*start afresh with --no-resume") as caught:
            check_checkpoint(tmp_path / "tiny.checkpoint", settings(**LONGER))
        assert len(str(caught.value).splitlines()) == 1


def test_a_checkpoint_is_left_alone_where_a_run_starts_afresh(stopped, tmp_path):
    (tmp_path / "tiny.checkpoint").write_bytes(b"garbage")
    trained(tmp_path, settings("calibrated-perfect"), resume=False)
    assert (tmp_path / "tiny.safetensors").exists()


@pytest.mark.parametrize("budget", [{"steps": 3}, {"steps": None, "minutes": 0.002}], ids=["steps", "minutes"])
def test_a_run_that_was_stopped_in_its_table_goes_on_there(tmp_path, monkeypatch, budget):
    s = settings("calibrated-perfect", **budget)
    with monkeypatch.context() as patch:
        patch.setattr("trained.training.run.evaluated", lambda *_: crash())
        with pytest.raises(RuntimeError, match="fell over"):
            trained(tmp_path, s)
    before, (first, _) = steps_of(tmp_path), load_network(str(tmp_path / "tiny.safetensors"))
    second, card = load_network(str(trained(tmp_path, s)))
    assert card.results["rows"] and steps_of(tmp_path) == before
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
