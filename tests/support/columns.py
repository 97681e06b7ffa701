"""Columns made by hypothesis, and by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from collectors.events import (
    CategoryColumn,
    ImageColumn,
    ListColumn,
    NumberColumn,
    ScoresColumn,
    Status,
    Statuses,
    TextColumn,
)

UNUSED = [Status.ABSENT, Status.NULL, Status.NAN, Status.TYPE]


def number_column(values: Sequence[float | None]) -> NumberColumn:
    """Numbers; None is null."""
    status = [Status.NULL if value is None else Status.OK for value in values]
    numbers = [np.nan if value is None else value for value in values]
    return NumberColumn(np.array(numbers, dtype=np.float64), np.array(status, dtype=np.uint8))


def category_column(values: Sequence[str | None]) -> CategoryColumn:
    """Categories; None is null."""
    names = tuple(dict.fromkeys(value for value in values if value is not None))
    codes = [-1 if value is None else names.index(value) for value in values]
    status = [Status.NULL if value is None else Status.OK for value in values]
    return CategoryColumn(np.array(codes, np.int32), names, np.array(status, np.uint8))


def text_column(values: Sequence[str | None]) -> TextColumn:
    """Texts; None is null."""
    status = [Status.NULL if value is None else Status.OK for value in values]
    return TextColumn([value or "" for value in values], np.array(status, np.uint8))


def _some(draw: st.DrawFn, rows: int) -> Statuses:
    often = st.sampled_from([Status.OK, Status.OK, Status.OK, *UNUSED])
    return np.array(draw(st.lists(often, min_size=rows, max_size=rows)), dtype=np.uint8)


def _floats(
    draw: st.DrawFn, rows: int, low: float, high: float
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    values = st.lists(st.floats(low, high), min_size=rows, max_size=rows)
    return np.array(draw(values), dtype=np.float64)


def _hashes(draw: st.DrawFn, rows: int) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    few = st.integers(0, 2**64 - 1)
    return np.array(draw(st.lists(few, min_size=rows, max_size=rows)), dtype=np.uint64)


@st.composite
def numbers(draw: st.DrawFn, low: float = -1e4, high: float = 1e4) -> NumberColumn:
    """Numbers, some of them not there."""
    rows = draw(st.integers(0, 40))
    status = _some(draw, rows)
    values = _floats(draw, rows, low, high)
    return NumberColumn(np.where(status == Status.OK, values, np.nan), status)


@st.composite
def categories(
    draw: st.DrawFn, names: Sequence[str] = ("a", "b", "c", "new", "ü")
) -> CategoryColumn:
    """A few categories, some of them not there; unseen ones are flagged as the schema would."""
    values = draw(st.lists(st.sampled_from([*names, None]), max_size=40))
    return category_column(values)


@st.composite
def texts(draw: st.DrawFn) -> TextColumn:
    """Texts of some words."""
    return text_column(draw(st.lists(st.one_of(st.none(), st.text(max_size=30)), max_size=20)))


@st.composite
def lists(draw: st.DrawFn) -> ListColumn:
    """Lengths."""
    rows = draw(st.integers(0, 30))
    lengths = draw(st.lists(st.integers(0, 500), min_size=rows, max_size=rows))
    return ListColumn(np.array(lengths, np.int64), _hashes(draw, rows), _some(draw, rows))


@st.composite
def images(draw: st.DrawFn) -> ImageColumn:
    """Measures of images."""
    rows = draw(st.integers(0, 20))
    return ImageColumn(
        _floats(draw, rows, 0, 1),
        _floats(draw, rows, 0, 0.5),
        _floats(draw, rows, 1, 4000),
        _floats(draw, rows, 1, 4000),
        _hashes(draw, rows),
        _some(draw, rows),
    )


@st.composite
def scores(draw: st.DrawFn) -> ScoresColumn:
    """Winning classes and entropies, some undefined."""
    top = draw(categories())
    rows = len(top.codes)
    entropy = _floats(draw, rows, 0, 3)
    entropy[top.codes < 0] = np.nan
    return ScoresColumn(top, entropy, _hashes(draw, rows))
