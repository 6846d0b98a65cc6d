"""What a dataclass's docstring says of its fields."""

from __future__ import annotations

import inspect
import re
from dataclasses import fields
from fnmatch import fnmatchcase

_NAMES = r"[*\w]+(?:, [*\w]+)*"
_ROW = re.compile(rf"^( *)({_NAMES})(?: {{2,}}|: )(\S.*)$")
_NEXT = re.compile(rf"; (?={_NAMES}: )")


def field_help(kind: type) -> dict[str, str]:
    """{field: sentence} for the fields of a dataclass that its docstring has a row for.

    A row is "name   text" or "name: text", several names with commas between them or a pattern as "*_power_dbm"; it goes on in lines that
    are indented further. Rows "name: text" may also stand in one line, with a semicolon between them. metadata={"help": text} of a field
    wins.
    """
    known = [f.name for f in fields(kind)]
    found: dict[str, str] = {}
    for names, text in _rows(inspect.cleandoc(kind.__doc__ or ""), known):
        for name in known:
            if any(fnmatchcase(name, pattern) for pattern in names):
                found.setdefault(name, _sentence(text))
    return found | {f.name: f.metadata["help"] for f in fields(kind) if "help" in f.metadata}


def _rows(docstring, known):
    rows: list[tuple[list[str], str]] = []
    indent = None
    for line in docstring.splitlines():
        match = _ROW.match(line)
        names = match[2].split(", ") if match else []
        if match and all(any(fnmatchcase(name, pattern) for name in known) for pattern in names):
            indent = len(match[1])
            first, *others = _NEXT.split(match[3])
            rows.append((names, first))
            rows += [(other.partition(": ")[0].split(", "), other.partition(": ")[2]) for other in others]
        elif indent is not None and line.strip() and len(line) - len(line.lstrip()) > indent:
            rows[-1] = (rows[-1][0], f"{rows[-1][1]} {line.strip()}")
        else:
            indent = None
    return rows


def _sentence(text):
    first = text[0] if text[1:2].isupper() else text[0].upper()
    return first + text[1:] + ("" if text.endswith((".", "?", "!")) else ".")
