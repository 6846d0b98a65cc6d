from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Literal

import pytest
import typer
from typer.testing import CliRunner

from flowgraphs.wiring.field_help import field_help
from flowgraphs.wiring.options import Given, Options, field_value, peek, refuse, with_options


class Colour(StrEnum):
    red, blue = "red", "blue"


@dataclass(frozen=True)
class Settings:
    """All kinds of fields.

    antennas, users       how many there are
    *_dbm                 power in dBm,
                          over two lines
    rate                  of learning [1/s]
    start                 where it starts
    """

    antennas: int = 64
    users: int | None = None
    uplink_dbm: float = -10.0
    rate: float = 1e-3
    start: Literal["wmmse", "rzf"] = "wmmse"
    colour: Colour = Colour.red
    deep: bool = False
    widths: tuple[int, ...] = (512, 64)
    carriers: tuple[float, float] = (2.4e9, 2.5e9)
    folders: tuple[str, str] | None = None
    out: Path = Path("out")
    own: str = field(default="x", metadata={"help": "A text of its own.", "metavar": "OWN"})
    world: object = None


SHOWN = tuple(name for name in Settings.__dataclass_fields__ if name != "world")


def called(*arguments):
    """(what the command got, exit code, output)."""
    app, got = typer.Typer(pretty_exceptions_enable=False), []

    @app.command()
    @with_options(settings=Options(Settings, "Settings", SHOWN))
    def command(context: typer.Context, settings: Given[Settings], quiet: bool = False):
        """Do it."""
        got.append((settings, quiet))

    result = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "80", "TERM": "dumb"})
    return (got[0] if got else None), result.exit_code, result.output


def test_without_options_the_dataclass_has_its_defaults():
    (settings, quiet), code, _ = called()
    assert code == 0 and not quiet
    assert settings.make() == Settings() and settings.given == frozenset()


def test_options_of_every_type_are_read():
    arguments = (
        "--antennas=3 --users=2 --uplink-dbm=-3.5 --start=rzf --colour=blue --deep --widths=1,2,3 --carriers 1e9 2e9 --folders a b --out o"
    )
    (settings, _), code, output = called(*arguments.split())
    assert code == 0, output
    expected = Settings(3, 2, -3.5, 1e-3, "rzf", Colour.blue, True, (1, 2, 3), (1e9, 2e9), ("a", "b"), Path("o"), world="w")
    assert settings.make(world="w") == expected
    assert settings.given == set(SHOWN) - {"rate", "own"}


@pytest.mark.parametrize("wrong", ["--antennas=a", "--start=other", "--colour=green", "--carriers=1", "--nothing=1"])
def test_a_value_of_another_type_is_refused_before_the_command_runs(wrong):
    got, code, _ = called(wrong)
    assert code == 2 and got is None


def test_a_wrong_list_is_named():
    with pytest.raises(ValueError, match="--widths 1,b: expected values with commas between them, each a whole number"):
        Options(Settings, only=("widths",)).read({"widths": "1,b"}, ())


def test_help_is_the_docstrings_and_is_not_truncated():
    _, code, output = called("--help")
    assert code == 0 and "…" not in output
    text = " ".join(output.replace("│", " ").split())
    for words in (
        "Settings",
        "How many there are.",
        "Power in dBm, over two lines.",
        "Of learning [1/s].",
        "A text of its own.",
        "OWN",
        "wmmse|rzf",
    ):
        assert words in text, output


def test_rows_of_a_docstring_may_stand_in_one_line():
    @dataclass(frozen=True)
    class Config:
        """hidden: width of the layers; layers, rank: how many
        there are: some. text: is not a row of it."""

        hidden: int = 1
        layers: int = 2
        rank: int = 3

    found = field_help(Config)
    assert found["hidden"] == "Width of the layers." and found["layers"] == found["rank"] != ""


def test_a_field_that_no_option_can_be_made_of_is_named():
    with pytest.raises(TypeError, match=r"Settings\.world: there is no option for the type"):
        Options(Settings).parameters()
    with pytest.raises(TypeError, match="Settings has no field nothing"):
        Options(Settings, only=("nothing",)).parameters()


def test_two_options_of_one_name_are_named():
    with pytest.raises(TypeError, match="two options are called antennas"):

        @with_options(settings=Options(Settings, None, ("antennas",)))
        def command(context: typer.Context, settings: Given, antennas: int = 1):
            pass


def test_an_option_without_effect_is_refused_with_the_reason():
    refuse({"users"}, ("link_loss_db",), "there is none")
    with pytest.raises(ValueError, match="--link-loss-db would have no effect: there is none; leave it out"):
        refuse({"link_loss_db"}, ("users", "link_loss_db"), "there is none")


def test_an_option_is_found_before_the_command_line_is_parsed():
    assert peek(["--a", "1", "--network", "x", "--network=y"], "--network") == "y"
    assert peek(["--networks", "x", "--network"], "--network") is None


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("antennas", "16", 16),
        ("antennas", 16, 16),
        ("rate", 1, 1.0),
        ("rate", "1e-2", 0.01),
        ("users", "none", None),
        ("deep", "true", True),
        ("start", "rzf", "rzf"),
    ],
)
def test_texts_become_values_of_the_fields_type(name, value, expected):
    found = field_value(Settings, name, value)
    assert found == expected and type(found) is type(expected)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("antennas", "a", "antennas takes a whole number"),
        ("antennas", 1.5, "whole number"),
        ("antennas", True, "whole number"),
        ("rate", "x", "a number"),
        ("start", "x", "is one of wmmse, rzf"),
        ("world", "x", "cannot be given here"),
    ],
)
def test_values_of_another_type_are_refused(name, value, words):
    with pytest.raises(ValueError, match=f"{name}={value}: .*{words}"):
        field_value(Settings, name, value)
