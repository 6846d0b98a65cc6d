import hashlib
import json
import shutil

import pytest
import torch
from safetensors.torch import save

from sim.world.rayleigh import Rayleigh
from sim.world.scenario import Scenario
from tests.support import untrained, written
from trained.evaluation.reference import Reference
from trained.networks import NETWORKS
from trained.networks.calibrated_perfect import CalibratedPerfect
from trained.networks.unfolding import Unfolding
from trained.store import SHIPPED, check_folder, find_card, find_weights, known, load_card, load_network, save_network, weights_name
from trained.training.settings import Settings


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder of the user's own weights."""
    monkeypatch.setenv("CALIBEAM_WEIGHTS", str(tmp_path / "own"))
    (tmp_path / "own").mkdir()
    return tmp_path / "own"


@pytest.fixture
def copy(tmp_path):
    for suffix in (".safetensors", ".json"):
        shutil.copy(SHIPPED / f"calibrated-perfect{suffix}", tmp_path / f"own{suffix}")
    return tmp_path / "own.safetensors"


@pytest.mark.parametrize(("users", "least"), [(8, 0.88), (10, 0.87)])
def test_shipped_weights_reach_their_share_of_wmmse(users, least):
    """Default scenario, uplink pilots only, 1,000 test blocks; WMMSE with 200 iterations and perfect CSI as 100 %."""
    network, card = load_network("calibrated-m64")
    reference = Reference.of(Scenario(users=users), 1000)
    fraction = reference.rate_of(network).mean() / reference.wmmse_rate.mean()
    assert fraction >= least
    (row,) = [row for row in card.results["rows"] if row["users"] == users]
    assert fraction == pytest.approx(row["fraction_of_wmmse"], abs=2e-3)


@pytest.mark.parametrize("name", known())
def test_weights_that_come_along_have_a_card_that_tells_how_they_were_made(name):
    network, card = load_network(name)
    assert sum(p.numel() for p in network.parameters()) > 0
    assert card.split and card.versions and card.sha256
    assert card.training["seed"] is not None and card.training["steps_done"] > 0
    assert card.results["rows"] and (card.hears, card.gives) == (str(network.hears), str(network.gives))


def test_what_is_shipped_fits_into_a_small_wheel():
    assert sum(file.stat().st_size for file in SHIPPED.iterdir()) < 20_000_000


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (("calibrated", 64, range(2, 17)), "calibrated-m64"),
        (("data-driven", 32, range(8, 9)), "data-driven-m32-k8"),
        (("calibrated-perfect", None), "calibrated-perfect"),
        (("unfolding", 16, range(4, 5), 2), "unfolding-mimo-m16-k4"),
    ],
)
def test_a_name_tells_antennas_one_number_of_users_and_whether_users_have_several_antennas(arguments, name):
    assert weights_name(*arguments) == name


def put(folder, *names):
    for name in names:
        (folder / f"{name}.safetensors").write_bytes(b"")


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (("made", 16, 4), "made-m16-k4"),
        (("made", 16, 5), "made-m16"),
        (("made", 32, 4), "made"),
        (("made",), "made"),
        (("made", 16, 4, 2), "made-mimo-m16-k4"),
        (("made-m16", 64, 4), "made-m16"),
    ],
)
def test_a_name_resolves_by_antennas_and_users_before_it_stands_for_itself(folder, asked, found):
    put(folder, "made", "made-m16", "made-m16-k4", "made-mimo-m16-k4")
    if asked[0] == "made" and found != "made":
        (folder / "made.safetensors").unlink()
    assert find_weights(*asked) == folder / f"{found}.safetensors"


def test_ones_own_weights_hide_shipped_ones_of_the_name(folder):
    assert find_weights("calibrated", 64).parent == SHIPPED
    put(folder, "calibrated-m64")
    assert find_weights("calibrated", 64).parent == folder
    assert known()["calibrated-m64"].parent == folder and known()["calibrated-m32"].parent == SHIPPED


def test_unknown_weights_say_what_to_do(folder):
    with pytest.raises(FileNotFoundError, match="no weights 'nonsense': give a .safetensors file or a name that `calibeam weights` lists"):
        load_network("nonsense")
    with pytest.raises(FileNotFoundError, match="there is no file nowhere/made.safetensors"):
        load_network("nowhere/made.safetensors")
    with pytest.raises(FileNotFoundError, match="there is no card 'nonsense'"):
        find_card("nonsense")


@pytest.mark.parametrize(
    ("asked", "command"),
    [
        (("calibrated", 48), "calibeam train --antennas 48"),
        (("calibrated", 4, 2), "calibeam train --antennas 4 --max-users 4"),
        (("paper-conference", 48, 4), "calibeam train --network paper-conference --antennas 48"),
        (("paper-journal", 48, 4), "calibeam train --network paper-journal --antennas 48 --min-users 4 --max-users 4"),
        (("unfolding", 48, 4), "calibeam train --network unfolding --antennas 48 --min-users 4 --max-users 4"),
        (("data-driven-m48-k4", 48, 4), "calibeam train --network data-driven --antennas 48 --min-users 4 --max-users 4"),
        (
            ("unfolding", 48, 4, 2),
            "calibeam train --network unfolding --antennas 48 --min-users 4 --max-users 4 --world rayleigh --user-antennas 2",
        ),
    ],
)
def test_missing_weights_come_with_the_command_that_trains_just_them(folder, asked, command):
    with pytest.raises(FileNotFoundError) as caught:
        load_network(*asked)
    assert str(caught.value).endswith(f"train some with: {command}")


@pytest.mark.parametrize("asked", [("calibrated", 48), ("paper-journal", 48, 4), ("unfolding", 12, 3, 2), ("calibrated", 4, 2)])
def test_what_that_command_trains_is_what_was_asked_for(folder, asked):
    """The options, read as the trainer does, give weights of a name that is found."""
    with pytest.raises(FileNotFoundError) as caught:
        find_weights(*asked)
    words = str(caught.value).rpartition("calibeam train ")[2].split()
    options = {key[2:].replace("-", "_"): value for key, value in zip(words[::2], words[1::2], strict=True)}
    world = {"world": Rayleigh()} if options.pop("world", "") == "rayleigh" else {}
    made = Settings.of(options.pop("network", "calibrated"), **{key: int(value) for key, value in options.items()}, **world)
    put(folder, weights_name(made.network, made.antennas, made.users, made.user_antennas))
    assert find_weights(*asked).parent == folder


def test_a_card_without_its_weights_says_how_to_train_them(folder):
    shutil.copy(SHIPPED / "calibrated-m64.json", folder / "made-m64.json")
    with pytest.raises(FileNotFoundError, match="made-m64 only the card is here; .*: calibeam train --config .*made-m64.json"):
        load_network("made", 64)


def test_weights_for_another_array_are_named_with_the_command():
    with pytest.raises(ValueError, match="calibrated-m64 are for antennas=64, the link has antennas=32; .*: calibeam train --antennas 32"):
        load_network("calibrated-m64", 32)


def test_own_weights_are_loaded_by_path(copy):
    network, card = load_network(str(copy), 64)
    assert card.antennas is None and network.serves(7)
    assert load_network(str(copy.with_suffix("")), 64)


def test_damaged_weights_are_named(copy):
    content = bytearray(copy.read_bytes())
    content[-1] ^= 1
    for damaged in (content, content[:1000], b""):
        copy.write_bytes(damaged)
        with pytest.raises(ValueError, match="own.safetensors is damaged .*SHA-256") as caught:
            load_network(str(copy))
        assert len(str(caught.value).splitlines()) == 1


def test_weights_of_another_network_are_named_even_where_the_hash_fits(copy):
    content = save({"refine.0.weight": torch.zeros(3)})
    copy.write_bytes(content)
    card = json.loads(copy.with_suffix(".json").read_text())
    copy.with_suffix(".json").write_text(json.dumps(card | {"sha256": hashlib.sha256(content).hexdigest()}))
    with pytest.raises(ValueError, match="does not hold the weights that its card describes") as caught:
        load_network(str(copy))
    assert len(str(caught.value).splitlines()) == 1


def test_saved_weights_are_those_that_are_loaded(tmp_path):
    network = untrained(Unfolding, 8, 2, layers=2)
    loaded, card = load_network(written(network, tmp_path / "made.safetensors"))
    assert (card.network, card.users, card.antennas) == ("unfolding", range(2, 3), 8)
    for name, value in network.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[name], value)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["made.json", "made.safetensors"]


def test_large_tensors_are_kept_in_half_precision(tmp_path):
    network = untrained(CalibratedPerfect, 8, 2, width=128)
    loaded, _ = load_network(written(network, tmp_path / "made.safetensors"))
    assert (tmp_path / "made.safetensors").stat().st_size < 0.6 * 4 * sum(p.numel() for p in network.parameters())
    assert {p.dtype for p in loaded.parameters()} == {torch.float32}


@pytest.mark.parametrize("how", [SHIPPED, SHIPPED / ".." / SHIPPED.name])
def test_the_shipped_folder_is_never_written(how):
    before = {file: file.stat().st_mtime_ns for file in SHIPPED.iterdir()}
    network, card = load_network("calibrated-perfect")
    with pytest.raises(ValueError, match="holds the shipped weights, which training never writes: give another --folder"):
        save_network(network, card, how / "made.safetensors")
    with pytest.raises(ValueError, match="holds the shipped weights"):
        check_folder(how)
    assert {file: file.stat().st_mtime_ns for file in SHIPPED.iterdir()} == before


def test_every_set_that_comes_along_is_of_a_known_network():
    for file in known().values():
        assert load_card(file).network in NETWORKS
