"""Images: brightness, contrast and size."""

from __future__ import annotations

from typing import Self

from collectors.events import ImageColumn, Ints, NumberColumn
from collectors.specs import ImageSpec, NumberSpec
from collectors.summaries.numbers import NumberSummary
from collectors.summaries.state import State, Stored

_MEASURES = ("brightness", "contrast", "width", "height")


class ImageSummary:
    """Mean luma and its standard deviation (0 to 1), width and height in pixels."""

    __slots__ = _MEASURES

    brightness: NumberSummary
    contrast: NumberSummary
    width: NumberSummary
    height: NumberSummary

    def __init__(self, spec: ImageSpec, schema_id: str) -> None:
        for measure in _MEASURES:
            setattr(self, measure, NumberSummary(NumberSpec(getattr(spec, measure)), schema_id))

    @property
    def schema_id(self) -> str:
        """Of the schema it was made under."""
        return self.brightness.schema_id

    @property
    def rows(self) -> int:
        return self.brightness.rows

    @property
    def tally(self) -> Ints:
        """Rows by `Status`, int64 [len(Status)]."""
        return self.brightness.tally

    def observe(self, column: ImageColumn) -> None:
        """Add every row of the column."""
        for measure in _MEASURES:
            values = NumberColumn(getattr(column, measure), column.status)
            getattr(self, measure).observe(values)

    def merge(self, other: Self) -> Self:
        merged = object.__new__(type(self))
        for measure in _MEASURES:
            setattr(merged, measure, getattr(self, measure).merge(getattr(other, measure)))
        return merged

    def state(self) -> State:
        return {measure: getattr(self, measure).state() for measure in _MEASURES}

    def restore(self, stored: Stored) -> None:
        for measure in _MEASURES:
            getattr(self, measure).restore(stored.part(measure))
