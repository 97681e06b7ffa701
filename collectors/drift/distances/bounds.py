"""How far a distance between summaries may be from the one between the raw rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from collectors.drift.distances.pair import NumberPair


@dataclass(frozen=True, slots=True)
class Bound:
    """The most by which a distance of numbers may differ from the one of the raw rows.

    Attributes:
        says: the bound in words.
        of: the bound for a pair.
        usual: for the distances between histograms, whose own bound is for rows that lie in the
            middle of their cells: 19 of 20 comparisons of 1,000 rows and more come as near to
            Evidently's own bins, which cut through cells. None for the others.
    """

    says: str
    of: Callable[[NumberPair], float]
    usual: float | None = None


def rounding(usual: float | None = None) -> Bound:
    """Of what is exact but for the rounding of sums."""
    return Bound("1e-9", lambda _: 1e-9, usual)


def half_widths(pair: NumberPair) -> float:
    """How far a value is from its cell's middle at most, mean over either side's values, added."""
    return float(((pair.high - pair.low) / 2) @ (pair.weights[0] + pair.weights[1]))
