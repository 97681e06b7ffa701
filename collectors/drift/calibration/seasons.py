"""Seasons: which panes of a reference a window is compared with, by its place in day and week."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

Season = Literal[
    "none", "hour of day", "hour of day, weekend", "hour of week", "weekend", "weekday"
]

Ints = NDArray[np.int64]

HOURLY: tuple[tuple[Season, float], ...] = (
    ("none", 0.0),
    ("hour of day", 3.0),
    ("hour of day, weekend", 14.0),
    ("hour of week", 28.0),
)
"""Seasons that hourly windows may have, and the days that a reference must span for each."""

DAILY: tuple[tuple[Season, float], ...] = (("none", 0.0), ("weekend", 14.0), ("weekday", 28.0))

BUCKETS: dict[Season, int] = {
    "none": 1,
    "hour of day": 24,
    "hour of day, weekend": 48,
    "hour of week": 168,
    "weekend": 2,
    "weekday": 7,
}

_FIRST = -62_135_510_400_000_000
"""2 January of the year 1 (us): from there on days of any zone lie in the calendar."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Calendar:
    """Where panes lie in day and week, in one time zone."""

    def __init__(self, zone: str) -> None:
        self._zone = ZoneInfo(zone)

    def places(self, starts: Ints) -> tuple[Ints, Ints, Ints]:
        """Local day (ordinal), hour and weekday (0 Monday) of panes that start then (us)."""
        local = [
            (_EPOCH + timedelta(microseconds=max(start, _FIRST))).astimezone(self._zone)
            for start in starts.tolist()
        ]
        days = np.array([moment.toordinal() for moment in local], dtype=np.int64)
        hours = np.array([moment.hour for moment in local], dtype=np.int64)
        weekdays = np.array([moment.weekday() for moment in local], dtype=np.int64)
        return days, hours, weekdays

    def day(self, ordinal: int) -> tuple[int, int]:
        """First and last moment (us) of a local day, the last one no more in it."""
        day = date.fromordinal(ordinal)
        edges = (day, day + timedelta(days=1))
        moments = [datetime(d.year, d.month, d.day, tzinfo=self._zone) for d in edges]
        start, end = (round(moment.timestamp()) * 1_000_000 for moment in moments)
        return start, end


def iso_day(ordinal: int) -> str:
    """A local day as people write it."""
    return date.fromordinal(ordinal).isoformat()


def bucket(season: Season, hours: Ints, weekdays: Ints) -> Ints:
    """The bucket of each (hour, weekday)."""
    weekend = (weekdays >= 5).astype(np.int64)
    found: dict[Season, Ints] = {
        "none": np.zeros_like(hours),
        "hour of day": hours,
        "hour of day, weekend": hours + 24 * weekend,
        "hour of week": hours + 24 * weekdays,
        "weekend": weekend,
        "weekday": weekdays,
    }
    return found[season]
