"""What is found at each look, by this project's tests and by those that people use instead."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from benchmarks.simulate_ab.streams import MARGINS, PANES, Drawn, Regime, draw
from collectors.events import Floats
from collectors.experiments.difference import Difference, difference
from collectors.experiments.ratio import log_evidence
from collectors.experiments.sequence import half_width, tuning
from collectors.experiments.verdicts import BURN_IN

ERROR = 0.05
NEVER = PANES + 1
_AT_ONCE = 24


class Outcome(NamedTuple):
    """The pane (from 1 on) after which each test first found something, `NEVER` if none.

    Attributes:
        sequence: any metric's interval leaves 0 out.
        same: the first metric's interval lies within its margin.
        ratio: the split is found broken.
        once: a t-test of rows at the end; `once_buckets`: a normal test of bucket totals there.
        peeked, peeked_buckets: the same, at every look.
    """

    sequence: int
    same: int
    ratio: int
    once: int
    once_buckets: int
    peeked: int
    peeked_buckets: int


def play(regime: Regime, seed: tuple[int, ...], effect: float = 0.0, share: float = 0.5) -> Outcome:
    """One experiment, looked at after each of its panes."""
    drawn = draw(regime, seed, effect, share)
    found, rows, ones = _looks(drawn)
    error = ERROR / regime.metrics
    margins = MARGINS[: regime.metrics]
    width = np.stack(
        [
            half_width(found.variance[m], found.clusters[m], error, tuning(margin, error))
            for m, margin in enumerate(margins)
        ]
    )
    away = np.abs(found.estimate)
    evidence = log_evidence(np.cumsum(drawn.firsts, axis=0), (0.5, 0.5))
    by_rows = np.abs(_t_of_rows(rows, ones)) > stats.norm.isf(ERROR / 2)
    by_buckets = away[0] / np.sqrt(found.variance[0]) > stats.norm.isf(ERROR / 2)
    return Outcome(
        _first(np.asarray((away > width).any(axis=0))),
        _first(away[0] + width[0] < margins[0]),
        _first(evidence >= -np.log(ERROR), 0),
        PANES if by_rows[-1] else NEVER,
        PANES if by_buckets[-1] else NEVER,
        _first(by_rows),
        _first(by_buckets),
    )


def _looks(drawn: Drawn) -> tuple[Difference, Floats, Floats]:
    """Of each metric and look the difference; and rows and yeses by look and arm, [720, 2]."""
    metrics = len(drawn.sums)
    found = Difference(*(np.empty((metrics, PANES)) for _ in range(3)))
    rows, ones = np.empty((PANES, 2)), np.empty((PANES, 2))
    counts, sums = np.zeros(drawn.counts.shape[1:]), np.zeros((metrics, *drawn.counts.shape[1:]))
    for start in range(0, PANES, _AT_ONCE):  # a few at a time stay in the processor's cache
        looks = slice(start, start + _AT_ONCE)
        so_far = np.cumsum(drawn.counts[looks], axis=0)
        so_far += counts
        counts, rows[looks] = so_far[-1], so_far.sum(axis=-1)
        for m in range(metrics):
            total = np.cumsum(drawn.sums[m, looks], axis=0)
            total += sums[m]
            sums[m] = total[-1]
            if m == 0:
                ones[looks] = total.sum(axis=-1)
            parts = difference(so_far, total, binary=m != 1)
            for into, part in zip(found, parts, strict=True):
                into[m, looks] = part
    return found, rows, ones


def _t_of_rows(rows: Floats, ones: Floats) -> Floats:
    """Welch's t of values 0 and 1, as if rows were independent, [720]."""
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = ones / rows
        variance = (mean * (1 - mean) / (rows - 1)).sum(axis=1)
        return np.asarray((mean[:, 1] - mean[:, 0]) / np.sqrt(variance), dtype=np.float64)


def _first(found: NDArray[np.bool_], burn_in: int = BURN_IN) -> int:
    """After which pane it is found first; the first `burn_in - 1` are not looked at."""
    after = np.flatnonzero(found[max(burn_in - 1, 0) :])
    return int(after[0]) + max(burn_in, 1) if len(after) else NEVER
