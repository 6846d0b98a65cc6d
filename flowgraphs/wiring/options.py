"""Command-line options made of frozen dataclasses: a setting has its name, type, default and help in one place."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Iterable
from dataclasses import MISSING, Field, dataclass, field, fields
from enum import Enum
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import typer

from flowgraphs.wiring.field_help import field_help

T = TypeVar("T")
_SCALARS: dict[type, str] = {int: "a whole number", float: "a number", str: "a text", bool: "true or false", Path: "a path"}
_PARSERS: dict[type, Callable[[str], Any]] = {
    int: int,
    float: float,
    str: str,
    Path: Path,
    bool: lambda text: {"true": True, "false": False}[text],
}


@dataclass(frozen=True)
class Options(Generic[T]):
    """The options of a frozen dataclass, for `with_options`.

    kind: the dataclass; its fields are numbers, texts, paths, flags, Literal or Enum choices, tuples of these, or any of them | None.
    panel: title above them in --help; only: the fields that become options, all by default; helps: texts in place of the docstring's;
    defaults: values in place of the dataclass's.
    A field's metadata may hold "help" and "metavar". Raises TypeError for a field that no option can be made of.
    """

    kind: type[T]
    panel: str | None = None
    only: tuple[str, ...] | None = None
    helps: dict[str, str] = field(default_factory=dict)
    defaults: dict[str, Any] = field(default_factory=dict)

    def parameters(self) -> list[inspect.Parameter]:
        """One parameter of a typer command for each field."""
        helps = field_help(self.kind) | self.helps
        return [self._parameter(f, hint, helps.get(f.name, "")) for f, hint in self._fields()]

    def read(self, values: dict[str, Any], given: Iterable[str]) -> Given[T]:
        """Take the fields' values out of what the command was called with."""
        own = {f.name: _from_option(f.name, hint, values.pop(f.name)) for f, hint in self._fields()}
        return Given(self.kind, own, frozenset(given) & own.keys())

    def _fields(self) -> list[tuple[Field, Any]]:
        hints = get_type_hints(self.kind)
        made = [(f, hints[f.name]) for f in fields(self.kind) if self.only is None or f.name in self.only]  # type: ignore[arg-type]
        if missing := set(self.only or ()) - {f.name for f, _ in made}:
            raise TypeError(f"{self.kind.__name__} has no field {', '.join(sorted(missing))}")
        return made

    def _parameter(self, f, hint, text):
        default = (
            f.default if f.default is not MISSING else f.default_factory() if f.default_factory is not MISSING else inspect.Parameter.empty
        )
        default = self.defaults.get(f.name, default)
        annotation, metavar = _as_option(f"{self.kind.__name__}.{f.name}", hint)
        if isinstance(default, tuple) and annotation == str | None:
            default = ",".join(map(str, default))
        option = typer.Option(help=text.replace("[", "\\["), rich_help_panel=self.panel, metavar=f.metadata.get("metavar", metavar))
        return inspect.Parameter(f.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[annotation, option])


@dataclass(frozen=True)
class Given(Generic[T]):
    """values: of all fields that have an option; given: names of those that stand on the command line."""

    kind: type[T]
    values: dict[str, Any]
    given: frozenset[str]

    def chosen(self) -> dict[str, Any]:
        """The values that stand on the command line, by field."""
        return {name: self.values[name] for name in self.given}

    def make(self, **more: Any) -> T:
        """The dataclass, with the fields of `more` in place of what the options have."""
        return self.kind(**self.values | more)


def with_options(**groups: Options) -> Callable[[Callable], Callable]:
    """A decorator for a typer command: its parameters of these names become the options of a dataclass, and are passed as `Given`.

    The command has a parameter of type typer.Context. Raises TypeError where two options have one name.
    """

    def decorate(command: Callable) -> Callable:
        hints = get_type_hints(command, include_extras=True)
        context = next(name for name, hint in hints.items() if hint is typer.Context)
        parameters: list[inspect.Parameter] = []
        for name, p in inspect.signature(command).parameters.items():
            own = p.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY)
            parameters += groups[name].parameters() if name in groups else [own]
        names = [p.name for p in parameters]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise TypeError(f"{command.__name__}: two options are called {', '.join(twice)}")

        @wraps(command)
        def called(**values):
            given = given_options(values[context])
            return command(**{name: options.read(values, given) for name, options in groups.items()}, **values)

        del called.__wrapped__  # type: ignore[attr-defined]
        called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        called.__annotations__ = {p.name: p.annotation for p in parameters}
        return called

    return decorate


def given_options(context: typer.Context) -> set[str]:
    """Names of the parameters that stand on the command line."""
    return {name for name in context.params if (source := context.get_parameter_source(name)) is not None and source.name == "COMMANDLINE"}


def refuse(given: Iterable[str], names: Iterable[str], reason: str) -> None:
    """Raise ValueError where one of the options `names` was given although it has no effect."""
    if idle := [f"--{name.replace('_', '-')}" for name in names if name in given]:
        raise ValueError(f"{', '.join(idle)} would have no effect: {reason}; leave it out")


def peek(arguments: list[str], option: str) -> str | None:
    """The value of an option, as in peek(["--network", "mine"], "--network"), before the command line is parsed; the last one counts."""
    found = None
    for argument, following in zip(arguments, [*arguments[1:], None], strict=True):
        if argument == option:
            found = following
        elif argument.startswith(f"{option}="):
            found = argument.partition("=")[2]
    return found


def field_value(kind: type, name: str, value: Any) -> Any:
    """A text, or a value out of YAML or JSON, as the type of a dataclass's field. Raises ValueError that says what the field takes."""
    bare, optional = _without_none(get_type_hints(kind)[name])
    if optional and value in (None, "none"):
        return None
    if get_origin(bare) is Literal:
        choices = get_args(bare)
        if value not in choices:
            raise ValueError(f"{name}={value}: {name} is one of {', '.join(map(str, choices))}")
        return value
    if bare not in _SCALARS:
        raise ValueError(f"{name}={value}: {name} cannot be given here")
    try:
        if isinstance(value, str):
            return _PARSERS[bare](value)
        if isinstance(value, bool) is not (bare is bool) or not isinstance(value, (int, float) if bare is float else bare):
            raise ValueError
        return bare(value)
    except (ValueError, KeyError):
        raise ValueError(f"{name}={value}: {name} takes {_SCALARS[bare]}") from None


def _without_none(hint):
    if get_origin(hint) in (Union, types.UnionType):
        others = [part for part in get_args(hint) if part is not type(None)]
        if len(others) == 1:
            return others[0], len(others) < len(get_args(hint))
    return hint, False


def _as_option(where, hint):
    """(annotation for typer, metavar)."""
    bare, optional = _without_none(hint)
    parts = get_args(bare)
    if get_origin(bare) is tuple and parts[1:] == (...,) and parts[0] in _SCALARS:
        name = {int: "INT", float: "FLOAT"}.get(parts[0], "TEXT")
        return str | None, f"{name},{name},..."
    known = bare in _SCALARS or get_origin(bare) is Literal or (isinstance(bare, type) and issubclass(bare, Enum))
    if not known and not (get_origin(bare) is tuple and all(part in _SCALARS for part in parts)):
        raise TypeError(f"{where}: there is no option for the type {hint}; name the fields that become options with only=")
    return (bare | None if optional else bare), None


def _from_option(name, hint, value):
    bare, _ = _without_none(hint)
    parts = get_args(bare)
    if not isinstance(value, str) or get_origin(bare) is not tuple or parts[1:] != (...,):
        return value
    try:
        return tuple(_PARSERS[parts[0]](text.strip()) for text in value.split(",") if text.strip())
    except (ValueError, KeyError):
        raise ValueError(
            f"--{name.replace('_', '-')} {value}: expected values with commas between them, each {_SCALARS[parts[0]]}"
        ) from None
