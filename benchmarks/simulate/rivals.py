"""Rules of other tools, from the same counts: how far each window is past its own threshold.

Written anew from what their documentation says, not their code; `docs/calibration.md` says how
close these are to the packages. Each gives one number a window and feature, above 1 where the rule
as it comes would ring; a window rings where any feature does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from scipy import special
from scipy.stats import chi2

from benchmarks.simulate.kinds import KINDS, Floats
from benchmarks.simulate.streams import Cells, Counts

HOURS = 720
"""Windows in 30 days, in one of which Bonferroni's tests are to ring."""

FEW_VALUES = 5
"""Numbers of so many values are compared as categories by Evidently."""

Rule = Callable[[str, Counts, Counts, int], Floats]
"""Of a kind of column, its windows [N, G + 1], its reference's panes [R, G + 1], and how many
features the model has: how far each window is past the threshold, [N]."""


def bonferroni(kind: str, windows: Counts, reference: Counts, features: int) -> Floats:
    """Kolmogorov-Smirnov for numbers and chi-squared for categories, without missing values, each
    at a level of one alarm in 30 days over all features."""
    now = windows[:, :-1].astype(np.float64)
    whole = reference[:, :-1].sum(axis=0, dtype=np.float64)
    test = _chi_squared if KINDS[kind].values is None else _kolmogorov
    rarity = test(now, whole)
    return np.asarray(rarity / np.log(HOURS * features))


def nannyml(kind: str, windows: Counts, reference: Counts, _: int) -> Floats:
    """Jensen-Shannon distance above, and missing share either side of, 3 standard deviations from
    its mean over the reference's chunks."""
    bins = _doane(kind, reference)
    full = reference.sum(axis=1) > 0
    apart = [_jensen_shannon(_binned(some, bins), bins, reference) for some in (windows, reference)]
    missing = [some[:, -1] / np.maximum(some.sum(axis=1), 1) for some in (windows, reference)]
    far = _deviations(apart[0], apart[1][full])
    return np.asarray(np.maximum(far, np.abs(_deviations(missing[0], missing[1][full]))) / 3.0)


def _deviations(now: Floats, then: Floats) -> Floats:
    return np.asarray((now - then.mean()) / max(float(then.std()), 1e-12))


def evidently(kind: str, windows: Counts, reference: Counts, _: int) -> Floats:
    """Wasserstein distance over the standard deviation, or Jensen-Shannon distance, beyond 0.1;
    what is chosen for references of more than 1,000 rows."""
    values = KINDS[kind].values
    whole = reference[:, :-1].sum(axis=0, dtype=np.float64)
    now = windows[:, :-1].astype(np.float64)
    if values is None or len(values) <= FEW_VALUES:
        return np.asarray(_distance(now, whole) / 0.1)
    gap = np.abs(np.cumsum(_shares(now), axis=1) - np.cumsum(_shares(whole)))[:, :-1]
    shares = _shares(whole)
    spread = np.sqrt(shares @ np.square(values) - np.square(shares @ values))
    return np.asarray(gap @ np.diff(values) / spread / 0.1)


RULES: Mapping[str, Rule] = {
    "Bonferroni KS/chi2": bonferroni,
    "NannyML": nannyml,
    "Evidently": evidently,
}


def each_feature(
    rule: Rule,
    windows: Sequence[Cells],
    live: slice,
    stream: Sequence[Cells],
    reference: slice,
    features: int,
) -> Floats:
    """How far each feature is past the threshold of a rule, [p, N]; windows without rows are 0.

    Args:
        live: those of the windows that are judged.
        stream: of the same features, where their reference is a span of.
        features: of the whole model.
    """
    found = []
    for cells, whole in zip(windows, stream, strict=True):
        now, then = cells.counts[live], whole.counts[reference]
        empty = now[:, :-1].sum(axis=1) == 0
        with np.errstate(divide="ignore", invalid="ignore"):
            found.append(np.where(empty, 0.0, rule(cells.kind, now, then, features)))
    return np.array(found)


def _kolmogorov(now: Floats, whole: Floats) -> Floats:
    """-log p, asymptotically."""
    n, total = now.sum(axis=1), whole.sum()
    gap = np.abs(np.cumsum(_shares(now), axis=1) - np.cumsum(_shares(whole))).max(axis=1)
    root = gap * np.sqrt(n * total / (n + total))
    far = 2.0 * np.square(root) - np.log(2.0)
    near = -np.log(special.kolmogorov(np.minimum(root, 3.0)))
    return np.asarray(np.where(root > 3.0, far, near))


def _chi_squared(now: Floats, whole: Floats) -> Floats:
    """-log p of the table of two rows."""
    n, total = now.sum(axis=1, keepdims=True), whole.sum()
    pooled = (now + whole) / (n + total)
    gap = np.square(now - n * pooled) / (n * pooled) + np.square(whole - total * pooled) / (
        total * pooled
    )
    occupied = pooled > 0
    statistic = np.where(occupied, gap, 0.0).sum(axis=1)
    logs = chi2.logsf(statistic, np.maximum(occupied.sum(axis=1) - 1, 1))
    return np.asarray(np.minimum(-logs, 700.0))


def _doane(kind: str, reference: Counts) -> Counts:
    """First cells of bins of equal width, their number by Doane (1976); categories as they are."""
    values = KINDS[kind].values
    whole = reference[:, :-1].sum(axis=0, dtype=np.float64)
    if values is None:
        return np.arange(len(whole), dtype=np.int32)
    n, shares = whole.sum(), _shares(whole)
    mean = shares @ values
    about = values - mean
    spread = np.sqrt(shares @ np.square(about))
    skew = abs(float(shares @ about**3 / spread**3))
    error = np.sqrt(6.0 * (n - 2.0) / (n + 1.0) / (n + 3.0))
    number = int(np.ceil(1.0 + np.log2(n) + np.log2(1.0 + skew / error)))
    seen = values[whole > 0]
    edges = np.linspace(seen[0], seen[-1], number + 1)[1:-1]
    return np.unique(np.append(0, np.searchsorted(values, edges))).astype(np.int32)


def _binned(cells: Counts, bins: Counts) -> Floats:
    return np.add.reduceat(cells[:, :-1], bins, axis=1).astype(np.float64)


def _jensen_shannon(binned: Floats, bins: Counts, reference: Counts) -> Floats:
    return _distance(binned, _binned(reference, bins).sum(axis=0))


def _distance(now: Floats, whole: Floats) -> Floats:
    """Jensen-Shannon distance in nats."""
    p, q = _shares(now), _shares(whole)[None, :]
    middle = (p + q) / 2.0
    terms = special.rel_entr(p, middle) + special.rel_entr(q, middle)
    return np.asarray(np.sqrt(np.maximum(terms.sum(axis=1), 0.0) / 2.0))


def _shares(counts: Floats) -> Floats:
    return np.asarray(counts / counts.sum(axis=-1, keepdims=True))
