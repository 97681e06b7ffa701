"""Schemas, and the layouts and rows that they are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from collectors.events import AnyColumn, Events, ImageColumn, ListColumn, ScoresColumn
from collectors.layout import Feature, Kind, Layout, Output
from collectors.schema import Schema
from collectors.specs import CategorySpec
from tests.support.columns import category_column, number_column, text_column
from tests.support.events import events


def feature(name: str, kind: Kind, **declared: Any) -> Feature:
    """One, found in a record under its own name."""
    return Feature(name, kind, (name,), **declared)


def layout(*features: Feature, output: Output | None = None) -> Layout:
    """Of one model."""
    return Layout("m", features, output)


def rows(prediction: AnyColumn | None = None, **columns: AnyColumn) -> Events:
    """A batch with these columns, which are of equal length."""
    column = next(iter(columns.values()), prediction)
    assert column is not None
    return events(range(len(column.status)), features=columns, prediction=prediction)


def scores_column(tops: Sequence[str | None]) -> ScoresColumn:
    """Scores of which these classes are the highest."""
    n = len(tops)
    return ScoresColumn(category_column(tops), np.zeros(n), np.zeros(n, np.uint64))


def one_of_each() -> tuple[Layout, Events]:
    """A column of each kind, with scores as the output, and three fine rows."""
    fine = np.zeros(3, np.uint8)
    pixels = np.full(3, 0.5)
    columns: dict[str, AnyColumn] = {
        "number": number_column([1.0, 2.0, None]),
        "category": category_column(["b", "a", "b"]),
        "boolean": category_column(["true", None, "true"]),
        "text": text_column(["two words", "three small words", None]),
        "list": ListColumn(np.array([3, 4, 5]), np.zeros(3, np.uint64), fine),
        "image": ImageColumn(pixels, pixels, pixels, pixels, np.zeros(3, np.uint64), fine),
    }
    kinds: list[Kind] = ["number", "category", "boolean", "text", "list", "image"]
    features = tuple(feature(kind, kind) for kind in kinds)
    return layout(*features, output=Output("scores")), rows(
        scores_column(["x", "y", "x"]), **columns
    )


def spec_of(schema: Schema, name: str = "c") -> CategorySpec:
    """The spec of a column of categories."""
    spec = schema.columns[name]
    assert isinstance(spec, CategorySpec)
    return spec


def full_schema() -> Schema:
    """Of `one_of_each`."""
    where, some = one_of_each()
    return Schema.build(where, [some])
