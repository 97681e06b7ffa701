"""Class scores: which class wins, and how sure the model is."""

from __future__ import annotations

from typing import Self

import numpy as np

from collectors.events import Ints, NumberColumn, ScoresColumn, Status
from collectors.schema import Schema
from collectors.specs import NumberSpec, ScoresSpec
from collectors.summaries.categories import CategorySummary
from collectors.summaries.numbers import NumberSummary
from collectors.summaries.state import State, Stored


class ScoresSummary:
    """Rows of each winning class, and the entropy of the scores in nats."""

    __slots__ = ("entropy", "top")

    def __init__(self, top: CategorySummary, entropy: NumberSummary) -> None:
        self.top = top
        self.entropy = entropy

    @classmethod
    def of(cls, spec: ScoresSpec, schema: Schema) -> Self:
        """An empty one under a schema."""
        number = NumberSpec(spec.entropy)
        entropy = NumberSummary(number, schema.part_id(number))
        return cls(CategorySummary.of(spec.top, schema), entropy)

    @property
    def schema_id(self) -> str:
        """Of the schema it was made under."""
        return self.top.schema_id

    @property
    def rows(self) -> int:
        return self.top.rows

    @property
    def tally(self) -> Ints:
        """Rows by `Status`, int64 [len(Status)]."""
        return self.top.tally

    def observe(self, column: ScoresColumn) -> None:
        """Add every row of the column."""
        self.top.observe(column.top)
        undefined = np.isnan(column.entropy)
        status = np.where(undefined, Status.ABSENT, Status.OK).astype(np.uint8)
        self.entropy.observe(NumberColumn(column.entropy, status))

    def merge(self, other: Self) -> Self:
        return type(self)(self.top.merge(other.top), self.entropy.merge(other.entropy))

    def state(self) -> State:
        return {"top": self.top.state(), "entropy": self.entropy.state()}

    def restore(self, stored: Stored) -> None:
        self.top.restore(stored.part("top"))
        self.entropy.restore(stored.part("entropy"))
