"""The null run: windows flagged and alarms entered where nothing drifts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmarks.simulate import judging, rivals
from benchmarks.simulate.columns import MIN_ROWS, Compared, compared, some, where
from benchmarks.simulate.streams import REGIMES, WEEK, Stream, draw
from collectors.drift.calibration.daily import fit_days
from collectors.drift.calibration.fit import fit
from collectors.drift.calibration.fitted import Fitted
from collectors.drift.calibration.heldout import Column, Panes

DAYS = 30
"""Days for which a budget is stated."""

BUDGETS = {"1 per 30d": 1.0, "1 per 7d": 30.0 / 7.0, "1 per 90d": 1.0 / 3.0}


@dataclass(frozen=True)
class Task:
    """One stream, and what is taken from it.

    Attributes:
        panes: lengths of references, in panes that can be judged.
        references: how many of each length.
        weeks: of the stream.
        live: weeks after a reference that are judged, at most.
        budgets: names of those that are tried.
        strict: by how much thresholds are scaled; 1 but where a broken calibration is played.
    """

    regime: str
    features: int
    stream: int
    panes: tuple[int, ...] = (24, 168, 720)
    references: int = 4
    weeks: int = 30
    live: int = 30
    budgets: tuple[str, ...] = ("1 per 30d",)
    strict: float = 1.0
    rivals: bool = False

    @property
    def seed(self) -> tuple[int, ...]:
        return list(REGIMES).index(self.regime), self.features, self.stream


@dataclass(frozen=True)
class Alarms:
    """What one reference came to under one budget; counts are for 30 days.

    Attributes:
        hourly, daily: windows flagged.
        entries: alarms entered, by hours and by days.
        judged: share of the windows in which rows are expected that could be judged.
        deff: panes that say as much as one independent one.
        too_dependent: whether the product says that its budget cannot be promised.
        led: what led the flagged windows.
        others: windows flagged by the rules of others as they come.
    """

    task: Task
    panes: int
    budget: str
    hourly: float
    daily: float
    entries: float
    judged: float
    deff: float
    too_dependent: bool
    led: Mapping[str, int] = field(default_factory=dict)
    others: Mapping[str, float] = field(default_factory=dict)

    @property
    def windows(self) -> float:
        return self.hourly + self.daily


def run(task: Task) -> list[Alarms]:
    """All references of one stream."""
    stream = draw(REGIMES[task.regime], task.features, task.weeks * WEEK, task.seed)
    found: list[Alarms] = []
    for panes in task.panes:
        for span in spans(stream, panes, task.references):
            found += _reference(task, stream, panes, span)
    return found


def spans(stream: Stream, panes: int, number: int) -> Iterator[slice]:
    """Where references lie: each from a midnight on, until so many panes can be judged."""
    usable = stream.rows >= MIN_ROWS
    for place in range(number):
        start = (len(stream) - panes) * place // (number + 1) // 24 * 24
        length = int(np.searchsorted(np.cumsum(usable[start:]), panes)) + 1
        yield slice(start, start + length)


def _reference(task: Task, stream: Stream, panes: int, span: slice) -> Iterator[Alarms]:
    every = compared(stream, span)
    calendar = where(len(stream))
    fits = {
        budget: fits_of(stream, every, calendar, span, BUDGETS[budget]) for budget in task.budgets
    }
    # Live windows begin with the next whole day.
    first = -(-span.stop // 24) * 24
    live = slice(first, min(len(stream), first + task.live * WEEK))
    hourly, daily = next(iter(fits.values()))
    hours, days = _scored(every, calendar, live, hourly, daily)
    months = (live.stop - live.start) / 24 / DAYS
    others = _others(stream, span, live) if task.rivals else {}
    for budget, (hourly, daily) in fits.items():
        each = judging.with_joint(hourly, hours)
        flags = judging.flagged(hourly, each / task.strict)
        led = Counter(judging.leaders(hourly, each)[flags].tolist())
        by_days = np.zeros(0, dtype=np.bool_)
        if daily is not None and days is not None:
            by_days = judging.flagged(daily, days.mapped / task.strict)
            led.update(f"day's {n}" for n in judging.leaders(daily, days.mapped)[by_days].tolist())
        yield Alarms(
            task=task,
            panes=panes,
            budget=budget,
            hourly=float(flags.sum()) / months,
            daily=float(by_days.sum()) / months,
            entries=(judging.entries(flags) + judging.entries(by_days)) / months,
            judged=float(judging.judged_rows(hourly, hours)[stream.expected[live]].mean()),
            deff=hourly.deff,
            too_dependent=hourly.deff > hourly.judged / 24.0,
            led=led,
            others={name: share * DAYS * 24.0 for name, share in others.items()},
        )


def fits_of(
    stream: Stream, every: Sequence[Compared], calendar: Panes, span: slice, budget: float
) -> tuple[Fitted, Fitted | None]:
    """Hours and days fitted to a reference; half the budget each, or all of it to the hours."""
    columns = [one.column(span) for one in every]
    panes, judged = some(calendar, span), stream.rows[span] >= MIN_ROWS
    alpha = budget / 2.0 / (DAYS * 24.0 * float(judged.mean()))
    hourly = fit(columns, panes, judged, alpha, MIN_ROWS)
    daily = fit_days(columns, panes, judged, budget / 2.0 / DAYS, MIN_ROWS, hourly)
    if daily is None:
        hourly = fit(columns, panes, judged, 2.0 * alpha, MIN_ROWS)
    return hourly, daily


def _scored(
    every: Sequence[Compared], calendar: Panes, live: slice, hourly: Fitted, daily: Fitted | None
) -> tuple[judging.Scores, judging.Scores | None]:
    """The live windows of an hour scored, and those of a day."""
    panes = some(calendar, live)
    first = some(calendar, slice(live.start, live.stop, 24))
    whole = Panes(first.days, np.zeros_like(first.hours), first.weekdays)
    hours, days = [], []
    for place, one in enumerate(every):
        column = one.column(live)
        hours.append(judging.score(hourly.scorers[place], column, panes))
        if daily is not None:
            days.append(judging.score(daily.scorers[place], _by_day(column), whole))
    return judging.gathered(hours), judging.gathered(days) if days else None


def _by_day(column: Column) -> Column:
    starts = np.arange(0, len(column.profile), 24)
    whole = np.add.reduceat(column.profile, starts, axis=0)
    return Column(column.key, column.measure, whole, column.always)


def _others(stream: Stream, span: slice, live: slice) -> dict[str, float]:
    """Share of windows in which the rules of others ring as they come."""
    given = stream.cells, live, stream.cells, span, len(stream.cells)
    return {
        name: float((rivals.each_feature(rule, *given) > 1.0).any(axis=0).mean())
        for name, rule in rivals.RULES.items()
    }
