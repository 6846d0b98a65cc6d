"""How a worker tells what ended it."""

from __future__ import annotations

import traceback
from typing import Any


def failure(error: BaseException, block: str, phase: str, index: tuple[int, int] | None) -> dict[str, Any]:
    """The control message about an exception that ended `block`, or the block that the exception itself blames."""
    return {
        "kind": "error",
        "block": getattr(error, "block_name", block),
        "phase": phase,
        "index": getattr(error, "block_index", index),
        "reason": _sendable(f"{type(error).__name__}: {_text(error)}"),
        "details": _sendable("".join(traceback.format_exception(error))),
    }


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as failed:
        return f"an error whose text cannot be had ({type(failed).__name__})"


def _sendable(text: str) -> str:
    return text.encode(errors="backslashreplace").decode()
