"""The rules of a folder over the past of the first days of 2013, and the page on that."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from benchmarks.history.alerts import Alert, fired, levels, read, record
from benchmarks.history.prometheus import serving
from benchmarks.history.replay import Say
from benchmarks.history.told import Told, page, told
from monitor.demo.flights import TIME_ZONE
from monitor.demo.outside import Outside, read_days
from monitor.demo.reference import DAYS as REFERENCE_DAYS


class Looked(NamedTuple):
    """What rules said of the past.

    Attributes:
        names: the metrics that it has, recorded ones too.
        days: what is known of each day that was judged.
    """

    told: list[Told]
    alerts: list[Alert]
    names: set[str]
    days: Mapping[date, Outside]

    def page(self) -> str:
        """The page on it."""
        return page(*self)


def look(data: Path, rules: Path, days: int, say: Say = lambda _: None) -> Looked:
    """Evaluate `recording.yml` and `alerts.yml` of a folder.

    Args:
        data: the blocks of the first so many `days`.
    """
    known = judged(days)
    start, end = midnight(min(known)), midnight(max(known) + timedelta(days=1))
    with tempfile.TemporaryDirectory(prefix="inferwatch-history-") as name:
        folder = Path(name)
        began, blocks = time.monotonic(), [data]
        for level, some in enumerate(levels(rules / "recording.yml")):
            with serving(blocks, folder / f"serving-{level}") as prometheus:
                made = record(prometheus, some, start, end, folder / f"recorded-{level}")
            blocks += [] if made is None else [made]
        began = _done("recording rules (promtool)", began, say)
        with serving(blocks, folder / "serving") as prometheus:
            alerts = read(rules / "alerts.yml")
            found = list(fired(prometheus, alerts, start, end))
            began = _done("alert expressions (query_range) and their states", began, say)
            causes = told(prometheus, found)
            _done("causes", began, say)
            names = prometheus.names()
    return Looked(causes, alerts, names, known)


def judged(days: int) -> dict[date, Outside]:
    """The days behind the reference, and what is known of them."""
    known = read_days()
    begin = min(known) + timedelta(days=REFERENCE_DAYS)
    end = min(known) + timedelta(days=days)
    return {day: one for day, one in known.items() if begin <= day < end}


def midnight(day: date) -> float:
    """When a New York day begins (s)."""
    zone = ZoneInfo(TIME_ZONE)
    return datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()


def _done(what: str, began: float, say: Say) -> float:
    now = time.monotonic()
    say(f"{what}: {now - began:.0f} s")
    return now
