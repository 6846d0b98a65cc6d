"""Classes out of a user's own file: "my.py:Mine".

A file is imported as a submodule of this one whose name spells its path, so that any process that unpickles an instance finds the file
by itself: importing the submodule imports this module first, which knows how to read the name.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any, TypeVar

Kind = TypeVar("Kind")

__path__: list[str] = []  # what lets this module have submodules


def load_class(spec: str, base: type[Kind]) -> type[Kind]:
    """The class of a "FILE.py:CLASS", a subclass of `base`.

    The file is run once in a process, under no module's name that it could shadow; its `if __name__ == "__main__":` part is left out.
    Instances can be pickled, wherever the same file lies at the same path. Raises FileNotFoundError where there is no such file,
    ImportError where it cannot be imported, and ValueError for another form, a class that is not there, and one that is no `base`.
    """
    file, _, name = spec.rpartition(":")
    if not file.endswith(".py") or not name.isidentifier():
        raise ValueError(f"{spec!r} is not FILE.py:CLASS, for example my.py:Mine")
    path = Path(file).expanduser().resolve()
    if not path.is_file():
        raise FileNotFoundError(f"{file} is not a file (looked for {path})")
    try:
        content = vars(importlib.import_module(_module_name(path)))
    except Exception as error:
        raise ImportError(f"{file} cannot be imported: {type(error).__name__}: {error}") from error
    found = content.get(name)
    if isinstance(found, type) and issubclass(found, base):
        return found
    others = [k for k, v in content.items() if isinstance(v, type) and issubclass(v, base) and v.__module__ == content["__name__"]]
    there = f"it has {', '.join(others)}" if others else f"it has no {base.__name__}"
    if found is None:
        raise ValueError(f"{file} has no class {name}; {there}")
    raise ValueError(f"{name} in {file} is no {base.__name__}; derive it: class {name}({base.__name__})")


def _module_name(path: Path) -> str:
    return f"{__name__}.{path.stem if path.stem.isidentifier() else 'file'}_{str(path).encode().hex()}"


class _Finder(MetaPathFinder):
    """Finds the submodules that `_module_name` names."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if not fullname.startswith(f"{__name__}."):
            return None
        try:
            file = Path(bytes.fromhex(fullname.rpartition("_")[2]).decode())
        except ValueError:
            return None
        return importlib.util.spec_from_file_location(fullname, file)


sys.meta_path.append(_Finder())
