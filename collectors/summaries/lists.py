"""Lists: how many items they have."""

from __future__ import annotations

from typing import Self

import numpy as np

from collectors.events import Ints, ListColumn, NumberColumn
from collectors.specs import ListSpec, NumberSpec
from collectors.summaries.numbers import NumberSummary
from collectors.summaries.state import State, Stored


class ListSummary:
    """Lengths in items."""

    __slots__ = ("items",)

    def __init__(self, spec: ListSpec, schema_id: str) -> None:
        self.items = NumberSummary(NumberSpec(spec.items), schema_id)

    @property
    def schema_id(self) -> str:
        """Of the schema it was made under."""
        return self.items.schema_id

    @property
    def rows(self) -> int:
        return self.items.rows

    @property
    def tally(self) -> Ints:
        """Rows by `Status`, int64 [len(Status)]."""
        return self.items.tally

    def observe(self, column: ListColumn) -> None:
        """Add every row of the column."""
        self.items.observe(NumberColumn(column.lengths.astype(np.float64), column.status))

    def merge(self, other: Self) -> Self:
        merged = object.__new__(type(self))
        merged.items = self.items.merge(other.items)
        return merged

    def state(self) -> State:
        return {"items": self.items.state()}

    def restore(self, stored: Stored) -> None:
        self.items.restore(stored.part("items"))
