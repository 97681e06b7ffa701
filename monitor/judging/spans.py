"""Which windows lie beside which: the newest one of a length, the one before it, and those of the
same hour or weekday in the weeks before."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from collectors.drift.calibrated import HOUR
from collectors.drift.calibration.seasons import Calendar

DAY = 24 * HOUR
WEEK = 7 * DAY

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _LAST = -59_011_459_200_000_000, 253_339_228_800_000_000
"""The years 100 and 9998 (us): beyond them what lies beside may be in no calendar."""


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """From `start` up to `end`, which is not in it (us). The panes that begin in it are its own."""

    start: int
    end: int

    def holds(self, start: int) -> bool:
        """Whether the pane that starts then is one of its own."""
        return self.start <= start < self.end

    def panes(self, pane: int) -> range:
        """Where its panes of this length start."""
        return range(-(-self.start // pane) * pane, self.end, pane)


@dataclass(frozen=True, slots=True)
class Spans:
    """Windows of one model: whole days in its own zone, other lengths from the epoch on.

    Windows of several days begin on every so-manieth day since a Monday: those of 7d on Mondays.
    """

    zone: str
    pane: int
    _calendar: Calendar = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_calendar", Calendar(self.zone))

    def newest(self, length: int, closed_until: int) -> Window | None:
        """The newest whole window of this length, where panes are closed up to then.

        None where that is in no calendar, as before the first pane has closed.
        """
        if not _FIRST < closed_until < _LAST:
            return None
        if not self._by_day(length):
            end = closed_until // length * length
            return Window(end - length, end)
        days = length // DAY
        # The first day of the calendar was a Monday.
        block = (self._ordinal(closed_until) - 1) // days
        return self._days((block - 1) * days + 1, days)

    def previous(self, length: int, window: Window) -> Window:
        """The one before it."""
        if not self._by_day(length):
            return Window(window.start - length, window.start)
        days = length // DAY
        return self._days(self._ordinal(window.start) - days, days)

    def earlier(self, length: int, window: Window, weeks: int) -> Window | None:
        """The one at the same hour of the week, or on the same weekdays, so many weeks before.

        None for windows that are longer than a week: they have no such hour.
        """
        if length > WEEK:
            return None
        if self._by_day(length):
            return self._days(self._ordinal(window.start) - 7 * weeks, length // DAY)
        start = self._same_hour(window.start, weeks)
        return Window(start, start + length)

    def _by_day(self, length: int) -> bool:
        return length > self.pane and length % DAY == 0

    def _same_hour(self, start: int, weeks: int) -> int:
        """By the clock on the wall, which may have been changed since."""
        local = (_EPOCH + timedelta(microseconds=start)).astimezone(ZoneInfo(self.zone))
        then = (local - timedelta(weeks=weeks)).astimezone(UTC)
        found = (then - _EPOCH) // timedelta(microseconds=1)
        return round(found / self.pane) * self.pane

    def _ordinal(self, time: int) -> int:
        """The local day of a moment."""
        return int(self._calendar.places(np.array([time], dtype=np.int64))[0][0])

    def _days(self, first: int, number: int) -> Window:
        return Window(self._calendar.day(first)[0], self._calendar.day(first + number - 1)[1])
