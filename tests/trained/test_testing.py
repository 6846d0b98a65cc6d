"""A network that breaks one sentence of the contract is told of with that sentence."""

from dataclasses import dataclass, field

import pytest
import torch
from torch import nn

from sim.world.scenario import Scenario
from tests.support import rayleigh
from tests.trained.small import ROOM
from trained.networks import NETWORKS, Gives, Hears, Network, network
from trained.testing import check_network

LINK = Scenario(antennas=8, users=3, world=ROOM, split="train")


@dataclass(frozen=True)
class Sound:
    """depth: how deep; widths: how wide."""

    depth: int = 1
    widths: tuple[int, ...] = (2, 3)


class Good(Network):
    """Keeps the contract: scales the channel, and shares power by strength."""

    hears, gives = Hears.ESTIMATE, Gives.STRUCTURE
    Config = Sound

    def __init__(self, size, config=None):
        super().__init__(size, config)
        self.gain = nn.Parameter(torch.full((size.antennas,), 0.9))
        self.slope = nn.Parameter(torch.tensor(0.1))

    def forward(self, heard, estimate_noise, power, noise_power):
        power = torch.as_tensor(power).expand(len(heard))[:, None]
        strength = torch.linalg.vector_norm(heard, dim=1).log()
        p = power * torch.softmax(self.slope * strength, dim=-1)
        return heard * self.gain[:, None], p, power.expand_as(p) / p.shape[1]


@pytest.fixture(autouse=True)
def unchanged():
    before = dict(NETWORKS)
    yield
    NETWORKS.clear()
    NETWORKS.update(before)


def checked(kind):
    return check_network(network("checked", title="under test")(kind), LINK)


def changed(**members):
    """Good, with other members."""
    return type("Broken", (Good,), members)


def given(change):
    """Good, whose h, p and q are changed."""
    return changed(forward=lambda self, *a: change(*Good.forward(self, *a)))


def test_a_network_that_keeps_the_contract_passes_with_every_sentence():
    held = checked(changed())
    assert len(held) == len(set(held)) >= 20
    assert held[0].startswith("it has a name") and held[-1].startswith("weights survive")


@dataclass
class Thawed:
    depth: int = 1


@dataclass(frozen=True)
class Silent:
    """Nothing is said."""

    depth: int = 1


@dataclass(frozen=True)
class Unkept:
    """pair: does not survive."""

    pair: tuple[tuple[int, int], ...] = field(default=((1, 2),))


def nan_gradient(self, drop, noise_power, progress):
    return Network.loss(self, drop, noise_power, progress) + (self.slope - self.slope).sqrt()


def spoilt_late(self, drop, noise_power, progress):
    return Network.loss(self, drop, noise_power, progress) / (1 - progress)


def constant(self, drop, noise_power, progress):
    return 0 * Network.loss(self, drop, noise_power, progress)


def forgets(self):
    return [{"params": [self.gain], "share": 1.0}]


BROKEN = {
    "hears is a text": (changed(hears="estimate"), "hears and gives are Hears and Gives"),
    "Config can be changed": (changed(Config=Thawed), "Config is a frozen dataclass"),
    "Config is no dataclass": (changed(Config=dict), "Config is a frozen dataclass"),
    "Config is not described": (changed(Config=Silent), r"docstring of Config has a word for each hyper-parameter; seen: \['depth'\]"),
    "Config comes back as another": (changed(Config=Unkept), "Config survives a card"),
    "users are refused": (changed(serves=lambda self, users: users < 3), "it serves the users that it is made for"),
    "one output too few": (given(lambda h, p, q: (h, p)), "has the shapes of 'structure'"),
    "a channel of another shape": (given(lambda h, p, q: (h.mT, p, q)), "has the shapes of 'structure'"),
    "powers of another shape": (given(lambda h, p, q: (h, p[:, :1], q)), "has the shapes of 'structure'"),
    "NaN": (given(lambda h, p, q: (h, p, q * float("nan"))), "is finite"),
    "double precision": (given(lambda h, p, q: (h.to(torch.complex128), p, q)), "are complex64"),
    "too much power": (given(lambda h, p, q: (h, 2 * p, q)), "the powers p sum to the downlink power"),
    "a negative power": (given(lambda h, p, q: (h, p, -q)), "p and q are not negative"),
    "blocks that hear of each other": (given(lambda h, p, q: (h - h.mean(0), p, q)), "gets the same alone as among others"),
    "a precoder beyond the budget": (
        changed(gives=Gives.PRECODER, forward=lambda self, h, *_: (h * self.gain[:, None] * 1e9,)),
        "the precoder keeps to the power budget",
    ),
    "a loss for each block": (changed(loss=lambda self, drop, *_: drop.power * self.slope), "the loss is one finite number"),
    "a loss that is infinite at the end": (changed(loss=spoilt_late), "the loss is one finite number"),
    "a gradient that is NaN": (changed(loss=nan_gradient), "gradients are finite"),
    "a loss that nothing moves": (changed(loss=constant), "the loss has a gradient"),
    "a parameter that is forgotten": (changed(parameter_groups=forgets), r"is in a parameter group; seen: \['slope'\]"),
}


@pytest.mark.parametrize(("kind", "sentence"), BROKEN.values(), ids=BROKEN)
def test_a_network_that_breaks_a_sentence_is_told_of(kind, sentence):
    with pytest.raises(AssertionError, match=f"Broken: .*{sentence}"):
        checked(kind)


def test_a_network_without_a_name_is_told_of():
    with pytest.raises(AssertionError, match="Good: it has a name and a title, given by @network"):
        check_network(Good, LINK)


def test_weights_that_do_not_survive_the_file_are_told_of():
    class Spins(Good):
        def load_state_dict(self, tensors, *args, **kwargs):
            return super().load_state_dict({name: -value for name, value in tensors.items()}, *args, **kwargs)

    with pytest.raises(AssertionError, match="weights survive the file"):
        checked(Spins)


def test_users_with_several_antennas_are_asked_for_where_the_link_has_them():
    with pytest.raises(ValueError, match="user_antennas=2: checked is for users with one antenna"):
        check_network(network("checked", title="t")(changed()), rayleigh(8, 2, user_antennas=2))
