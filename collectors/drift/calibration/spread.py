"""How large a squared distance is by nature: sampling noise, and the panes' own wandering."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from collectors.drift.calibration.measures import Floats

ROUNDS = 8
LEAST = 0.7
"""Sampling noise is taken as at least this share of what drawn rows would have."""


def fit_noise(
    squared: Floats, x: Floats, y: Floats, expected: Floats, used: NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """a and b of V = a x + b y for each column, by gamma quasi-likelihood (variance ~ V^2).

    Args:
        squared, x, y: [C, T]; looked at only where `used` [C, T].
        expected: [C], what `a` is from rows drawn independently.
    """
    d, x, y = (np.where(used, values, 0.0) for values in (squared, x, y))
    a = np.maximum(expected, 1e-12)
    with np.errstate(divide="ignore", invalid="ignore"):
        b = np.maximum((d - a[:, None] * x).sum(axis=1) / y.sum(axis=1), 0.0)
        b = np.where(np.isfinite(b), b, 0.0)
        for _ in range(ROUNDS):
            w = np.where(used, 1.0 / np.square(a[:, None] * x + b[:, None] * y), 0.0)
            w = np.where(np.isfinite(w), w, 0.0)
            xx, xy, yy = (w * x * x).sum(1), (w * x * y).sum(1), (w * y * y).sum(1)
            xd, yd = (w * x * d).sum(1), (w * y * d).sum(1)
            free = (xd * yy - yd * xy) / (xx * yy - xy * xy)
            alone = xd / xx
            a = np.where(np.isfinite(free), free, np.where(np.isfinite(alone), alone, expected))
            b = (yd - a * xy) / yy
            a = np.where(b < 0, np.where(np.isfinite(alone), alone, expected), a)
            a = np.maximum(a, np.maximum(LEAST * expected, 1e-12))
            b = np.maximum(np.where(np.isfinite(yy) & (yy > 0), (yd - a * xy) / yy, 0.0), 0.0)
    return a, b
