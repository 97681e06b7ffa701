"""Profiles of rows as points: what the sums of all features together are compared by.

The profile of a longer window is the sum of those of its panes. Units are octaves, see
`collectors.embedding`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from collectors.drift.calibration.measures import Floats
from collectors.drift.calibration.points import WAVES
from collectors.embedding import STEPS
from collectors.multivariate import TogetherSummary
from collectors.summaries.multivariate import ONE, MultivariateSummary, upper

KEPT = 0.9
"""Share of the variance that the components of a reference have."""

VARIES = 0.05
"""Variance of a dimension, below which it is paired with none."""

SHOWN = 3
"""Features that a dimension is named after at most."""


@dataclass(frozen=True, slots=True)
class Points:
    """The sums of n points, in octaves.

    Attributes:
        sums: [d]; products: [d, d].
        waves: cosines and sines of the random Fourier features, [2 x 64].
    """

    rows: float
    sums: Floats
    products: Floats
    waves: Floats

    @classmethod
    def of(cls, summary: MultivariateSummary) -> Points:
        moments, d = summary.moments(), len(summary.space)
        products = np.zeros((d, d))
        first, second = upper(d)
        products[first, second] = products[second, first] = moments.products / STEPS**2
        return cls(float(summary.rows), moments.sums / STEPS, products, moments.waves / ONE)

    @property
    def covariance(self) -> Floats:
        """About their own mean, [d, d]."""
        mean = self.sums / self.rows
        return np.asarray(self.products / self.rows - np.outer(mean, mean))


@dataclass(frozen=True, slots=True)
class Together:
    """How windows are compared with one reference by all of their features.

    A pane whose features are other ones has nothing to compare: its profiles are of no rows.

    Attributes:
        names: of each dimension, for people, [d].
        mean: of the reference, [d].
        rest: projects on all but its components, [d, d].
        varying: dimensions that vary in it, whose correlations are compared.
        apart: pairs of these that are not of one feature, by the upper triangle.
    """

    space: str
    names: tuple[str, ...]
    mean: Floats
    rest: Floats
    varying: NDArray[np.intp]
    apart: NDArray[np.bool_]

    @classmethod
    def of(cls, reference: MultivariateSummary) -> Together:
        """By all rows of a reference; there is at least one."""
        points, names = Points.of(reference), reference.space.names
        covariance = points.covariance
        varying = np.flatnonzero(np.diag(covariance) >= VARIES)
        first, second = upper(len(varying))
        owners = [set(names[place]) for place in varying.tolist()]
        apart = [
            not owners[j] & owners[k] for j, k in zip(first.tolist(), second.tolist(), strict=True)
        ]
        return cls(
            space=reference.schema_id,
            names=tuple(map(_named, names)),
            mean=points.sums / points.rows,
            rest=_rest(covariance),
            varying=varying,
            apart=np.array(apart, dtype=np.bool_),
        )

    @property
    def pairs(self) -> int:
        """How many correlations are compared."""
        return int(np.count_nonzero(self.apart))

    def waves(self, summaries: Mapping[str, Any]) -> Floats:
        """(rows, cosines and sines, sums and squared sums by dimension): [1 + 128 + 2 d]."""
        points = self._points(summaries)
        squares = np.diag(points.products)
        return np.concatenate(([points.rows], points.waves, points.sums, squares))

    def errors(self, summaries: Mapping[str, Any]) -> Floats:
        """(rows, squared errors of reconstruction by dimension): [1 + d]."""
        points = self._points(summaries)
        crossed = np.outer(points.sums, self.mean)
        about = points.products - crossed - crossed.T
        about += points.rows * np.outer(self.mean, self.mean)
        errors = ((self.rest @ about) * self.rest).sum(axis=1)
        return np.concatenate(([points.rows], np.maximum(errors, 0.0)))

    def products(self, summaries: Mapping[str, Any]) -> Floats:
        """(degrees of freedom, products about the own mean of dimensions that vary, the upper
        triangle); 0 of two dimensions of one feature."""
        points = self._points(summaries)
        found = np.zeros(1 + len(self.apart))
        if points.rows >= 2:
            covariance = points.covariance[np.ix_(self.varying, self.varying)]
            products = points.rows * covariance[upper(len(self.varying))]
            found[0] = points.rows - 1.0
            own = np.equal(*upper(len(self.varying)))
            found[1:] = np.where(self.apart | own, products, 0.0)
        return found

    def _points(self, summaries: Mapping[str, Any]) -> Points:
        together = summaries.get("multivariate")
        if isinstance(together, TogetherSummary) and together.sums.schema_id == self.space:
            return Points.of(together.sums)
        d = len(self.names)
        return Points(0.0, np.zeros(d), np.zeros((d, d)), np.zeros(WAVES))


def _rest(covariance: Floats) -> Floats:
    """The projection on all directions but the largest components, [d, d].

    As many components as have `KEPT` of the variance; one less than vary at all, at most.
    """
    variances, directions = np.linalg.eigh(covariance)
    variances, directions = np.maximum(variances[::-1], 0.0), directions[:, ::-1]
    total = float(variances.sum())
    occupied = int(np.count_nonzero(variances > 1e-9 * total))
    enough = int(np.searchsorted(np.cumsum(variances), KEPT * total)) + 1
    rest = directions[:, max(min(enough, occupied - 1), 0) :]
    return np.asarray(rest @ rest.T)


def _named(features: tuple[str, ...]) -> str:
    more = "" if len(features) <= SHOWN else " or others"
    return " or ".join(features[:SHOWN]) + more
