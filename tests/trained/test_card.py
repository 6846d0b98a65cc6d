import json
from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.world.deepmimo import DeepMIMO
from sim.world.named import described, name_of, world_of
from sim.world.rayleigh import Rayleigh
from sim.world.room import Room
from sim.world.scenario import Scenario
from sim.world.tracer import trace
from tests.sim.world.own_world import Corridor
from tests.sim.world.test_deepmimo import ROOM, write_v4
from tests.support import untrained, written
from trained.card import Card
from trained.networks.unfolding import Unfolding
from trained.store import load_network


@pytest.fixture
def file(tmp_path):
    written(untrained(Unfolding, 8, 2, layers=2), tmp_path / "made.safetensors")
    return tmp_path / "made.json"


def changed(file, **changes):
    content = json.loads(file.read_text()) | changes
    file.write_text(json.dumps({name: value for name, value in content.items() if value is not None}))
    return file


def test_a_card_is_read_as_it_was_written(file, tmp_path):
    card = replace(Card.read(file), curve={"points": [1.5]}, learning_rates={"0.001": 0.9})
    card.write(tmp_path / "again.json")
    assert Card.read(tmp_path / "again.json") == card


def test_a_card_builds_the_network_that_it_describes(file):
    network = Card.read(file).build()
    assert (type(network), asdict(network.size)["max_users"], network.config) == (Unfolding, 2, Unfolding.Config(layers=2))


def test_hyper_parameters_that_are_lists_in_a_file_are_tuples(file):
    assert Card.read(changed(file, config={"widths": [3, 4]})).config_fields() == {"widths": (3, 4)}


def test_what_is_null_in_a_file_is_left_out(file):
    content = json.loads(file.read_text()) | {"curve": None}
    file.write_text(json.dumps(content))
    assert Card.read(file).curve == {}


BAD = {
    "another format": {"format": 1},
    "a format to come": {"format": 3},
    "no format": {"format": None},
    "a size that is a list": {"size": [8, 2]},
    "a network that is a number": {"network": 7},
    "no network": {"network": None},
    "no hash": {"sha256": None},
    "a hash that is a map": {"sha256": {}},
    "a field that there is not": {"architecture": "Calibration"},
    "results that are a text": {"results": "good"},
}


@pytest.mark.parametrize("changes", BAD.values(), ids=BAD)
def test_what_is_no_card_is_one_line_that_names_the_file(file, changes):
    with pytest.raises(ValueError, match=r"made\.json is not a card") as caught:
        Card.read(changed(file, **changes))
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("changes", [{"format": 1}, {"format": None}])
def test_a_card_of_another_format_says_what_to_do(file, changes):
    with pytest.raises(ValueError, match=r"not a card of this version of calibeam \(format 2\): train the weights again"):
        Card.read(changed(file, **changes))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"7", b"null", b"\xff\xfe", b"{}", b"[" * 100_000])
def test_a_file_that_holds_no_card_is_named(file, content):
    file.write_bytes(content)
    with pytest.raises(ValueError, match=r"made\.json is not a card"):
        Card.read(file)


@given(st.recursive(st.none() | st.integers() | st.text(max_size=5), lambda x: st.lists(x) | st.dictionaries(st.text(max_size=5), x)))
def test_whatever_a_file_holds_it_is_a_value_error(tmp_path_factory, content):
    file = tmp_path_factory.mktemp("card") / "made.json"
    file.write_text(json.dumps(content))
    with pytest.raises(ValueError, match="is not a card"):
        Card.read(file)


def test_a_missing_card_is_named(file):
    file.unlink()
    with pytest.raises(ValueError, match=r"made\.safetensors has no card: made\.json has to lie beside it"):
        load_network(str(file.with_suffix(".safetensors")))


SIZE = {"antennas": 8, "min_users": 2, "max_users": 2, "user_antennas": 1, "streams": 1}
WRONG = {
    "an unknown network": ({"network": "os.system"}, "network='os.system' is not one of"),
    "a size without antennas": ({"size": {name: SIZE[name] for name in SIZE if name != "antennas"}}, "size.antennas missing"),
    "a size of texts": ({"size": SIZE | {"max_users": "2", "min_users": 2.0}}, "size.max_users, size.min_users missing or of another kind"),
    "a size that has more": ({"size": SIZE | {"height": 1}}, "size.height"),
    "no fields of the world": ({"scenario": {"antennas": 8}}, "scenario.world missing or of another kind"),
    "rows that are none": ({"results": {"blocks": 5, "rows": {}}}, "results.rows missing or of another kind"),
    "another size": ({"size": SIZE | {"antennas": 9}}, "does not hold the weights that its card describes"),
    "a size that cannot be": ({"size": SIZE | {"antennas": 1}}, "users=2 with streams=1 need at least 2 antennas"),
    "a hyper-parameter that there is not": ({"config": {"depth": 3}}, "does not hold the weights that its card describes"),
    "a hyper-parameter that cannot be": ({"config": {"layers": 0}}, "layers=0"),
    "a hyper-parameter that is a text": ({"config": {"layers": "2"}}, "does not hold the weights that its card describes"),
}


@pytest.mark.parametrize(("changes", "message"), WRONG.values(), ids=WRONG)
def test_a_card_that_describes_no_such_network_is_one_clear_error(file, changes, message):
    changed(file, **changes)
    with pytest.raises(ValueError, match=message) as caught:
        load_network(str(file.with_suffix(".safetensors")))
    assert len(str(caught.value).splitlines()) == 1


def test_a_card_is_whole_or_not_there(file, monkeypatch):
    before = file.read_text()
    monkeypatch.setattr("trained.card.Path.replace", lambda *_: (_ for _ in ()).throw(OSError("no space")))
    with pytest.raises(OSError, match="no space"):
        replace(Card.read(file), curve={"new": 1}).write(file)
    assert file.read_text() == before


@pytest.fixture
def deepmimo(tmp_path):
    table = trace(ROOM, ROOM.positions())
    folders = [write_v4(tmp_path / name, table, carrier, "npz") for carrier, name in enumerate(("up", "down"))]
    return DeepMIMO(*folders, array_axis=(1.0, 0.0, 0.0), paths=3)


@pytest.mark.parametrize("world", [Room(), Rayleigh(), Rayleigh(seed=4), "deepmimo"], ids=str)
def test_a_world_survives_the_card(request, file, world):
    world = request.getfixturevalue("deepmimo") if world == "deepmimo" else world
    scenario = json.loads(json.dumps(asdict(Scenario(antennas=8, users=2, world=world))))
    assert Card.read(changed(file, world=name_of(world), scenario=scenario)).made_in() == world
    assert world_of(name_of(world), described(world)) == world


def test_a_world_of_ones_own_is_named_with_what_to_give(file):
    scenario = {"world": described(Corridor())}
    with pytest.raises(ValueError, match="world='Corridor' is not one of .*--world FILE.py:CLASS"):
        Card.read(changed(file, world=name_of(Corridor()), scenario=scenario)).made_in()
    with pytest.raises(ValueError, match="another room than the built-in one"):
        world_of("room", described(ROOM))
    with pytest.raises(ValueError, match="world='rayleigh' with .*'fog'"):
        world_of("rayleigh", {"fog": 1})
