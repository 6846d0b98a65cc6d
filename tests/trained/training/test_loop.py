import lightning
import pytest
import torch

from tests.trained.small import settings
from trained.training.loop import Training, started_network


def fitted(training, steps):
    lightning.Trainer(
        accelerator="cpu",
        max_steps=steps,
        max_epochs=-1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    ).fit(training, [0] * steps)
    return training


def test_the_first_weights_depend_on_the_settings_alone():
    one = started_network(settings())
    torch.rand(7)
    for name, value in started_network(settings()).state_dict().items():
        assert torch.equal(value, one.state_dict()[name])
    assert not torch.equal(started_network(settings(seed=4)).refine[0].weight, one.refine[0].weight)


def test_a_step_with_a_gradient_that_is_not_finite_is_skipped_and_counted():
    training = Training(settings())
    training.network.refine[-1].bias.register_hook(lambda gradient: gradient * float("nan"))
    before = {name: value.clone() for name, value in training.network.state_dict().items()}
    fitted(training, 2)
    assert training.skipped == training.steps_done == 2
    for name, value in training.network.state_dict().items():
        assert torch.equal(value, before[name])


@pytest.mark.parametrize("schedule", ["cosine", "constant"])
def test_the_learning_rate_is_a_function_of_the_progress(schedule):
    rates, training = [], Training(settings("calibrated-perfect", steps=40, warmup_steps=4, schedule=schedule, learning_rate=0.01))
    step = training.optimizer_step
    training.optimizer_step = lambda *a, **k: (rates.append(training.trainer.optimizers[0].param_groups[0]["lr"]), step(*a, **k))[1]
    fitted(training, 40)
    if schedule == "constant":
        assert rates == [0.01] * 40
    else:
        assert rates[:3] == pytest.approx([0.0025, 0.005, 0.0075], rel=0.03)
        assert max(rates) == pytest.approx(0.01, rel=0.05) and rates[-1] == pytest.approx(0.0001, rel=0.3)
        assert rates[4:] == sorted(rates[4:], reverse=True)


def test_a_network_gets_the_share_of_the_rate_that_it_asks_for():
    training = Training(settings(config={"mixture_rate": 0.5}, schedule="constant"))
    fitted(training, 1)
    others, mixture = (group["lr"] for group in training.optimizers().param_groups)
    assert mixture == 0.5 * others


def test_gradients_are_clipped_where_the_settings_say_so():
    norms = {}
    for clip in (1e-3, None):
        training = Training(settings("calibrated-perfect", clip=clip))
        keep = training.optimizer_step
        training.optimizer_step = lambda *a, t=training, k=keep, **kw: _norm(norms, t, a, k, kw)
        fitted(training, 1)
        norms[clip] = norms.pop("now")
    assert norms[1e-3] <= 1.001e-3 < norms[None]


def _norm(norms, training, arguments, step, more):
    done = step(*arguments, **more)
    norms["now"] = float(torch.cat([p.grad.flatten() for p in training.network.parameters() if p.grad is not None]).norm())
    return done
