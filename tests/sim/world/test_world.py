import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from sim.world.path_table import PathTable
from sim.world.rayleigh import Rayleigh
from sim.world.room import Room
from sim.world.scenario import Scenario
from sim.world.world import World
from tests.sim.world.own_world import Corridor

S = Scenario(antennas=16, users=3, world=Corridor())


@pytest.mark.parametrize("kind", [Room, Rayleigh, Corridor])
def test_it_is_a_world(kind):
    assert isinstance(kind(), World)


def test_own_channels_are_those_of_the_world_with_the_loss_taken_off():
    lossy = replace(S, link_loss_db=20.0)
    rows = S.user_positions(range(4))
    h_ul, h_dl = lossy.channels(range(4))
    np.testing.assert_allclose(h_ul.swapaxes(1, 2), 0.1 * Corridor().channels(rows, 16, 0), rtol=1e-6)
    np.testing.assert_allclose(h_dl, 0.1 * Corridor().channels(rows, 16, 1).conj(), rtol=1e-6)


def test_the_docs_print_the_world_that_is_tested():
    printed = re.search(r"```python\n(.*?)```", (Path(__file__).parents[3] / "docs" / "worlds.md").read_text(), re.DOTALL)[1]
    tested = (Path(__file__).parent / "own_world.py").read_text()
    assert printed in tested


def test_a_world_without_paths_has_no_phasors():
    assert S.phasors() is None
    with pytest.raises(ValueError, match="Corridor has no path table"):
        S.path_table()


def test_what_a_world_lacks_is_named():
    with pytest.raises(ValueError, match="world=dict lacks carriers_hz, positions, channels"):
        Scenario(world={})


def test_a_world_that_cannot_be_hashed_is_refused():
    @dataclass
    class Loose:
        carriers_hz: tuple = (1.0, 2.0)

        def positions(self): ...

        def channels(self, rows, antennas, carrier): ...

    with pytest.raises(ValueError, match="Loose cannot be hashed: make it a frozen dataclass"):
        Scenario(world=Loose())


def test_channels_of_another_shape_are_refused():
    @dataclass(frozen=True)
    class Crooked(Corridor):
        def channels(self, rows, antennas, carrier):
            return super().channels(rows, antennas + 1, carrier)

    with pytest.raises(ValueError, match=r"Crooked gave channels \(1, 3, 17\) complex64, expected \(1, 3, 16\)"):
        replace(S, world=Crooked()).prepare()


def test_a_table_with_holes_is_refused():
    shape = (2, 3, 1)
    arrays = [np.zeros(shape) for _ in range(4)]
    arrays[1][0, 0] = np.nan
    with pytest.raises(ValueError, match="phase_rad holds a value that is not finite"):
        PathTable(np.zeros((3, 3)), (1e9, 2e9), *arrays)
