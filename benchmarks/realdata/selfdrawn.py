"""Windows of 100 to 100,000 rows drawn from the reference itself: none of them has drifted.

The rows of some weeks are a pool, of which the hours of a reference and the windows are dealt
alike: rows are independent, and there is no season. Drawn from hours as they were, windows would
differ from them in truth: a mixture of hours has more than one weather, and of one hour drawn anew
the chance of its few rows is drawn over and over.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.realdata import bonferroni, ours
from benchmarks.realdata.counting import count, events_of, schema_of
from benchmarks.realdata.data import Data, Window
from benchmarks.realdata.peers import Question, answer
from benchmarks.realdata.rules import (
    BONFERRONI,
    EVIDENTLY_ANY,
    EVIDENTLY_SHARE,
    HOURS_IN_30_DAYS,
    OURS,
)
from collectors.drift.calibrated import HOUR
from collectors.drift.calibration.seasons import Ints
from collectors.events import Events, NumberColumn
from monitor.judging.entries import Entries

SEED = 20_130_101
WEEKS = 8
WINDOWS = 1_000
PANES = 720
LEAST, MOST = 100, 100_000
SIZES = (100, 300, 1_000, 3_000, 10_000, 30_000, 100_001)
COLUMN, SHIFT = "dep_delay", 0.5
EVIDENTLY_EVERY = 10
INPUTS = frozenset({"input"})
"""What we judge: of answers, a row that is drawn twice is a rerun, and that is our own doing."""

MONDAY = 1_357_516_800_000_000
"""7 January 2013, 0:00 UTC (us): where hours that are dealt anew begin."""


@dataclass(frozen=True, eq=False)
class Drawn:
    """What became of the windows.

    Attributes:
        sizes: rows of each.
        alarms, found: by rule, which windows it flagged, without a shift and with; NaN where it was
            not asked. With a shift each window is judged alone, by its first sight.
        entries: alarms that began without a shift, by our rule.
    """

    sizes: Ints
    alarms: dict[str, NDArray[np.float64]]
    found: dict[str, NDArray[np.float64]]
    entries: int


def play(data: Data, again: bool = False, windows: int = WINDOWS, panes: int = PANES) -> Drawn:
    """Windows of the first weeks of a data set, by every rule that needs no hours."""
    pool = data.before(data.until(7 * WEEKS))
    rng = np.random.default_rng(SEED)
    given = list(_draws(rng, len(pool.rows), panes))
    live = list(_draws(rng, len(pool.rows), windows))
    drawn = _judged(pool, given, live)
    level, everything = 1.0 / HOURS_IN_30_DAYS, np.arange(len(pool.rows))
    told = {"chunks": "", "every": EVIDENTLY_EVERY}
    moved = {"shifted": list(range(windows)), "column": COLUMN, "by": _by(pool)}
    for flags, name, by, more in (
        (drawn.alarms, "self-drawn", 0.0, {}),
        (drawn.found, f"self-drawn, {COLUMN} shifted", _by(pool), moved),
    ):
        tested = bonferroni.drifted(pool, everything, live, level, by, COLUMN)
        flags[BONFERRONI] = (np.array(tested) > 0).astype(float)
        said = answer(Question(name, pool, everything, live, told | more), again)
        number = np.array(said.drifted["evidently"], dtype=float)
        asked = number >= 0
        flags[EVIDENTLY_SHARE] = np.where(asked, number >= len(pool.columns) / 2, np.nan)
        flags[EVIDENTLY_ANY] = np.where(asked, number > 0, np.nan)
    return drawn


def _draws(rng: np.random.Generator, rows: int, number: int) -> Iterator[Ints]:
    """Places among so many rows, with replacement; how many is even on a logarithmic scale."""
    for _ in range(number):
        size = int(np.exp(rng.uniform(np.log(LEAST), np.log(MOST))))
        yield rng.integers(0, rows, size)


def _judged(pool: Data, given: Sequence[Ints], live: Sequence[Ints]) -> Drawn:
    """Windows judged by us: as they are one after the other, and shifted each by itself.

    The volume is not judged, for it is what differs here.
    """
    schema = schema_of(pool)
    events = schema.qualify(events_of(pool))
    moved = schema.qualify(_shifted(events, _by(pool)))
    reference = {MONDAY + n * HOUR: count(events, schema, rows) for n, rows in enumerate(given)}
    monitor = ours.calibrated(schema, reference, "UTC", INPUTS, daily=False)
    fitted, entries, began = monitor.hourly, Entries(), 0
    judge = monitor.judge(fitted, volume=False)
    alarms, found = np.full(len(live), np.nan), np.full(len(live), np.nan)
    for place, rows in enumerate(live):
        start = MONDAY + (len(given) + place) * HOUR
        window = Window(start, start + HOUR, 0, len(rows))
        same, other = (count(some, schema, rows) for some in (events, moved))
        verdict = ours.step(judge, entries, monitor, fitted, window, [same])
        if verdict is not None:
            alarms[place], began = verdict.flagged, began + verdict.entered
        verdict = ours.step(judge, Entries(), monitor, fitted, window, [other])
        if verdict is not None:
            found[place] = verdict.flagged
    sizes = np.array([len(rows) for rows in live])
    return Drawn(sizes, {OURS: alarms}, {OURS: found}, began)


def _by(pool: Data) -> float:
    return SHIFT * float(pool.rows[COLUMN].std())


def _shifted(events: Events, by: float) -> Events:
    column = events.features[COLUMN]
    assert isinstance(column, NumberColumn)  # noqa: S101  # it is one of the numbers
    moved = replace(column, values=column.values + by)
    return replace(events, features={**events.features, COLUMN: moved})
