"""What the calibration has to reach, and what a run missed of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.simulate.null import Alarms
from benchmarks.simulate.power import OURS, Found, Row

NEAR = 0.05
"""How far our share of windows found may be behind the best rule."""

BEHIND = 1.0
"""Hours that our delay may be behind the best rule's."""

JUDGED = 0.95

_STEADY = (
    "independent",
    "independent, n = 100",
    "rows AR(0.9), AR(0.98)",
    "panes wander",
    "panes AR(0.9)",
    "n tenfold",
    "season, n tenfold",
    "sparse",
    "sparse, panes wander",
    "software",
    "dark nights",
)

BARS = (
    {(name, 720): (2.0, 3.5) for name in (*_STEADY, "days wander")}
    | {(name, 168): (2.0, 5.0) for name in _STEADY}
    | {("mixed", 720): (2.5, 5.0), ("mixed", 168): (2.0, 7.0)}
)
"""Windows flagged in 30 days at a budget of 1, by regime and length of the reference: their mean,
and their 90th percentile over references. What is not here is reported, not judged."""

POWER = {
    ("independent", 168, "5% nulls in one of 20"): 0.9,
    ("independent", 168, "0.5 sd in one of 20"): 0.8,
    ("panes wander 0.05, AR(0.5)", 168, "5% nulls in one of 20"): 0.9,
    ("panes wander 0.05, AR(0.5)", 168, "0.5 sd in one of 20"): 0.8,
    ("independent", 720, "5% to 10% not zero"): 0.9,
    ("independent", 720, "0.1 sd in all"): 0.95,
}
"""Share of hourly windows that our own thresholds flag, by setting, reference and drift."""


@dataclass(frozen=True)
class Spread:
    """Of the references of one regime."""

    mean: float
    high: float
    worst: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """`high` is the 90th percentile."""
        return cls(float(np.mean(values)), float(np.quantile(values, 0.9)), max(values))


def missed_alarms(alarms: Sequence[Alarms]) -> Iterator[str]:
    """A sentence for each bar of the null run that is missed."""
    for (regime, features, panes), some in by_regime(alarms).items():
        bar = BARS.get((regime, panes))
        if bar is None:
            continue
        spread = Spread.of([one.windows for one in some])
        name = f"{regime}, {features} features, R = {panes}"
        if spread.mean > bar[0]:
            yield f"{name}: {spread.mean:.2f} windows in 30 days, at most {bar[0]} are wanted"
        if spread.high > bar[1]:
            yield f"{name}: 90th percentile {spread.high:.2f}, at most {bar[1]} is wanted"
        judged = min(one.judged for one in some)
        if judged < JUDGED:
            yield f"{name}: {judged:.0%} of the windows could be judged, {JUDGED:.0%} are wanted"


def missed_power(rows: Sequence[Row]) -> Iterator[str]:
    """A sentence for each bar of the power tables that is missed."""
    for row in rows:
        name = f"{row.drift}, {row.setting}, R = {row.panes}"
        bar = POWER.get((row.setting, row.panes, row.drift), 0.0)
        if row.own.share < bar:
            yield f"{name}: {row.own.share:.3f} of the windows found, {bar} is wanted"
        for rule, found in (("once", row.once), ("two of three", row.together)):
            share, delay = best(found)
            if found[OURS].share < share - NEAR:
                yield f"{name}, {rule}: {found[OURS].share:.2f} found, the best rule {share:.2f}"
            if found[OURS].delay > delay + BEHIND:
                yield f"{name}, {rule}: after {found[OURS].delay:.1f} h, the best {delay:.1f} h"


def best(found: dict[str, Found]) -> tuple[float, float]:
    """The largest share and the smallest delay of the rules of others."""
    others = [one for name, one in found.items() if name != OURS]
    return max(one.share for one in others), min(one.delay for one in others)


def by_regime(
    alarms: Sequence[Alarms], budget: str = "1 per 30d"
) -> dict[tuple[str, int, int], list[Alarms]]:
    """Those of one budget, by regime, features and length of the reference."""
    found: dict[tuple[str, int, int], list[Alarms]] = {}
    for one in alarms:
        if one.budget == budget:
            key = one.task.regime, one.task.features, one.panes
            found.setdefault(key, []).append(one)
    return found
