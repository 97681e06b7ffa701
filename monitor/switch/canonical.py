"""Plain values as bytes that are the same wherever they are written, and their digest."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def encode(value: Any) -> bytes:
    """JSON in ASCII, on one line, keys in order.

    Raises:
        ValueError: there is a number in it that JSON does not have.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode("ascii")


def digest(value: Any) -> str:
    """SHA-256 over it, in hexadecimal."""
    return hashlib.sha256(encode(value)).hexdigest()


def clean(text: str, longest: int = 120) -> str:
    """A foreign text as a sentence may hold it: on one line, printable, and not for ever."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= longest else f"{line[: longest - 3]}..."
