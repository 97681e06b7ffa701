"""When an alert would have fired: Prometheus' own rule, over a past that is already known.

Prometheus evaluates a rule at regular times. An alert whose expression has a result is pending, and
firing once it has had one for as long as `for` says; where it has none any more it is inactive, a
firing one only once `keep_firing_for` has passed since the first evaluation without a result. Here
that is worked out at once for every evaluation of every series.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

INACTIVE, PENDING, FIRING = 0, 1, 2

Active = NDArray[np.bool_]
States = NDArray[np.int8]


class Firing(NamedTuple):
    """One span in which an alert fired: its series, and its first and last evaluation."""

    series: int
    first: int
    last: int


def states(active: Active, interval: float, hold: float = 0.0, keep_firing: float = 0.0) -> States:
    """The state of each alert at each evaluation.

    Args:
        active: whether the expression has a result, one row a series, one column an evaluation.
        interval: seconds between two evaluations.
        hold: `for`, in seconds.
        keep_firing: `keep_firing_for`, in seconds.

    >>> states(np.array([[0, 1, 1, 1, 0, 0, 1]], bool), 60, hold=60, keep_firing=60)
    array([[0, 1, 2, 2, 2, 0, 1]], dtype=int8)
    """
    if active.ndim != 2:
        raise ValueError("one row a series and one column an evaluation are wanted")
    found = np.zeros(active.shape, np.int8)
    if not active.size:
        return found
    age = _age(active) * interval
    runs = _Runs.of(active)
    own = (runs.lengths - 1) * interval >= hold
    # Whether a run begins as one that has no firing alert before it: the first of its series, and
    # one after a gap that is longer than the alert is kept.
    fresh = runs.first | ~((runs.gaps - 1) * interval < keep_firing)
    place = np.arange(len(own))
    newest_own = np.maximum.accumulate(np.where(own, place, -1))
    newest_fresh = np.maximum.accumulate(np.where(fresh, place, 0))
    fires = newest_own >= newest_fresh
    begins_firing = ~fresh & np.concatenate(([False], fires[:-1]))
    of = np.cumsum(runs.starts.ravel()).reshape(active.shape) - 1
    held = active & (begins_firing[of] | (age >= hold)) if len(own) else active
    found[active] = PENDING
    found[held] = FIRING
    # A gap belongs to the run before it in the same series, where there is one.
    after_run = ~active & (np.cumsum(runs.starts, axis=1) > 0)
    if len(own):
        found[after_run & fires[of] & (age < keep_firing)] = FIRING
    return found


def firings(found: States) -> Iterator[Firing]:
    """The spans in which alerts fire, by series and time."""
    on = found == FIRING
    edges = np.diff(np.pad(on, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    begins, ends = np.argwhere(edges == 1), np.argwhere(edges == -1)
    for (series, first), (_, end) in zip(begins.tolist(), ends.tolist(), strict=True):
        yield Firing(series, first, end - 1)


def _age(active: Active) -> NDArray[np.int64]:
    """Evaluations since the result, or its absence, began."""
    columns = np.arange(active.shape[1])
    changed = np.ones(active.shape, bool)
    changed[:, 1:] = active[:, 1:] != active[:, :-1]
    return columns - np.maximum.accumulate(np.where(changed, columns, 0), axis=1)


class _Runs(NamedTuple):
    """The runs of evaluations with a result, by series and time.

    Attributes:
        starts: where each one begins, as a matrix.
        lengths: evaluations of each.
        gaps: evaluations between each and the one before it in its series; 0 where there is none.
        first: whether it is the first one of its series.
    """

    starts: Active
    lengths: NDArray[np.int64]
    gaps: NDArray[np.int64]
    first: NDArray[np.bool_]

    @classmethod
    def of(cls, active: Active) -> _Runs:
        edges = np.diff(np.pad(active, ((0, 0), (1, 1))).astype(np.int8), axis=1)
        starts = edges[:, :-1] == 1
        series, begins = np.nonzero(starts)
        ends = np.nonzero(edges == -1)[1]
        first = np.ones(len(series), bool)
        first[1:] = series[1:] != series[:-1]
        gaps: NDArray[Any] = np.zeros(len(series), np.int64)
        gaps[1:] = np.where(first[1:], 0, begins[1:] - ends[:-1])
        return cls(starts, ends - begins, gaps, first)
