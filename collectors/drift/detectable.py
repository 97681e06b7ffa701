"""How small a change a reference would show: put into its own panes, until half are flagged.

A pane of the reference with the change in it is scored against the other panes of its season, as a
live window is. The smallest change whose median window passes a threshold is the one that is
detectable: half of the windows of a usual number of rows are then flagged, by the column alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from collectors.drift import profiles
from collectors.drift.calibration.fitted import Fitted
from collectors.drift.calibration.heldout import ColumnKey
from collectors.drift.calibration.measures import Floats, Mean
from collectors.drift.calibration.scorer import Scorer
from collectors.drift.calibration.seasons import Calendar, Ints, Season, bucket
from collectors.drift.changed import Changed, Compared, Gone, Recoded, Scaled, Shifted
from collectors.drift.comparisons import Comparison, Summaries
from collectors.specs import BOOLEANS
from collectors.summaries.categories import BUCKETS as HASHED
from collectors.summaries.numbers import NumberSummary

MOST_WINDOWS = 200
"""Panes that changes are put into; evenly spread where there are more."""

STEPS = 7
"""Halvings of the interval that a size lies in: it is found to one part in 128."""

Change = Literal["shift", "missing", "new category", "other value", "share", "rows", "spread"]

_FROM: dict[Change, tuple[float, float]] = {"shift": (0.01, 200.0), "spread": (0.01, 200.0)}
_SHARES = (0.001, 1.0)
"""The sizes that are tried, from and to."""

_OF_THE_MODEL = ("volume", "errors", "reruns", "mismatches", "instability")
"""Statistics that are no column's."""


@dataclass(frozen=True, slots=True)
class Detectable:
    """One kind of change in one column.

    A shift is in standard deviations of the whole reference, upwards; missing values, a new
    category, another value and a share are shares of rows more than usual; of rows it is the share
    that stays away, and of a spread by how much of itself it grows.

    Attributes:
        part: what of the column it is: "" for all, `length`, `latency`, `errors`, `volume` ...
        alone: flagged by half of the windows; None where no size is.
        lasting: passes in half of the windows the threshold that two of three have to.
        unit: a standard deviation in the column's own unit, of a shift.
        distance: sqrt of the Jensen-Shannon divergence that `alone` makes, of categories.
    """

    subject: str
    feature: str
    part: str
    change: Change
    alone: float | None
    lasting: float | None
    unit: float | None = None
    distance: float | None = None


class Windows:
    """The panes of a reference as windows to be judged against the others.

    Args:
        hourly: what they are scored by.
        found: what is compared.
        panes: summaries of all versions together, by start (us).
        merged: those of all panes.
        floors: by kind of change, where they are others than the usual ones.
    """

    def __init__(
        self,
        hourly: Fitted,
        found: Sequence[Comparison],
        panes: Mapping[int, Summaries],
        merged: Summaries,
        zone: str,
        min_rows: int,
        floors: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        self._floors = floors
        self._hourly, self._merged, self._min_rows = hourly, merged, min_rows
        judged = sorted(s for s, pane in panes.items() if pane["software"].rows >= min_rows)
        starts = np.array(judged, dtype=np.int64)
        days, hours, weekdays = Calendar(zone).places(starts)
        kept = np.flatnonzero(~np.isin(days, hourly.dropped))
        if len(kept) > MOST_WINDOWS:
            kept = kept[np.linspace(0, len(kept) - 1, MOST_WINDOWS).astype(np.int64)]
        self._panes = [panes[start] for start in starts[kept].tolist()]
        self._hours, self._weekdays = hours[kept], weekdays[kept]
        by_key = {one.key: one for one in found}
        self._columns: dict[tuple[str, str, str], dict[str, Compared]] = {}
        for scorer in hourly.scorers:
            if scorer.key in by_key:
                compared = self._compared(scorer, by_key[scorer.key])
                self._columns.setdefault(_column(scorer.key), {})[scorer.key.statistic] = compared

    @property
    def rows(self) -> int:
        """How many rows a usual window has."""
        rows = [int(pane["software"].rows) for pane in self._panes]
        return int(np.median(rows)) if rows else 0

    def seasons(self) -> dict[tuple[str, str, str], dict[str, Season]]:
        """By column (subject, feature, part) and statistic, what each is compared with."""
        return {
            column: {statistic: one.scorer.season for statistic, one in compared.items()}
            for column, compared in self._columns.items()
        }

    def changes(self) -> Iterator[Detectable]:
        """Every kind of change of every column, in the order of what is compared."""
        for column, compared in self._columns.items():
            for part, change, changed, more in self._kinds(column, compared):
                if self._judged(changed):
                    yield self._found(column, part, change, changed, more)

    def _judged(self, changed: Changed) -> bool:
        """Whether there is a window in which such a change could be seen at all."""
        scores = (one.score(one.profile, self._min_rows) for one in changed.compared.values())
        return any(np.isfinite(score).any() for score in scores)

    def _compared(self, scorer: Scorer, comparison: Comparison) -> Compared:
        profile = np.array([comparison.profile(pane) for pane in self._panes])
        places = bucket(scorer.season, self._hours, self._weekdays)
        floor = self._floors.get(scorer.measure.kind)
        return Compared(comparison, _without(scorer, profile, places), profile, floor)

    def _kinds(
        self, column: tuple[str, str, str], compared: Mapping[str, Compared]
    ) -> Iterator[tuple[str, Change, Changed, _More]]:
        """The changes that a column may have: its part, what is done to it, what else is said."""
        for statistic, one in compared.items():
            prefix, _, last = statistic.rpartition("_")
            part = column[2] or prefix
            if isinstance(one.comparison.measure, Mean):
                numbers = [_number(pane, one.comparison.key) for pane in self._panes]
                sd = _number(self._merged, one.comparison.key).stddev()
                if sd:
                    own = _of_numbers(compared, prefix)
                    yield part, "shift", Shifted(own, numbers, sd), _More(unit=sd)
            elif last == "distribution" and one.comparison.names is not None:
                yield part, *self._category(compared, statistic)
        if "missing" in compared:
            yield column[2], "missing", Gone(compared), _More(scale=_rest(compared["missing"]))
        kinds: dict[str, Change] = {"volume": "rows", "instability": "spread"}
        for statistic in compared.keys() & set(_OF_THE_MODEL):
            kind = kinds.get(statistic, "share")
            scale = _rest(compared[statistic]) if kind == "share" else 1.0
            yield column[2], kind, Scaled(compared), _More(scale=scale)

    def _category(
        self, compared: Mapping[str, Compared], statistic: str
    ) -> tuple[Change, Changed, _More]:
        one = compared[statistic]
        names = one.comparison.names or ()
        totals, own = one.profile.sum(axis=0), {statistic: one}
        if names == BOOLEANS:
            rarer = int(np.argmin(totals[:2]))
            scale = 1.0 - totals[rarer] / max(totals[:2].sum(), 1.0)
            return "other value", Recoded(own, rarer), _More(scale=scale, distance=one)
        # One among those that are counted by hash, neither the emptiest nor the fullest.
        hashed = np.argsort(totals[len(names) : len(names) + HASHED], kind="stable")
        place = len(names) + int(hashed[HASHED // 2])
        if _declared(self._merged, one.comparison.key):
            own["invalid"] = compared["invalid"]
        return "new category", Recoded(own, place), _More(distance=one)

    def _found(
        self,
        column: tuple[str, str, str],
        part: str,
        change: Change,
        changed: Changed,
        more: _More,
    ) -> Detectable:
        known: dict[float, float] = {}

        def median(size: float) -> float:
            """The largest score of the median window, with a change of this size in it."""
            if size not in known:
                known[size] = self._median(changed, size)
            return known[size]

        bounds = _FROM.get(change, _SHARES)
        alone = _smallest(median, self._hourly.alone.value, bounds)
        lasting = _smallest(median, self._hourly.together.value, bounds)
        distance = None
        if more.distance is not None and alone is not None:
            one = more.distance
            now = changed.profile(one.comparison.key.statistic, alone)
            effects = one.scorer.measure.effect(now, one.scorer.totals)
            distance = float(np.nanmedian(effects))
        shown, too = (None if size is None else size * more.scale for size in (alone, lasting))
        return Detectable(column[0], column[1], part, change, shown, too, more.unit, distance)

    def _median(self, changed: Changed, size: float) -> float:
        best = np.full(len(self._panes), np.nan)
        for statistic, one in changed.compared.items():
            best = np.fmax(best, one.score(changed.profile(statistic, size), self._min_rows))
        given = best[np.isfinite(best)]
        return float(np.median(given)) if len(given) else 0.0


@dataclass(frozen=True, slots=True)
class _More:
    """What else is said of a change: a factor from its size to what people read, and so on."""

    scale: float = 1.0
    unit: float | None = None
    distance: Compared | None = None


def _column(key: ColumnKey) -> tuple[str, str, str]:
    """Comparisons that can see the same changes: of one feature, of the answers, of latency ..."""
    if not key.feature and key.statistic in _OF_THE_MODEL:
        return key.subject, key.feature, key.statistic
    part = key.statistic.rpartition("_")[0] if key.subject == "software" else ""
    return key.subject, key.feature, part


def _without(scorer: Scorer, profile: Floats, places: Ints) -> Scorer:
    """A scorer whose reference, by window, is the rest of the window's bucket."""
    rows = scorer.measure.rows(profile)
    return replace(
        scorer,
        totals=scorer.totals[places] - profile,
        rows=scorer.rows[places] - rows,
        squares=scorer.squares[places] - np.square(rows),
    )


def _number(summaries: Summaries, key: ColumnKey) -> NumberSummary:
    """The numbers that a mean is of."""
    part = key.statistic.rpartition("_")[0]
    found: Any
    if key.subject == "software":
        software = summaries["software"]
        found = software.latency if part == "latency" else software.resources[part]
    else:
        found = profiles.parts(_whole(summaries, key))[part]
    number: NumberSummary = found
    return number


def _whole(summaries: Summaries, key: ColumnKey) -> Any:
    return summaries["inputs"].columns[key.feature] if key.feature else summaries["outputs"].answers


def _declared(summaries: Summaries, key: ColumnKey) -> bool:
    """Whether a category that was never seen is invalid."""
    part = key.statistic.rpartition("_")[0]
    categories: Any = profiles.parts(_whole(summaries, key))[part]
    declared: bool = categories.spec.declared
    return declared


def _of_numbers(compared: Mapping[str, Compared], part: str) -> dict[str, Compared]:
    """The comparisons of one number of a column."""
    names = ("distribution", "shape", "mean", "spread", "tail")
    wanted = {f"{part}_{name}" if part else name for name in names}
    return {name: one for name, one in compared.items() if name in wanted}


def _rest(one: Compared) -> float:
    """The share of rows that have not what is counted."""
    have, not_have = one.profile.sum(axis=0)
    return float(not_have / (have + not_have)) if have + not_have else 1.0


def _smallest(
    median: Callable[[float], float], limit: float, bounds: tuple[float, float]
) -> float | None:
    """The smallest size whose median score passes the limit; None where none within bounds does."""
    first, most = bounds
    high = first
    while median(high) <= limit:
        if high >= most:
            return None
        high = min(2.0 * high, most)
    low = 0.0 if high == first else high / 2.0
    for _ in range(STEPS):
        middle = (low + high) / 2.0
        low, high = (low, middle) if median(middle) > limit else (middle, high)
    return high
