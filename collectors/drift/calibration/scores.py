"""Scores: minus the logarithm of how rare a distance is, alike for every column and size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import special

from collectors.drift.calibration.measures import Floats
from collectors.drift.calibration.scorer import Pooled

SHRINK = 10.0
"""Days of panes for which the shape of a kind counts."""

SILENT = 0.2
"""Shape for a column without any distance in the whole reference: that of a share which only
counts where it grows."""

LEAST_KNEE = 0.25
"""Of the level that it belongs to; a knee below it is none."""

OWN = 20.0
"""Exceedances of its own from which on a column's tail counts more than that of its kind."""

ALONE_UP_TO = 168.0
"""Panes up to which a pane has no part in the map by which it is itself held out."""

MOST_OF_LARGEST = 4.0
"""Largest shape of what is the largest of many: it varies little, but its tail is that of one of
them. Of 595 correlations, scores above 5 came 2.1 times as often as they say without this bound,
and 0.7 times with it."""

LOWEST, HIGHEST = 0.15, 60.0
MOST = 700.0
"""Largest score."""


def shapes(ratio: Floats, used: NDArray[np.bool_], kinds: Sequence[str], weight: float) -> Floats:
    """The gamma shape of D2 / V of each column [C], shrunk to that of its kind.

    Args:
        ratio: D2 / V, [C, T], looked at where `used`.
        weight: how much a column's own panes count, beside `SHRINK` for its kind.
    """
    number = used.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.where(used, np.square(ratio - 1.0), 0.0).sum(axis=1) / number
        shape = ((number - 1) / variance - 1.0) / number
    silent = np.where(used, ratio, 0.0).max(axis=1, initial=0.0) == 0.0
    shape = np.where(silent | ~np.isfinite(shape), SILENT, np.clip(shape, LOWEST, HIGHEST))
    logs = np.log(shape)
    names = np.array(kinds)
    for kind in set(kinds):
        of = (names == kind) & (number > 0)
        if not of.any():
            continue
        logs[of] = (weight * logs[of] + SHRINK * logs[of].mean()) / (weight + SHRINK)
    shape = np.exp(logs)
    ks = (names == "ks") & (shape > 0.5)
    shape[ks] = np.minimum(1.64, 0.5 + 0.573 * (shape[ks] - 0.5))
    largest = names == "correlation"
    shape[largest] = np.minimum(shape[largest], MOST_OF_LARGEST)
    return np.asarray(shape)


def rarity(ratio: Floats, shape: Floats, degrees: Floats | float) -> Floats:
    """-log P(F(2 k, 2 k nu) > ratio); `shape` k broadcasts to `ratio`, `degrees` is nu.

    D2 is taken as gamma of shape k about V, and V as known from nu panes.
    """
    x = degrees / (degrees + np.maximum(ratio, 0.0))
    first = shape * degrees
    tail = special.betainc(first, shape, x)
    # Beyond what a float holds: the first terms of its series (Abramowitz and Stegun 26.5.4).
    series = np.log1p(-np.minimum(x * (first + shape) / (first + 1.0), 0.999))
    with np.errstate(divide="ignore"):
        far = first * np.log(x) + shape * np.log1p(-x) - series
        far -= special.betaln(first, shape) + np.log(first)
        logs = np.where(tail > 1e-280, np.log(np.maximum(tail, 1e-300)), far)
    return np.asarray(np.clip(-logs, 0.0, MOST))


def pool(scores: Floats, prior: float | None = 1.0) -> Pooled:
    """The map of held-out scores [N] of one kind.

    Args:
        prior: mean excess that is expected; None where the scores below tell it, as an exponential
            tail would go on.
    """
    given = scores[np.isfinite(scores)]
    if len(given) < 20:
        return Pooled(1.0, 1.0, 1.0)
    quantile = float(np.clip(1.0 - 150.0 / len(given), 0.9, 0.99))
    level = -np.log(1.0 - quantile)
    knee = float(np.quantile(given, quantile))
    if prior is None:
        prior = float(knee - np.median(given)) / (level - np.log(2.0)) or 1.0
    if knee < LEAST_KNEE * level * prior:
        # Most are 0, as with shares of what hardly ever happens: they say nothing of the rest.
        knee = float(level)
    excess = given[given > knee] - knee
    scale = (float(excess.sum()) + 5.0 * prior) / (len(excess) + 5.0)
    return Pooled(knee, float(level), scale)


def of_each(
    scores: Floats, pools: Sequence[Pooled], blocks: NDArray[np.int64]
) -> tuple[Sequence[Pooled], Floats]:
    """The map of each column [C], and its held-out scores [C, T] mapped.

    It is that of its kind, made less steep where the column itself passes the knee more often, or
    farther: else one column with a heavy tail would lift the threshold of all. A pane is mapped by
    what the other blocks say, and by its own in part: the more panes there are, the less it matters
    that they are looked at twice, and the more that a column is known by what it did once.
    """
    knees = np.array([one.knee for one in pools])[:, None]
    shares = np.exp(-np.array([one.level for one in pools]))
    scales = np.array([one.scale for one in pools])
    given = np.isfinite(scores)
    excess = np.where(given, np.maximum(scores - knees, 0.0), 0.0)
    passed = excess > 0.0

    def own(weights: Floats) -> Sequence[Pooled]:
        number, count = given @ weights, passed @ weights
        share = (count + OWN) / (number + OWN / shares)
        scale = (excess @ weights + OWN * scales) / (count + OWN)
        levels = -np.log(np.maximum(share, shares))
        return [
            Pooled(one.knee, float(level), float(max(one.scale, wide)))
            for one, level, wide in zip(pools, levels, scale, strict=True)
        ]

    part = max(0.0, 1.0 - ALONE_UP_TO / max(float(np.median(given.sum(axis=1))), 1.0))
    mapped = np.full_like(scores, np.nan)
    for block in range(int(blocks.max()) + 1):
        inside = blocks == block
        for i, one in enumerate(own(np.where(inside, part, 1.0))):
            mapped[i, inside] = one.map(scores[i, inside])
    return own(np.ones(len(blocks))), mapped
