"""Text: how long it is."""

from __future__ import annotations

from typing import Self

import numpy as np

from collectors.events import Ints, NumberColumn, TextColumn
from collectors.specs import NumberSpec, TextSpec
from collectors.summaries.numbers import NumberSummary
from collectors.summaries.state import State, Stored


class TextSummary:
    """Lengths in characters (Unicode code points) and in words separated by white space."""

    __slots__ = ("chars", "words")

    def __init__(self, spec: TextSpec, schema_id: str) -> None:
        self.chars = NumberSummary(NumberSpec(spec.chars), schema_id)
        self.words = NumberSummary(NumberSpec(spec.words), schema_id)

    @property
    def schema_id(self) -> str:
        """Of the schema it was made under."""
        return self.chars.schema_id

    @property
    def rows(self) -> int:
        return self.chars.rows

    @property
    def tally(self) -> Ints:
        """Rows by `Status`, int64 [len(Status)]."""
        return self.chars.tally

    def observe(self, column: TextColumn) -> None:
        """Add every row of the column."""
        texts, rows = column.values, len(column.values)
        chars = np.fromiter(map(len, texts), np.float64, rows)
        words = np.fromiter((len(text.split()) for text in texts), np.float64, rows)
        self.chars.observe(NumberColumn(chars, column.status))
        self.words.observe(NumberColumn(words, column.status))

    def merge(self, other: Self) -> Self:
        merged = object.__new__(type(self))
        merged.chars = self.chars.merge(other.chars)
        merged.words = self.words.merge(other.words)
        return merged

    def state(self) -> State:
        return {"chars": self.chars.state(), "words": self.words.state()}

    def restore(self, stored: Stored) -> None:
        self.chars.restore(stored.part("chars"))
        self.words.restore(stored.part("words"))
