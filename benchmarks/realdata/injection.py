"""Faults put into real hours: whether the first window rings, and whether it says why.

Each fault is put into all rows from an hour on, on each of many ordinary days behind the reference;
a day on which something was to be expected is none. Answers stay as they were.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from benchmarks.realdata import ours
from benchmarks.realdata.counting import count, events_of
from benchmarks.realdata.data import MIN_ROWS, Data, Window, hours
from collectors.drift.calibration.seasons import Calendar
from collectors.drift.causes import Change
from monitor.demo.outside import Outside
from monitor.judging.entries import Entries

WEEKS = 8
DAYS = 56
"""Behind the reference, in which the faults are put."""

HOUR_OF_DAY = 9
SEEN = 3
"""Hours that are judged from the fault on."""

SEED = 20_130_301

Table = pd.DataFrame


@dataclass(frozen=True)
class Fault:
    """What is done to rows, whose fault it is, and words one of which tells it."""

    name: str
    change: Callable[[Table], Table]
    feature: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class Seen:
    """What became of a fault.

    Attributes:
        days: on which it was put in.
        first, soon: of those, on which the first window rang, or one of the first three.
        named, right: where the first window rang, how often the first cause named the column, and
            how often it told what had become of it.
        score, threshold: the median score of the first window, and what it is to pass alone.
        words: what was said on the first day on which one of the three windows rang.
    """

    fault: str
    days: int
    first: int
    soon: int
    named: int
    right: int
    score: float
    threshold: float
    words: str


def play(data: Data, known: dict[date, Outside], days: int = DAYS) -> list[Seen]:
    """Every fault on every ordinary day."""
    begin = data.until(7 * WEEKS)
    by = ours.monitor(data.before(begin))
    onsets = list(_onsets(data, known, begin, data.until(7 * WEEKS + days)))
    return [_seen(fault, data, by, onsets) for fault in FAULTS]


def _onsets(
    data: Data, known: dict[date, Outside], begin: int, end: int
) -> Iterator[Sequence[Window]]:
    """The first windows from the hour on of each ordinary day."""
    calendar = Calendar(data.zone)
    live = [one for one in hours(data) if begin <= one.start < end]
    places = calendar.places(np.array([one.start for one in live]))
    for number, hour in enumerate(places[1].tolist()):
        some = live[number : number + SEEN]
        outside = known[date.fromordinal(int(places[0][number]))]
        ordinary = not (outside.expected or outside.holiday)
        if hour == HOUR_OF_DAY and ordinary and all(one.rows >= MIN_ROWS for one in some):
            yield some


def _seen(fault: Fault, data: Data, by: ours.Monitor, onsets: Sequence[Sequence[Window]]) -> Seen:
    first = soon = named = right = 0
    scores, said = [], ""
    for some in onsets:
        verdicts = list(_judged(fault, data, by, some))
        flags = [one is not None and one.flagged for one in verdicts]
        first, soon = first + flags[0], soon + any(flags)
        told = [one.changes[0] for one in verdicts if one is not None and one.flagged]
        said = said or (sentence(told[0]) if told else "")
        if verdicts[0] is not None:
            scores.append(verdicts[0].judgement.score)
        if flags[0]:
            whose = (told[0].feature or told[0].kind) == fault.feature
            named += whose
            right += whose and any(word in told[0].words for word in fault.words)
    return Seen(
        fault=fault.name,
        days=len(onsets),
        first=first,
        soon=soon,
        named=named,
        right=right,
        score=float(np.median(scores)),
        threshold=by.hourly.alone.value,
        words=said,
    )


def _judged(
    fault: Fault, data: Data, by: ours.Monitor, some: Sequence[Window]
) -> Iterator[ours.Verdict | None]:
    judge, entries = by.judge(by.hourly), Entries()
    for window in some:
        rows = fault.change(data.rows.iloc[window.first : window.last].reset_index(drop=True))
        events = by.schema.qualify(events_of(data.of(rows)))
        part = count(events, by.schema, np.arange(len(rows)))
        yield ours.step(judge, entries, by, by.hourly, window, [part])


def sentence(change: Change) -> str:
    """A cause for people."""
    return f"{change.feature or change.kind}: {change.words}"


def _null(name: str, share: float) -> Callable[[Table], Table]:
    def change(rows: Table) -> Table:
        gone = np.random.default_rng(SEED).random(len(rows)) < share
        return rows.assign(**{name: rows[name].mask(gone)})

    return change


def _new(name: str, value: str, share: float) -> Callable[[Table], Table]:
    def change(rows: Table) -> Table:
        new = np.random.default_rng(SEED).random(len(rows)) < share
        return rows.assign(**{name: rows[name].mask(new, value)})

    return change


def _times(name: str, factor: float) -> Callable[[Table], Table]:
    return lambda rows: rows.assign(**{name: rows[name] * factor})


def _constant(name: str) -> Callable[[Table], Table]:
    return lambda rows: rows.assign(**{name: float(rows[name].median())})


_MISSING = ("missing", "without a usable value")

FAULTS = (
    Fault("nothing", lambda rows: rows, "", ()),
    Fault("`dep_delay` 90% null", _null("dep_delay", 0.9), "dep_delay", _MISSING),
    Fault("`dep_delay` 100% null", _null("dep_delay", 1.0), "dep_delay", _MISSING),
    Fault("`carrier` 90% null", _null("carrier", 0.9), "carrier", _MISSING),
    Fault("`carrier` 100% null", _null("carrier", 1.0), "carrier", _MISSING),
    Fault(
        "`carrier` ZZ, a new one, in 10%",
        _new("carrier", "ZZ", 0.1),
        "carrier",
        ("new category", "invalid"),
    ),
    Fault("`distance` x 1,000", _times("distance", 1_000.0), "distance", ("unit",)),
    Fault("`dep_delay` in hours", _times("dep_delay", 1 / 60), "dep_delay", ("unit",)),
    Fault("`distance` constant", _constant("distance"), "distance", ("constant",)),
    Fault("`dep_delay` constant", _constant("dep_delay"), "dep_delay", ("constant",)),
    Fault("5% of the rows", lambda rows: rows[::20], "volume", ("rows",)),
)
