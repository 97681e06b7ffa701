"""Pairs made of plain values: for examples and tests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from collectors.drift.distances.pair import CategoryPair, NumberPair, category_pair, number_pair
from collectors.events import CategoryColumn, Floats, NumberColumn, Status, Statuses
from collectors.grid import Grid
from collectors.specs import CategorySpec, NumberSpec
from collectors.summaries.categories import CategorySummary
from collectors.summaries.numbers import NumberSummary


def numbers(
    now: Sequence[float] | Floats, reference: Sequence[float] | Floats, grid: Grid | None = None
) -> NumberPair:
    """Numbers, NaN where one is missing, on the grid that fits the reference."""
    if grid is None:
        grid = Grid.fit(np.asarray(reference, dtype=np.float64))
    return number_pair(number_summary(now, grid), number_summary(reference, grid))


def number_summary(values: Sequence[float] | Floats, grid: Grid) -> NumberSummary:
    """Numbers, NaN where one is missing."""
    summary = NumberSummary(NumberSpec(grid), "example")
    column = np.asarray(values, dtype=np.float64)
    summary.observe(NumberColumn(column, _null_where(np.isnan(column))))
    return summary


def categories(
    now: Sequence[str | None], reference: Sequence[str | None], known: tuple[str, ...]
) -> CategoryPair:
    """Categories, None where one is missing; a value that is not known is unseen."""
    return category_pair(category_summary(now, known), category_summary(reference, known))


def category_summary(values: Sequence[str | None], known: tuple[str, ...]) -> CategorySummary:
    """Categories, None where one is missing; a value that is not known is unseen."""
    spec = CategorySpec(known, declared=True)
    names = tuple(dict.fromkeys(value for value in values if value is not None))
    place = {name: i for i, name in enumerate(names)}
    codes = np.array([-1 if v is None else place[v] for v in values], dtype=np.int32)
    status = _null_where(codes < 0)
    unseen = np.append(spec.unseen(names, 0), False)[codes] & (codes >= 0)
    status[unseen] = Status.UNSEEN
    summary = CategorySummary(spec, "example", seed=0, k=64)
    summary.observe(CategoryColumn(codes, names, status))
    return summary


def _null_where(missing: np.ndarray) -> Statuses:
    return np.where(missing, Status.NULL, Status.OK).astype(np.uint8)
