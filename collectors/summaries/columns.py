"""Which summary a column has."""

from __future__ import annotations

from collectors.events import (
    AnyColumn,
    CategoryColumn,
    ImageColumn,
    ListColumn,
    NumberColumn,
    ScoresColumn,
    TextColumn,
)
from collectors.schema import Schema
from collectors.specs import CategorySpec, ColumnSpec, ImageSpec, ListSpec, NumberSpec, ScoresSpec
from collectors.summaries.categories import CategorySummary
from collectors.summaries.images import ImageSummary
from collectors.summaries.lists import ListSummary
from collectors.summaries.numbers import NumberSummary
from collectors.summaries.scores import ScoresSummary
from collectors.summaries.text import TextSummary

AnyColumnSummary = (
    NumberSummary | CategorySummary | TextSummary | ListSummary | ImageSummary | ScoresSummary
)


def summarise(spec: ColumnSpec, schema: Schema) -> AnyColumnSummary:
    """The empty summary of a column."""
    match spec:
        case NumberSpec():
            return NumberSummary(spec, schema.part_id(spec))
        case CategorySpec():
            return CategorySummary.of(spec, schema)
        case ScoresSpec():
            return ScoresSummary.of(spec, schema)
        case ListSpec():
            return ListSummary(spec, schema.part_id(spec))
        case ImageSpec():
            return ImageSummary(spec, schema.part_id(spec))
        case _:
            return TextSummary(spec, schema.part_id(spec))


def observe(summary: AnyColumnSummary, column: AnyColumn) -> None:
    """Add every row of the column to the summary of its kind.

    Raises:
        TypeError: the column is of another kind than the schema says.
    """
    match summary, column:
        case NumberSummary(), NumberColumn():
            summary.observe(column)
        case CategorySummary(), CategoryColumn():
            summary.observe(column)
        case ScoresSummary(), ScoresColumn():
            summary.observe(column)
        case TextSummary(), TextColumn():
            summary.observe(column)
        case ListSummary(), ListColumn():
            summary.observe(column)
        case ImageSummary(), ImageColumn():
            summary.observe(column)
        case _:
            raise TypeError(f"{type(column).__name__} cannot go into {type(summary).__name__}")


def merged(one: AnyColumnSummary, other: AnyColumnSummary) -> AnyColumnSummary:
    """Both together.

    Raises:
        TypeError: the two are of different kinds.
    """
    if type(one) is not type(other):
        raise TypeError(f"{type(one).__name__} and {type(other).__name__} cannot be merged")
    return one.merge(other)  # type: ignore[arg-type]  # the line before says so
