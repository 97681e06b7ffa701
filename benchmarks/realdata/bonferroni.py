"""The textbook's rule: a test of each column in each window, each at its share of the budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special
from scipy.stats import chi2

from benchmarks.realdata.data import Data
from collectors.drift.calibration.seasons import Ints

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Known:
    """A reference, by column: its numbers sorted, or how many rows each category has."""

    numbers: Mapping[str, Floats]
    counts: Mapping[str, Floats]


def drifted(
    data: Data,
    reference: Ints,
    windows: Sequence[Ints],
    level: float,
    by: float = 0.0,
    of: str = "",
) -> list[int]:
    """Columns of each window whose p-value is below `level` over the number of columns.

    Kolmogorov and Smirnov's two-sample test for numbers, by its limit, and Pearson's chi-squared
    for categories; missing values are left out.

    Args:
        by: what is added to the column `of` of the windows.
    """
    numbers = {n: data.rows[n].to_numpy(float) for n in data.columns if n not in data.categories}
    codes, levels = {}, {}
    for name in data.categories:
        found, names = data.rows[name].factorize()
        codes[name], levels[name] = found, len(names)
    known = Known(
        {name: _sorted(values[reference]) for name, values in numbers.items()},
        {name: _counts(code[reference], levels[name]) for name, code in codes.items()},
    )
    if of:
        numbers[of] = numbers[of] + by
    least = -np.log(level / len(data.columns))
    drifts = []
    for rows in windows:
        rarity = [kolmogorov(_sorted(v[rows]), known.numbers[n]) for n, v in numbers.items()]
        rarity += [
            chi_squared(_counts(c[rows], levels[n]), known.counts[n]) for n, c in codes.items()
        ]
        drifts.append(sum(one > least for one in rarity))
    return drifts


def kolmogorov(now: Floats, reference: Floats) -> float:
    """-log p of two sorted samples."""
    if not len(now) or not len(reference):
        return 0.0
    n, total = len(now), len(reference)
    below = np.searchsorted(reference, now, side="left") / total
    upto = np.searchsorted(reference, now, side="right") / total
    # Between two values of the window only the reference grows: the ends are the farthest apart.
    gap = max(
        np.abs(np.searchsorted(now, now, side="right") / n - upto).max(),
        np.abs(np.searchsorted(now, now, side="left") / n - below).max(),
    )
    root = gap * np.sqrt(n * total / (n + total))
    if root > 3.0:
        return float(2.0 * root * root - np.log(2.0))
    return float(-np.log(special.kolmogorov(root)))


def chi_squared(now: Floats, reference: Floats) -> float:
    """-log p of the table of two rows of counts."""
    n, total = now.sum(), reference.sum()
    both = now + reference
    there = both > 0
    if not n or not total or np.count_nonzero(there) < 2:
        return 0.0
    shares = both[there] / (n + total)
    statistic = (np.square(now[there] - n * shares) / (n * shares)).sum()
    statistic += (np.square(reference[there] - total * shares) / (total * shares)).sum()
    logs = chi2.logsf(statistic, np.count_nonzero(there) - 1)
    return float(min(-logs, 700.0))


def _sorted(values: Floats) -> Floats:
    return np.sort(values[~np.isnan(values)])


def _counts(codes: Ints, levels: int) -> Floats:
    return np.bincount(codes[codes >= 0], minlength=levels).astype(np.float64)
