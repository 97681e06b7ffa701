"""Distributions for drawing: now and the reference on the same edges, or by the same names."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from collectors.drift.calibration.measures import Floats
from collectors.drift.profiles import parts
from collectors.events import INVALID, MISSING, Status
from collectors.summaries.categories import CategorySummary
from collectors.summaries.columns import AnyColumnSummary
from collectors.summaries.numbers import NumberSummary
from monitor.web.pages.views import Bars, Curve, Numbers, Part, Side

BINS = 48
NAMES = 12
"""Categories that are drawn one by one: those with the largest share on either side."""

TAIL = 0.005
"""Share of the values beyond either end of a curve, at most: they are in its last bin."""

QUANTILES = (0.1, 0.5, 0.9)

_KINDS: Mapping[str, str] = {
    "NumberSummary": "number",
    "CategorySummary": "category",
    "TextSummary": "text",
    "ListSummary": "list",
    "ImageSummary": "image",
    "ScoresSummary": "class scores",
}


def kind_of(column: AnyColumnSummary) -> str:
    """What a column is called for people."""
    return _KINDS[type(column).__name__]


def side(column: AnyColumnSummary) -> Side:
    """Shares and numbers of a column."""
    rows = int(column.tally.sum())
    missing = int(column.tally[list(MISSING)].sum())
    present = rows - missing
    return Side(
        rows=rows,
        missing=missing / rows if rows else None,
        invalid=int(column.tally[list(INVALID)].sum()) / present if present else None,
        unseen=int(column.tally[Status.UNSEEN]) / present if present else None,
        numbers=_numbers(column) if isinstance(column, NumberSummary) else None,
    )


def distributions(now: AnyColumnSummary, reference: AnyColumnSummary | None) -> list[Part]:
    """Every part of a column that has a distribution."""
    past = {} if reference is None else parts(reference)
    return [_part(name, one, past.get(name)) for name, one in parts(now).items()]


def _part(
    name: str,
    now: NumberSummary | CategorySummary,
    reference: NumberSummary | CategorySummary | None,
) -> Part:
    if isinstance(now, NumberSummary):
        past = reference if isinstance(reference, NumberSummary) else None
        return Part(name, None, curve(now, past))
    return Part(
        name, bars(now, reference if isinstance(reference, CategorySummary) else None), None
    )


def curve(now: NumberSummary, reference: NumberSummary | None) -> Curve | None:
    """Both on the same edges; None where neither has a value."""
    sides = [now] if reference is None else [now, reference]
    ends = [end for one in sides for end in one.quantiles((TAIL, 1.0 - TAIL))]
    if not ends:
        return None
    low, high = min(ends), max(ends)
    if not high > low:
        pad = abs(low) * 0.05 or 1.0
        low, high = low - pad, high + pad
    edges = np.linspace(low, high, BINS + 1)
    past = None if reference is None else _shares(reference, edges).tolist()
    return Curve(edges.tolist(), _shares(now, edges).tolist(), past)


def bars(now: CategorySummary, reference: CategorySummary | None) -> Bars:
    """The largest on either side, and all others together."""
    here, there = _counted(now), None if reference is None else _counted(reference)
    known = {**here, **(there or {})}
    largest = sorted(known, key=lambda n: (-max(here.get(n, 0.0), (there or {}).get(n, 0.0)), n))
    names = largest[:NAMES]
    rest = "others"
    return Bars(
        names=[*map(plain, names), rest],
        now=[*(here.get(n, 0.0) for n in names), _rest(here, names, now)],
        reference=None
        if there is None or reference is None
        else [*(there.get(n, 0.0) for n in names), _rest(there, names, reference)],
    )


def plain(text: str) -> str:
    """A text from data that every encoding takes."""
    return text.encode("utf-8", "replace").decode()


def _rest(shares: Mapping[str, float], names: list[str], summary: CategorySummary) -> float:
    total = int(summary.known.sum() + summary.buckets.sum())
    return max(0.0, 1.0 - sum(shares.get(name, 0.0) for name in names)) if total else 0.0


def _counted(one: CategorySummary) -> dict[str, float]:
    """Share of each known value that has one."""
    total = int(one.known.sum() + one.buckets.sum())
    counts = zip(one.spec.known, one.known.tolist(), strict=True)
    return {name: count / total for name, count in counts if count}


def _shares(one: NumberSummary, edges: Floats) -> Floats:
    """The share of the values in each bin; a cell that lies in several is spread evenly."""
    cells, counts = one.cells()
    shares: Floats = np.zeros(len(edges) - 1)
    if not len(cells) or one.minimum is None or one.maximum is None:
        return shares
    low, high = (np.clip(e, one.minimum, one.maximum) for e in one.grid.edges(cells))
    low, high = np.clip(low, edges[0], edges[-1]), np.clip(high, edges[0], edges[-1])
    # How much lies below each edge, taken evenly within a cell.
    width = high - low
    for place, edge in enumerate(edges[1:]):
        inside = np.where(width > 0, (edge - low) / np.where(width > 0, width, 1.0), edge >= low)
        shares[place] = float((counts * np.clip(inside, 0.0, 1.0)).sum())
    total = float(counts.sum())
    shares[-1] = total
    found: Floats = np.diff(np.concatenate(([0.0], shares))) / total
    return found


def _numbers(one: NumberSummary) -> Numbers:
    low, middle, high = one.quantiles(QUANTILES) or (None, None, None)
    return Numbers(one.mean(), one.stddev(), low, middle, high, one.minimum, one.maximum)
