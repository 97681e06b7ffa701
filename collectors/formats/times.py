"""Event times: ISO 8601 and epoch numbers to microseconds since the epoch."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from collectors.events import Ints

NO_TIME = np.iinfo(np.int64).min
"""In place of a time that cannot be read, or is not there."""

EARLIEST = -62_135_596_800_000_000
"""The first microsecond of the year 1."""

AFTER_LATEST = 253_402_300_800_000_000
"""The first microsecond of the year 10000."""

UNIT_BOUND = 253_402_300_800
"""Epoch numbers smaller than this, either side of 0, are seconds: up to the end of the year 9999.

Smaller than 1000 times this they are ms, than 1000^2 times us, and ns from there on. So a time in
ms, us or ns is read as what it is from 11 January 1978 on.
"""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1) // timedelta(microseconds=1)
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


def zone(name: str) -> tzinfo:
    """The IANA time zone of that name.

    Raises:
        ValueError: there is none.
    """
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(
            f"time zone {name!r} is unknown; use an IANA name such as Europe/Berlin"
        ) from None


def event_times(values: Sequence[Any], local: tzinfo) -> tuple[Ints, NDArray[np.bool_]]:
    """Times in us since the epoch, int64 [n], and where one is there but cannot be read, bool [n].

    Absent, null and blank ones are `NO_TIME` and not counted as unreadable. A time without a zone
    is one of the zone `local`; of an hour that comes twice, the first.
    """
    kinds = set(map(type, values))
    if kinds in ({int}, {float}):
        times = _epochs(values)
        if times is not None:
            return times, times == NO_TIME
    times = np.full(len(values), NO_TIME, dtype=np.int64)
    unreadable = np.zeros(len(values), dtype=np.bool_)
    for i, value in enumerate(values):
        time = _text_time(value, local) if type(value) is str else _epoch(value)
        if time is not None:
            times[i] = time
        else:
            unreadable[i] = not _blank(value)
    return times, unreadable


def _blank(value: Any) -> bool:
    return value is None or value is UNSET or (type(value) is str and not value.strip())


def _epochs(values: Sequence[Any]) -> Ints | None:
    """A column of epoch numbers of one type; None if one does not fit in int64."""
    if type(values[0]) is float:
        return _float_epochs(np.array(values, dtype=np.float64))
    try:
        numbers = np.array(values, dtype=np.int64)
    except OverflowError:
        return None
    size = np.abs(np.maximum(numbers, -np.iinfo(np.int64).max))
    # Largest unit last, so that each size overwrites what was too coarse for it.
    times = numbers // 1000
    for bound, factor in ((10**6, 1), (10**3, 1000), (1, 10**6)):
        chosen = size < UNIT_BOUND * bound
        times[chosen] = numbers[chosen] * factor
    return _in_range(times)


def _float_epochs(numbers: NDArray[np.float64]) -> Ints:
    size = np.abs(numbers)
    with np.errstate(invalid="ignore", over="ignore"):
        scaled = np.select(
            [size < UNIT_BOUND * 1000**power for power in range(3)],
            [numbers * factor for factor in (1e6, 1e3, 1.0)],
            default=numbers / 1e3,
        )
        good = (scaled >= EARLIEST) & (scaled < AFTER_LATEST)
    times = np.full(len(numbers), NO_TIME, dtype=np.int64)
    times[good] = np.rint(scaled[good]).astype(np.int64)
    return _in_range(times)


def _in_range(times: Ints) -> Ints:
    times[(times < EARLIEST) | (times >= AFTER_LATEST)] = NO_TIME
    return times


def _epoch(value: Any) -> int | None:
    """One epoch number, as the columns above have it; None for anything else."""
    if type(value) is float:
        time = int(_float_epochs(np.array([value]))[0])
        return None if time == NO_TIME else time
    if type(value) is not int:
        return None
    size = abs(value)
    if size < UNIT_BOUND:
        time = value * 10**6
    elif size < UNIT_BOUND * 10**3:
        time = value * 1000
    elif size < UNIT_BOUND * 10**6:
        time = value
    else:
        time = value // 1000
    return time if EARLIEST <= time < AFTER_LATEST else None


def _text_time(text: str, local: tzinfo) -> int | None:
    """One time as text: a number is an epoch, anything else ISO 8601."""
    text = text.strip()
    if text[4:5] != "-" and _NUMBER.fullmatch(text):
        whole = text.lstrip("+-").isdigit() and len(text) < 30
        return _epoch(int(text) if whole else float(text))
    try:
        moment = datetime.fromisoformat(text)
        since = (moment if moment.tzinfo else moment.replace(tzinfo=local)) - _EPOCH
    except (ValueError, OverflowError):
        return None
    time = since.days * _DAY + since.seconds * 1_000_000 + since.microseconds
    return time if EARLIEST <= time < AFTER_LATEST else None
