"""A span of time as people write its ends: days and moments, in the model's time zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from monitor.archive_table import ClosedPane
from monitor.event_clock import FOREVER, NEVER

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Span(NamedTuple):
    """From `start` up to `end`, which is not in it (us)."""

    start: int = NEVER
    end: int = FOREVER

    def holds(self, pane: ClosedPane) -> bool:
        """Whether all of the pane lies in it."""
        return self.start <= pane.start and pane.end <= self.end


def moment(text: str, zone: str) -> int:
    """The moment that ISO 8601 names, us; a day begins at its midnight in `zone` (IANA).

    A time without an offset is one of that zone; of an hour that comes twice, the first.

    Raises:
        ValueError: it is none.
    """
    try:
        found = datetime.fromisoformat(text)
        if found.tzinfo is None:
            found = found.replace(tzinfo=ZoneInfo(zone))
        return (found - _EPOCH) // timedelta(microseconds=1)
    except (ValueError, OverflowError):
        raise ValueError(
            f"{text!r} is no day or time; write for example 2026-01-05, 2026-01-05T12:00 or "
            "2026-01-05T12:00Z"
        ) from None


def shown(time: int) -> str:
    """A moment for people, to the minute, in UTC."""
    return f"{_EPOCH + timedelta(microseconds=time):%Y-%m-%d %H:%M}"
