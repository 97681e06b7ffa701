"""Durations such as `1d12h` and sizes such as `10MiB`: text to plain numbers, and back."""

from __future__ import annotations

import re

_SECONDS = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_DURATION = re.compile(r"(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?(?:([0-9]+)ms)?")
_BYTES = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "kB": 10**3, "MB": 10**6, "GB": 10**9}
_SIZE = re.compile(r"([0-9]{1,18}) ?(B|KiB|MiB|GiB|kB|MB|GB)")

LONGEST = 3_660 * 86_400.0
"""Seconds of the longest duration that makes sense here: ten years."""


def parse_duration(text: str) -> float:
    """Seconds of `90s`, `5m`, `1d12h`, `250ms`: each unit at most once, larger ones first.

    Raises:
        ValueError: it is no duration, or longer than `LONGEST`.
    """
    match = _DURATION.fullmatch(text)
    if not match or not text or len(text) > 40:
        raise ValueError(f"{text!r} is not a duration; write for example 90s, 5m, 1h or 1d12h")
    parts = zip(match.groups(), _SECONDS.values(), strict=True)
    seconds = sum(int(number) * unit for number, unit in parts if number)
    if seconds > LONGEST:
        raise ValueError(f"{text} is longer than ten years; write a shorter duration")
    return seconds


def format_duration(seconds: float) -> str:
    """The shortest text that `parse_duration` reads as `seconds` (rounded to ms): `1d12h`."""
    rest = round(seconds * 1000)
    parts = []
    for unit, length in _SECONDS.items():
        number, rest = divmod(rest, round(length * 1000))
        if number:
            parts.append(f"{number}{unit}")
    return "".join(parts) or "0s"


def parse_size(text: str) -> int:
    """Bytes of `100MiB`, `10 kB`, `512B`: KiB is 1024 bytes, kB is 1000.

    Raises:
        ValueError: it is no size.
    """
    match = _SIZE.fullmatch(text)
    if not match:
        raise ValueError(f"{text!r} is not a size; write for example 512KiB or 10MiB")
    return int(match[1]) * _BYTES[match[2]]


def format_size(size: int) -> str:
    """The size in the largest binary unit that it is whole in: `10MiB`."""
    for unit in ("GiB", "MiB", "KiB"):
        if size and size % _BYTES[unit] == 0:
            return f"{size // _BYTES[unit]}{unit}"
    return f"{size}B"
