"""What a fitted column says of new panes: its noise, its score, whether its effect matters."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from collectors.drift.calibration.heldout import ColumnKey
from collectors.drift.calibration.measures import Floats, Measure
from collectors.drift.calibration.seasons import Ints, Season

KNOTS = np.geomspace(1e-3, 1e6, 181)
"""Squared distances over noise at which the score of a column is tabled."""

_PLACES = np.log(KNOTS)

JOINT_MOST = 20.0
"""Where scores are clipped before their mean is taken."""

JOINT_FLOOR = 0.02
"""Mean Kolmogorov-Smirnov distance beyond noise that the joint column asks for: 0.05 sd."""


PLAIN: Mapping[str, float] = MappingProxyType(
    {"missing": 0.5, "invalid": 0.05, "errors": 0.5, "ks": 0.5, "shape": 0.5, "categories": 0.5}
)
"""Effects, by kind, from which on a change is a plain fault if no pane of the reference came near:
nulls in half of all rows ring at once, whatever storms another column has seen."""

FARTHER = 1.5
"""By how much a plain fault is farther than any pane of the reference."""

RARE = 0.4
"""What share of the threshold the score of a plain fault reaches by itself."""


@dataclass(frozen=True, slots=True)
class Scorer:
    """One column's comparison with a reference.

    Attributes:
        season: which panes it is compared with.
        totals, rows, squares: the reference by bucket: profile [B, G], rows and squared rows [B].
        a, b: noise is V = a (1/n + 1/N) + b (1 + squares / N^2).
        raw, scores: by squared distance over noise at `KNOTS`: how rare it is, and calibrated.
        farthest: the largest effect of a pane of the reference beside the others.
        sure: the threshold of a window alone, which a plain fault passes.
    """

    key: ColumnKey
    measure: Measure
    always: bool
    season: Season
    totals: Floats
    rows: Floats
    squares: Floats
    a: float
    b: float
    raw: Floats
    scores: Floats
    farthest: float = 0.0
    sure: float = math.inf

    def over_noise(self, profile: Floats, buckets: Ints, min_rows: int) -> Floats:
        """Squared distance over noise of each row of `profile` [N, G]; NaN where not judged."""
        reference = self.totals[buckets]
        rows = self.rows[buckets]
        with np.errstate(divide="ignore", invalid="ignore"):
            n = self.measure.size(profile, reference)
            noise = self.a * (1.0 / n + 1.0 / rows)
            noise = noise + self.b * (1.0 + self.squares[buckets] / np.square(rows))
            ratio = self.measure.squared(profile, reference) / noise
        if not self.always:
            ratio = np.where(self.measure.rows(profile) >= min_rows, ratio, np.nan)
        return np.asarray(np.where(np.isfinite(ratio), ratio, np.nan))

    def excess(self, profile: Floats, buckets: Ints) -> Floats:
        """Squared distance beyond sampling noise, not below 0."""
        reference, rows = self.totals[buckets], self.rows[buckets]
        with np.errstate(divide="ignore", invalid="ignore"):
            n = self.measure.size(profile, reference)
            beyond = self.measure.squared(profile, reference) - self.a * (1.0 / n + 1.0 / rows)
        return np.maximum(np.nan_to_num(beyond), 0.0)

    def score(self, ratio: Floats) -> Floats:
        """The calibrated score; NaN stays."""
        return _looked_up(ratio, self.scores)

    def told(self, score: Floats, effect: Floats, floor: float | None = None) -> Floats:
        """The score as it counts: 0 where the effect is below the floor, and at least just beyond
        the threshold where it is a plain fault.

        Args:
            floor: another one than that of the measure.
        """
        least = self.measure.floor if floor is None else floor
        far = max(PLAIN.get(self.measure.kind, math.inf), FARTHER * self.farthest)
        with np.errstate(invalid="ignore"):
            plain = (effect >= far) & (score >= RARE * self.sure)
            raised = np.where(plain, np.maximum(score, np.nextafter(self.sure, np.inf)), score)
            return np.asarray(np.where(effect >= least, raised, 0.0))

    def raw_score(self, ratio: Floats) -> Floats:
        """The score before it was mapped by those held out; what the joint column is made of."""
        return _looked_up(ratio, self.raw)


@dataclass(frozen=True, slots=True)
class Pooled:
    """How the scores of one kind are mapped, so that they are exponential: by held-out ones.

    Attributes:
        knee: the score that `level` belongs to.
        level: -log of the share of held-out scores above the knee.
        scale: mean excess above it.
    """

    knee: float
    level: float
    scale: float

    def map(self, scores: Floats) -> Floats:
        """Linear below the knee, and above it by the scale."""
        return np.where(
            scores < self.knee,
            scores * (self.level / self.knee),
            self.level + (scores - self.knee) / self.scale,
        )


def _looked_up(ratio: Floats, table: Floats) -> Floats:
    """Linear in the logarithm of the ratio, and on beyond the last knot."""
    logs = np.log(np.maximum(ratio, KNOTS[0]))
    slope = (table[-1] - table[-2]) / (_PLACES[-1] - _PLACES[-2])
    beyond = np.maximum(logs - _PLACES[-1], 0.0)
    return np.asarray(np.interp(logs, _PLACES, table) + slope * beyond)


def joint_mean(raw: Floats) -> Floats:
    """Mean clipped score over the columns [C, N] of each window; NaN where there is none."""
    given = np.isfinite(raw)
    number = given.sum(axis=0)
    total = np.where(given, np.minimum(raw, JOINT_MOST), 0.0).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(number > 0, total / number, np.nan))
