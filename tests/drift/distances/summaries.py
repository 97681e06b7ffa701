"""Summaries made of counts, as many rows as one likes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from collectors.drift.distances import Part
from collectors.events import Floats, Ints, Status
from collectors.grid import Grid
from collectors.specs import HUGE, CategorySpec, NumberSpec
from collectors.summaries.categories import BUCKETS, CategorySummary
from collectors.summaries.numbers import NumberSummary
from collectors.summaries.state import Stored


def tally(usable: int, others: Mapping[Status, int]) -> Ints:
    rows = np.zeros(len(Status), dtype=np.int64)
    rows[Status.OK] = usable
    for status, count in others.items():
        rows[status] = count
    return rows


def of_numbers(
    values: Sequence[float] | Floats,
    times: Sequence[int] | Ints | Floats,
    others: Mapping[Status, int],
    grid: Grid,
) -> NumberSummary:
    """Each value so many times, and rows of other statuses."""
    x, rows = np.asarray(values, dtype=np.float64), np.asarray(times, dtype=np.int64)
    cells, place = np.unique(grid.cells(x), return_inverse=True)
    usual = np.abs(x) <= HUGE
    from_centre, times = x[usual] - grid.center, rows[usual]
    by_status = {Status.HUGE: int(rows[~usual].sum()), **others}
    summary = NumberSummary(NumberSpec(grid), "s")
    state = {
        "schema": "s",
        "tally": tally(int(times.sum()), by_status),
        "count": int(times.sum()),
        "total": float(times @ from_centre),
        "squares": float(times @ from_centre**2),
        "minimum": float(x.min(initial=np.inf)),
        "maximum": float(x.max(initial=-np.inf)),
        "cells": cells.astype(np.int32),
        "counts": np.bincount(place, weights=rows).astype(np.int64),
    }
    summary.restore(Stored(state))
    return summary


def of_categories(
    known: Mapping[str, int], others: Mapping[Status, int], buckets: Mapping[int, int] | None = None
) -> CategorySummary:
    """Rows of each known value, of other statuses, and of hash buckets."""
    summary = CategorySummary(CategorySpec(tuple(known)), "s", seed=0, k=4)
    rest = np.zeros(BUCKETS, dtype=np.int64)
    for bucket, rows in (buckets or {}).items():
        rest[bucket] = rows
    state = {
        "schema": "s",
        "tally": tally(sum(known.values()) + int(rest.sum()), others),
        "known": np.array(list(known.values()), dtype=np.int64),
        "buckets": rest,
        "unseen_hashes": np.zeros(0, dtype=np.uint64),
        "unseen_counts": np.zeros(0, dtype=np.int64),
    }
    summary.restore(Stored(state))
    return summary


GRID = Grid(0.0, 0)
NONE: dict[Status, int] = {}
_BELL = np.linspace(-4, 4, 801)
_ROWS = np.round(1e7 * np.exp(-(_BELL**2) / 2) / 250).astype(np.int64)

CASES: dict[str, dict[str, Part]] = {
    "number": {
        "no row": of_numbers([], [], NONE, GRID),
        "one row": of_numbers([0.3], [1], NONE, GRID),
        "one other row": of_numbers([900.0], [1], NONE, GRID),
        "all missing": of_numbers([], [], {Status.NULL: 70, Status.ABSENT: 1}, GRID),
        "all invalid": of_numbers([], [], {Status.TYPE: 70}, GRID),
        "constant": of_numbers([5.0], [1_000], NONE, GRID),
        "some missing": of_numbers([1.0, 2.0], [30, 40], {Status.NAN: 30}, GRID),
        "ten million": of_numbers(_BELL, _ROWS, NONE, GRID),
        "ten million apart": of_numbers(_BELL + 1e6, _ROWS, NONE, GRID),
        "huge": of_numbers([-1e140, 0.0, 1e140], [9, 9, 9], NONE, GRID),
        "beyond float32": of_numbers([-1e300, 1.0, 1.7e308], [2, 5, 2], NONE, GRID),
    },
    "category": {
        "no row": of_categories({"a": 0, "b": 0, "c": 0}, NONE),
        "one row": of_categories({"a": 1, "b": 0, "c": 0}, NONE),
        "all missing": of_categories({"a": 0, "b": 0, "c": 0}, {Status.NULL: 50}),
        "all unknown": of_categories({"a": 0, "b": 0, "c": 0}, NONE, {3: 10, 60: 7}),
        "constant": of_categories({"a": 0, "b": 800, "c": 0}, NONE),
        "apart": of_categories({"a": 0, "b": 0, "c": 90}, NONE),
        "ten million": of_categories({"a": 7_000_000, "b": 1, "c": 3_000_000}, {Status.NULL: 2}),
    },
    "binary": {
        "no row": of_categories({"a": 0, "b": 0}, NONE),
        "one row": of_categories({"a": 1, "b": 0}, NONE),
        "all missing": of_categories({"a": 0, "b": 0}, {Status.EMPTY: 50}),
        "all unknown": of_categories({"a": 0, "b": 0}, NONE, {0: 9}),
        "constant": of_categories({"a": 0, "b": 800}, NONE),
        "apart": of_categories({"a": 90, "b": 0}, NONE),
        "ten million": of_categories({"a": 9_999_999, "b": 1}, {Status.NULL: 2}),
    },
}
"""The corners that every distance must survive."""
