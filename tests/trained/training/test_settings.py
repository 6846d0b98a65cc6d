from dataclasses import asdict

import numpy as np
import pytest

from sim.world.rayleigh import Rayleigh
from tests.trained.small import ROOM, settings
from trained.card import Card
from trained.networks import NETWORKS
from trained.networks.calibrated import Calibrated
from trained.training.settings import Settings, settings_of_card


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"max_users": 20}, "users=20 with streams=1 need at least 20 antennas, got antennas=16"),
        ({"min_users": 9}, "min_users=9 is above max_users=4"),
        ({"steps": 0}, "steps=0"),
        ({"steps": None, "minutes": -1.0}, "minutes=-1"),
        ({"batch": 0}, "batch=0"),
        ({"warmup_steps": 0}, "warmup_steps=0"),
        ({"schedule": "moon"}, "schedule='moon' is not one of cosine, constant"),
        ({"learning_rate": 0.0}, "learning_rate=0"),
        ({"default_power_share": 2.0}, "default_power_share=2"),
        ({"noise_dbm": float("nan")}, "noise_dbm=nan"),
        ({"user_antennas": 2}, "user_antennas=2: calibrated is for users with one antenna"),
        ({"antenna": 16}, "there is no setting antenna; there are network,.*antennas"),
        ({"config": {"depth": 3}}, "there is no hyper-parameter of calibrated depth; there are regions, cells, rank, hidden, mixture_rate"),
        ({"config": {"regions": 0}}, "regions=0"),
        ({"network": "magic"}, "network='magic' is not one of .*calibrated"),
        ({"network": "paper-journal"}, "paper-journal is for one number of users: min_users=2 and max_users=4 have to be the same"),
        ({"network": "unfolding", "user_antennas": 2}, "user_antennas=2: the users of the world Room have one antenna"),
    ],
)
def test_bad_settings_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        settings(**change)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_has_its_recipe_and_every_setting_can_be_changed(name):
    made = Settings.of(name)
    assert all(getattr(made, key) == value for key, value in NETWORKS[name].recipe.items())
    assert Settings.of(name, batch=7, seed=9).batch == 7
    assert made.config == NETWORKS[name].Config()


def test_a_small_array_is_trained_for_as_many_users_as_it_can_serve():
    assert Settings.of("calibrated", antennas=4).max_users == 4
    assert Settings.of("calibrated", antennas=128).max_users == 16
    assert Settings.of("paper-journal", antennas=16).users == range(8, 9)


def test_a_world_brings_its_usual_powers():
    made = Settings.of("unfolding", world=Rayleigh())
    assert (made.downlink_power_dbm, made.noise_dbm) == (20.0, 0.0)
    assert Settings.of("unfolding", world=Rayleigh(), noise_dbm=-3.0).noise_dbm == -3.0


@pytest.mark.parametrize(("fewest", "most", "watched"), [(2, 16, 8), (2, 4, 4), (10, 12, 10), (8, 8, 8), (1, 1, 1)])
def test_a_run_is_watched_at_eight_users_or_at_the_nearest_that_it_is_trained_for(fewest, most, watched):
    assert settings(min_users=fewest, max_users=most).watched_users() == watched


def test_places_for_training_for_watching_and_for_the_table_are_apart():
    s = settings()
    train, validation, test = (set(s.scenario(split).positions()) for split in ("train", "validation", "test"))
    assert train and validation and test and len(train | validation | test) == len(train) + len(validation) + len(test)
    drawn = np.unique(s.scenario("train", seed=s.seed).user_positions(range(500)))
    assert set(drawn) <= train


def test_a_scenario_has_the_powers_that_are_trained_for():
    s = settings(uplink_power_dbm=-3.0, downlink_power_dbm=4.0, noise_dbm=-80.0, link_loss_db=10.0).scenario("test", 3, seed=2)
    assert (s.uplink_power_dbm, s.downlink_power_dbm, s.noise_dbm, s.link_loss_db) == (-3.0, 4.0, -80.0, 10.0)
    assert (s.users, s.seed, s.split, s.world) == (3, 2, "test", ROOM)


def test_a_network_that_is_built_has_the_size_and_the_hyper_parameters():
    made = settings(config={"hidden": 24}).build()
    assert isinstance(made, Calibrated) and made.config.hidden == 24 and made.size.max_users == 4


def card(s):
    made = NETWORKS[s.network]
    return Card(
        s.network, asdict(s.size), asdict(s.config), made.hears, made.gives, "rayleigh", {"world": asdict(Rayleigh())}, s.recorded()
    )


@pytest.mark.parametrize("name", NETWORKS)
def test_a_card_gives_the_settings_back(name):
    s = Settings.of(name, world=Rayleigh(), antennas=16, steps=5, seed=4, link_loss_db=3.0)
    assert settings_of_card(card(s)) == s


def test_changes_of_a_card_win():
    s = Settings.of("calibrated", {"hidden": 24, "cells": 2}, world=Rayleigh(), antennas=16, steps=5)
    made = settings_of_card(card(s), ROOM, {"hidden": 8}, minutes=2.0, antennas=12, max_users=5)
    assert (made.world, made.config.hidden, made.config.cells, made.antennas, made.max_users) == (ROOM, 8, 2, 12, 5)
    assert (made.steps, made.minutes) == (None, 2.0)
    assert settings_of_card(card(s), steps=7).steps == 7


def test_several_user_antennas_are_kept_by_a_card():
    s = Settings.of("unfolding", world=Rayleigh(), antennas=16, user_antennas=2, min_users=3, max_users=3)
    assert settings_of_card(card(s)) == s and s.size.streams == 2
