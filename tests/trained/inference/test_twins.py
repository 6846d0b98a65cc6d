"""Every set of weights whose network has a CPU twin: the twin is the network."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from sim.rate import sum_rate
from sim.structured import structured_precoder
from sim.world.scenario import Scenario
from tests.streams import complex_normal
from tests.support import untrained, written
from trained.card import Card
from trained.inference import find_twin
from trained.networks import NETWORKS
from trained.networks.calibrated import Calibrated
from trained.networks.calibrated_perfect import CalibratedPerfect
from trained.store import known, load_network, load_twin

WITH_TWIN = {name: file for name, file in known().items() if find_twin(Card.read(file).network)}
CHANGES = ((1.0, 1.0), (10.0, 0.1), (0.3, 3.0), (1.0, 1.0))
"""Of the estimate's noise and of the downlink power, one after the other."""


@cache
def twin(name):
    return load_twin(WITH_TWIN[name])


@cache
def network(name):
    return load_network(str(WITH_TWIN[name]))


def link(card, users):
    return Scenario(antennas=card.antennas or 48, users=users)


def noise_of(s):
    return s.noise_power / (s.uplink_power * s.pilot_symbols)


def heard(card, s, blocks):
    """What the network of a card hears in these coherence blocks."""
    if card.hears == "channel":
        return np.ascontiguousarray(s.downlink(blocks).conj().swapaxes(1, 2))
    noise = complex_normal(np.random.default_rng(3), len(blocks), s.antennas, s.users) * noise_of(s) ** 0.5
    return s.uplink(blocks) + noise.astype(np.complex64)


def given(made, h, noise, power, noise_power):
    """(h, p, q) as arrays, of a network or a twin."""
    if not isinstance(made, torch.nn.Module):
        return made(h, noise, power, noise_power)
    with torch.inference_mode():
        return tuple(x.numpy() for x in made(torch.from_numpy(h), noise, power, noise_power))


def test_the_shipped_calibrations_have_twins():
    assert {"calibrated-m16", "calibrated-m32", "calibrated-m64", "calibrated-m128", "calibrated-perfect"} <= WITH_TWIN.keys()


@pytest.mark.parametrize("name", WITH_TWIN)
def test_a_twin_gives_the_rates_of_its_network(name):
    """On the mean of 256 blocks, whose noise and power change; in one of hundreds rounding decides which of two regions is looked at."""
    made, card = network(name)
    for users in range(1, min(16, card.antennas or 16) + 1):
        s = link(card, users)
        rates = np.array([changing_rates(each, card, s) for each in (twin(name), made)])
        np.testing.assert_allclose(*rates.mean(axis=1), rtol=1e-5, err_msg=f"users={users}")
        assert np.median(abs(rates[0] / rates[1] - 1)) < 1e-5, f"users={users}"


def changing_rates(made, card, s):
    """Sum rates of 64 blocks for each of CHANGES."""
    rates = []
    for n, (noisier, stronger) in enumerate(CHANGES):
        blocks = range(64 * n, 64 * n + 64)
        h, p, q = given(made, heard(card, s, blocks), noisier * noise_of(s), stronger * s.downlink_power, s.noise_power)
        rates.append(sum_rate(s.downlink(blocks) @ structured_precoder(h, p, q, s.noise_power), s.noise_power))
    return np.concatenate(rates)


@pytest.mark.parametrize("users", [1, 3, 8, 16])
@pytest.mark.parametrize("name", WITH_TWIN)
def test_a_block_gets_the_same_in_any_batch(name, users):
    s = link(network(name)[1], users)
    h = heard(network(name)[1], s, range(256))
    known_powers = noise_of(s), s.downlink_power, s.noise_power
    whole = twin(name)(h, *known_powers)
    for batch in (1, 2, 7, 64):
        part = twin(name)(h[256 - batch :], *known_powers)
        for one, all_ in zip(part, whole, strict=True):
            np.testing.assert_array_equal(one, all_[256 - batch :])


@pytest.mark.parametrize(
    "make",
    [lambda h: h * 0, lambda h: h * np.float32(1e-15), lambda h: h * np.float32(1e6), lambda h: np.repeat(h[..., :1], 5, axis=2)],
    ids=["zero", "tiny", "huge", "rank one"],
)
@pytest.mark.parametrize("name", WITH_TWIN)
def test_output_is_finite_for_degenerate_input(name, make, rng):
    card = network(name)[1]
    h, p, q = twin(name)(make(3e-5 * complex_normal(rng, 5, card.antennas or 48, 5)), 2e-12, 3.16, 3.16e-9)
    assert np.isfinite(h).all() and np.isfinite(q).all() and (q > 0).all() and (p >= 0).all()
    np.testing.assert_allclose(p.sum(1), 3.16, rtol=1e-5)


def small_calibrated(rng, antennas, **sizes):
    made = untrained(Calibrated, antennas, 1, **{"regions": 21, "cells": 3, "rank": 3, "hidden": 10, **sizes})
    places = [torch.from_numpy(3e-6 * complex_normal(rng, 900, antennas)) for _ in range(2)]
    made.mixture.start_from(*places, torch.from_numpy(rng.random((900, 3))).float(), torch.Generator().manual_seed(0))
    return made


@pytest.mark.parametrize(
    ("antennas", "sizes"), [(1, {}), (3, {}), (5, {"rank": 9}), (16, {"regions": 2, "cells": 1}), (24, {"hidden": 70})]
)
def test_a_twin_serves_any_size_of_network(rng, tmp_path, antennas, sizes):
    made = small_calibrated(rng, antennas, **sizes)
    torch.nn.init.normal_(made.refine[4].weight, std=0.1)
    for each in made.powers.rounds:
        torch.nn.init.normal_(each.out.weight, std=0.3)
    file = written(made, tmp_path / "small.safetensors")
    h = 3e-6 * complex_normal(rng, 6, antennas, min(antennas, 3))
    for found, expected in zip(load_twin(Path(file))(h, 1e-12, 2.0, 1e-9), given(load_network(file)[0], h, 1e-12, 2.0, 1e-9), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize(
    ("kind", "config"), [(Calibrated, {"regions": 9, "cells": 2, "rank": 3, "hidden": 8}), (CalibratedPerfect, {"rounds": 2})]
)
@pytest.mark.parametrize("antennas", [2, 16])
def test_a_twin_knows_the_shapes_of_its_network(kind, config, antennas):
    made = untrained(kind, antennas, 2, **config)
    expected = {name: tuple(tensor.shape) for name, tensor in made.state_dict().items()}
    assert find_twin(kind.name).shapes({"antennas": antennas}, vars(made.config)) == expected


@pytest.mark.parametrize("kind", [kind for kind in NETWORKS.values() if find_twin(kind.name)], ids=lambda kind: kind.name)
def test_a_twin_is_used_as_its_network_is(kind):
    made = find_twin(kind.name)
    assert (made.any_antennas, made.fixed_users) == (kind.any_antennas, kind.fixed_users)
    assert (made.has_own_pilots(), made.calibrates_received()) == (kind.has_own_pilots(), kind.calibrates_received())


@pytest.mark.parametrize("name", ["channel-mapping", "unfolding", "parts", "base", "my.own", "", "no such network"])
def test_a_network_without_a_twin_has_none(name):
    assert find_twin(name) is None


def test_weights_of_other_shapes_than_their_card_tells_are_refused(tmp_path):
    made = untrained(CalibratedPerfect, 4, 2, width=8)
    made.powers.start[0] = torch.nn.Linear(2, 9)
    file = written(made, tmp_path / "wrong.safetensors")
    with pytest.raises(ValueError, match=r"wrong.safetensors does not hold the weights .*powers.start.0.weight"):
        load_twin(Path(file))


def test_damaged_weights_are_refused(tmp_path):
    file = written(untrained(CalibratedPerfect, 4, 2, width=8), tmp_path / "made.safetensors")
    with open(file, "r+b") as opened:
        opened.seek(-1, 2)
        opened.write(b"\x7f")
    with pytest.raises(ValueError, match="SHA-256 differs"):
        load_twin(Path(file))


@pytest.mark.parametrize(("shape", "dtype"), [((2, 16, 3), "complex64"), ((64, 3), "complex64"), ((2, 64, 3), "complex128")])
def test_channels_of_another_shape_or_type_are_refused(shape, dtype):
    with pytest.raises(ValueError, match=r"expected \(blocks, 64, users\) complex64"):
        twin("calibrated-m64")(np.ones(shape, dtype), 1e-12, 1.0, 1.0)
