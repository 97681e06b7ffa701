"""Windows judged as the product judges them: hours and days of one model, one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.realdata.counting import VERSION, counted, schema_of
from benchmarks.realdata.data import MIN_ROWS, Data, Window, days, hours
from collectors.drift.calibrate import calibrate
from collectors.drift.calibrated import HOUR, Calibration, Rules
from collectors.drift.calibration.fitted import Fitted
from collectors.drift.causes import Change, causes
from collectors.drift.comparisons import Comparison, Summaries
from collectors.drift.judge import Judge, Judgement
from collectors.schema import Schema
from monitor.judging.entries import Entries
from monitor.judging.judging import CAUSES, DAY

BUDGET = 1.0
"""False alarms in 30 days."""

SUBJECTS = frozenset({"input", "output"})
NOBODY: frozenset[str] = frozenset()


@dataclass(frozen=True, eq=False)
class Monitor:
    """A reference, calibrated."""

    schema: Schema
    calibration: Calibration
    comparisons: Sequence[Comparison]
    panes: int

    @property
    def hourly(self) -> Fitted:
        assert self.calibration.hourly is not None  # noqa: S101  # references here are long enough
        return self.calibration.hourly

    def judge(self, fitted: Fitted, volume: bool = True) -> Judge:
        """Of windows of the length that was fitted."""
        found = [one for one in self.comparisons if volume or one.key.statistic != "volume"]
        return Judge(fitted, found, self.calibration.rules.zone, MIN_ROWS)


@dataclass(frozen=True)
class Verdict:
    """What one window came to; `changes` are the causes where it was flagged."""

    window: Window
    judgement: Judgement
    flagged: bool
    entered: bool
    changes: Sequence[Change]


def monitor(reference: Data, ignore: frozenset[str] = NOBODY) -> Monitor:
    """Calibrate on the hours of a reference."""
    schema = schema_of(reference)
    panes = counted(reference, schema, hours(reference), ignore)
    return calibrated(schema, panes, reference.zone, ignore=ignore)


def calibrated(
    schema: Schema,
    panes: Mapping[int, Summaries],
    zone: str,
    subjects: frozenset[str] = SUBJECTS,
    daily: bool = True,
    ignore: frozenset[str] = NOBODY,
) -> Monitor:
    """Calibrate on panes that were counted."""
    rules = Rules(BUDGET, MIN_ROWS, zone, ignore, subjects, daily)
    calibration, found = calibrate("reference", panes, HOUR, rules)
    return Monitor(schema, calibration, found, len(panes))


def judged(data: Data, by: Monitor, start: int) -> dict[str, list[Verdict]]:
    """Every hour and every day from then on that can be judged."""
    live = [hour for hour in hours(data) if hour.start >= start]
    panes = counted(data, by.schema, live, by.calibration.rules.ignore)
    fits = {"1h": by.calibration.hourly, "1d": by.calibration.daily}
    windows = {"1h": live, "1d": [day for day in days(data) if day.start >= start]}
    return {
        length: list(_judged(windows[length], panes, by, fitted))
        for length, fitted in fits.items()
        if fitted is not None
    }


def _judged(
    windows: Iterable[Window], panes: Mapping[int, Summaries], by: Monitor, fitted: Fitted
) -> Iterator[Verdict]:
    judge, entries = by.judge(fitted), Entries()
    for window in windows:
        length = HOUR if window.end - window.start == HOUR else DAY
        starts = range(window.start, window.end, HOUR)
        parts = [panes[start] for start in starts if start in panes]
        verdict = step(judge, entries, by, fitted, window, parts, length)
        if verdict is not None:
            yield verdict


def step(
    judge: Judge,
    entries: Entries,
    by: Monitor,
    fitted: Fitted,
    window: Window,
    parts: Sequence[Summaries],
    length: int = HOUR,
) -> Verdict | None:
    """One window judged; None where nothing of it can be."""
    number = (window.end - window.start) // HOUR
    judgement = judge.judge(window.start, number, parts, {VERSION: parts}, NOBODY)
    if judgement is None:
        return None
    taken = entries.step(fitted, judgement, window.end // length, window.end, NOBODY)
    changes: Sequence[Change] = ()
    if taken.flagged:
        changes = causes(judgement, by.comparisons, taken.crossing, CAUSES)
    return Verdict(window, judgement, taken.flagged, taken.entered, changes)
