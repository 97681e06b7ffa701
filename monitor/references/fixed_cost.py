"""What fixed thresholds would cost: how often a reference's own panes would pass them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from collectors.drift.calibrated import DAYS, HOUR
from collectors.drift.calibration.seasons import Calendar, Ints
from collectors.drift.comparisons import ANSWER
from collectors.drift.judge import Judgement
from collectors.summaries.columns import AnyColumnSummary, merged
from monitor.judging import fixed
from monitor.judging.distances import Limits, of_column
from monitor.judging.entries import Entries
from monitor.references.show import printable, table
from monitor.references.trial import Trial


@dataclass(frozen=True, slots=True)
class Passes:
    """Windows of one length.

    Attributes:
        windows: how many there are in the reference.
        passed: how many of them lie above.
        alarms: how many alarms those would be in 30 days.
    """

    windows: int
    passed: int
    alarms: float


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one threshold; `days` is None where windows of a day are not judged."""

    name: str
    method: str
    limit: float
    hours: Passes
    days: Passes | None


def costs(trial: Trial, limits: Limits) -> Iterator[Cost]:
    """Of every threshold; each window is compared with the panes of the other days.

    Days that were left out as incidents are no windows: what rings there rings rightly. Answers of
    several versions are taken together.
    """
    places = _Places.of(trial)
    for name, by_method in limits.items():
        columns = _columns(trial, places, name)
        if not columns:
            continue
        rests = _rests(columns, places.days)
        for method, limit in by_method.items():
            asked = name, method, limit
            hours = _passes(trial, asked, places.hours(columns), rests, HOUR, places.number)
            days = None
            if trial.calibration.daily is not None:
                whole = places.whole(columns)
                days = _passes(trial, asked, whole, rests, 24 * HOUR, places.number)
            yield Cost(*asked, hours, days)


def lines(trial: Trial, limits: Limits) -> Iterator[str]:
    """The same for people, and what of the limits says nothing."""
    yield "Fixed thresholds spend nothing of the budget. What each would cost: windows of the"
    yield "reference that pass it, against the panes of the other days, and alarms in 30 days."
    yield ""
    yield from table(_rows(trial, limits))
    yield from (f"note: {said}" for said in fixed.amiss(limits, trial.calibrated.merged))


def _rows(trial: Trial, limits: Limits) -> Iterator[Sequence[str]]:
    yield ("column", "distance", "above", "hours", "alarms", "days", "alarms")
    for one in costs(trial, limits):
        days = ("off", "") if one.days is None else _shown(one.days)
        yield (printable(one.name), one.method, f"{one.limit:g}", *_shown(one.hours), *days)


def _shown(one: Passes) -> tuple[str, str]:
    return f"{one.passed:,} of {one.windows:,}", f"{one.alarms:.1f}"


@dataclass(frozen=True, slots=True)
class _Places:
    """Where the panes of a reference lie.

    Attributes:
        starts, days: of all panes, ascending.
        kept: places of those that are windows: they can be judged, and are no incident.
    """

    starts: Ints
    days: Ints
    kept: Ints

    @classmethod
    def of(cls, trial: Trial) -> _Places:
        rules = trial.calibration.rules
        starts = np.array(sorted(trial.panes), dtype=np.int64)
        days, _, _ = Calendar(rules.zone).places(starts)
        enough = [trial.panes[s]["software"].rows >= rules.min_rows for s in starts.tolist()]
        kept = np.array(enough) & ~np.isin(days, trial.hourly.dropped)
        return cls(starts, days, np.flatnonzero(kept))

    @property
    def number(self) -> int:
        """Days that have such windows."""
        return len(np.unique(self.days[self.kept]))

    def hours(self, columns: Sequence[AnyColumnSummary]) -> list[_Window]:
        """Every pane that is a window."""
        return [
            _Window(int(self.starts[place]) // HOUR, int(self.days[place]), columns[place])
            for place in self.kept.tolist()
        ]

    def whole(self, columns: Sequence[AnyColumnSummary]) -> list[_Window]:
        """Every day with at least half as many of them as is usual."""
        days, counts = np.unique(self.days[self.kept], return_counts=True)
        found = []
        for day in days[counts * 2 >= np.median(counts)].tolist():
            own = [columns[p] for p in np.flatnonzero(self.days == day).tolist()]
            found.append(_Window(day, day, _all(own)))
        return found


@dataclass(frozen=True, slots=True)
class _Window:
    """One column in one window: its number, as entries into alarm count, and its day."""

    number: int
    day: int
    column: AnyColumnSummary


def _columns(trial: Trial, places: _Places, name: str) -> list[AnyColumnSummary]:
    """The column of every pane; none where there is no such column."""
    panes = [trial.panes[start] for start in places.starts.tolist()]
    if name == ANSWER:
        return [pane["outputs"].answers for pane in panes if "outputs" in pane]
    return [pane["inputs"].columns[name] for pane in panes if name in pane["inputs"].columns]


def _all(columns: Sequence[AnyColumnSummary]) -> AnyColumnSummary:
    whole = columns[0]
    for one in columns[1:]:
        whole = merged(whole, one)
    return whole


def _rests(columns: Sequence[AnyColumnSummary], days: Ints) -> dict[int, AnyColumnSummary]:
    """By day, all panes of the other days; of a single day nothing."""
    firsts = np.flatnonzero(np.diff(days, prepend=days[0] - 1)).tolist()
    bounds = zip(firsts, [*firsts[1:], len(days)], strict=True)
    each = [_all(columns[begin:end]) for begin, end in bounds]
    found: dict[int, AnyColumnSummary] = {}
    before: list[AnyColumnSummary] = []
    after = each[:]
    for place in range(len(each) - 2, -1, -1):
        after[place] = merged(each[place], after[place + 1])
    for place, first in enumerate(firsts):
        rest = [*before, *after[place + 1 : place + 2]]
        if rest:
            found[int(days[first])] = _all(rest)
        before = [_all([*before, each[place]])]
    return found


def _passes(
    trial: Trial,
    asked: tuple[str, str, float],
    windows: Sequence[_Window],
    rests: Mapping[int, AnyColumnSummary],
    length: int,
    days: int,
) -> Passes:
    name, method, limit = asked
    output, min_rows = name == ANSWER, trial.calibration.rules.min_rows
    labels = {"subject": "output" if output else "input", "feature": "" if output else name}
    labels["version"] = ""
    entries, alarms, flagged = Entries(), 0, 0
    for window in windows:
        if window.day not in rests:
            continue
        distances = of_column(window.column, rests[window.day], (method,), labels)
        rows = {(labels["subject"], ""): window.column.rows}
        found = fixed.limited(distances, {name: {method: limit}}, rows, min_rows)
        end = (window.number + 1) * length
        judgement, number = Judgement(0.0, ()), window.number
        step = entries.step(trial.hourly, judgement, number, end, frozenset(), found.passed)
        flagged += step.flagged
        alarms += step.entered
    return Passes(len(windows), flagged, alarms * DAYS / max(days, 1))
