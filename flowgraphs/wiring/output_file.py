"""A file that a command writes when it is done."""

from __future__ import annotations

import stat
from pathlib import Path


class OutputFile:
    """A file of this name, to be written later; that it can be is found out now.

    suffixes: those that the name may have, any where none is given. Raises ValueError for another suffix and for a folder, and OSError
    where no file can be made beside it.
    """

    def __init__(self, path: Path, option: str, suffixes: tuple[str, ...] = ()):
        self.path = path
        if suffixes and path.suffix not in suffixes:
            raise ValueError(f"{option} {path}: the name has to end in {', '.join(suffixes)}")
        if path.is_dir():
            raise ValueError(f"{option} {path} is a folder; give a file in it")
        if not path.parent.is_dir():
            raise FileNotFoundError(f"cannot write {path}: there is no folder {path.parent}")
        self._in_place = path.exists() and not stat.S_ISREG(path.stat().st_mode)
        self._draft = path if self._in_place else path.with_name(f".{path.name}.part")
        if not self._in_place:
            try:
                self._draft.open("wb").close()
                self._draft.unlink()
            except OSError as error:
                raise OSError(f"cannot write {path}: {error.strerror}") from None

    def write(self, content: bytes) -> None:
        """Put the content there, all at once: an older file is replaced by a whole one."""
        self._draft.write_bytes(content)
        if not self._in_place:
            self._draft.replace(self.path)
