"""What a distance is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from collectors.drift.distances.bounds import Bound
from collectors.drift.distances.pair import CategoryPair, NumberPair, Pair

Kind = Literal["number", "category", "binary"]

LARGEST = 1e300
"""What a distance beyond it is given as, so that every one is finite."""


@dataclass(frozen=True, slots=True)
class Distance:
    """A distance between two summaries of one column: 0 for equal ones, larger is worse.

    A side without rows counts as one category of its own where missing values do; a distance that
    leaves missing values out is 0 where a side has no usable value.

    Attributes:
        name: Evidently's, where it has one.
        formula, source: for people.
        range: the least and the largest value; infinite where there is no largest.
        symmetric: whether the sides may change places, their values being grouped alike.
        missing: whether missing, invalid and unseen values are categories of their own, or are
            left out.
        bound: how far it may be from the distance of the raw rows.
        numbers, categories: the distance of two columns of numbers, of categories; None where it
            is not for them.
        only_binary: of categories it takes those with two known values alone.
    """

    name: str
    formula: str
    source: str
    range: tuple[float, float]
    symmetric: bool
    missing: Literal["category", "left out"]
    bound: Bound
    numbers: Callable[[NumberPair], float] | None = None
    categories: Callable[[CategoryPair], float] | None = None
    only_binary: bool = False

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """What it is for; binary are categories of two known values."""
        categories: Kind = "binary" if self.only_binary else "category"
        of_each: tuple[tuple[Kind, object], ...] = (
            ("number", self.numbers),
            (categories, self.categories),
        )
        return tuple(kind for kind, function in of_each if function is not None)

    def fits(self, pair: Pair) -> bool:
        """Whether it is for columns of this kind."""
        if isinstance(pair, NumberPair):
            return self.numbers is not None
        return self.categories is not None and (pair.binary or not self.only_binary)

    def measure(self, pair: Pair) -> float:
        """The distance, finite and not negative.

        Raises:
            TypeError: it is not for columns of this kind.
        """
        if self.fits(pair):
            with np.errstate(over="ignore", under="ignore"):
                if isinstance(pair, NumberPair) and self.numbers is not None:
                    return min(float(self.numbers(pair)), LARGEST)
                if isinstance(pair, CategoryPair) and self.categories is not None:
                    return min(float(self.categories(pair)), LARGEST)
        raise TypeError(f"{self.name} is for {' and '.join(self.kinds)} columns")
