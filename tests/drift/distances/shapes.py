"""Raw rows of many shapes, and the same rows moved to the middle of their cells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from collectors.drift.distances import NumberPair
from collectors.drift.distances.examples import numbers
from collectors.events import Floats
from collectors.grid import Grid

SHAPES: dict[str, Callable[[np.random.Generator, int], Floats]] = {
    "normal": lambda r, n: r.normal(50, 3, n),
    "lognormal": lambda r, n: r.lognormal(2, 1, n),
    "uniform": lambda r, n: r.uniform(-1, 9, n),
    "two hills": lambda r, n: np.where(r.random(n) < 0.3, r.normal(0, 0.5, n), r.normal(10, 2, n)),
    "counts": lambda r, n: r.poisson(30, n).astype(np.float64),
    "dice": lambda r, n: r.integers(1, 7, n).astype(np.float64),
    "grades": lambda r, n: r.integers(0, 16, n).astype(np.float64),
    "mostly zero": lambda r, n: np.where(r.random(n) < 0.8, 0.0, r.exponential(3, n)),
    "Student's t, 2": lambda r, n: r.standard_t(2, n),
    "Cauchy": lambda r, n: r.standard_cauchy(n),
}


@dataclass(frozen=True)
class Sides:
    """Raw rows of either side, and their pair."""

    now: Floats
    reference: Floats
    grid: Grid

    @property
    def pair(self) -> NumberPair:
        return numbers(self.now, self.reference, self.grid)

    def rounded(self) -> tuple[Floats, Floats]:
        """Every value moved to the middle of its cell."""
        cells = [self.grid.cells(side) for side in (self.now, self.reference)]
        union, middles = np.union1d(*cells), self.pair.middles
        now, reference = (middles[np.searchsorted(union, side)] for side in cells)
        return now, reference


def drawn(shape: str, seed: int, rows: tuple[int, int], shift: float, stretch: float) -> Sides:
    """Two samples of one shape; the present's is moved by standard deviations and stretched."""
    rng = np.random.default_rng(seed)
    now, reference = (SHAPES[shape](rng, n) for n in rows)
    unit = Grid.fit(reference).scale
    now = (now - np.median(now)) * stretch + np.median(now) + shift * unit
    if shape in {"counts", "dice", "grades"}:
        now = np.round(now)
    return Sides(now, reference, Grid.fit(reference))


@st.composite
def sides(draw: st.DrawFn, most: int = 5_000) -> Sides:
    """Two samples of 50 to `most` rows."""
    rows = st.integers(50, most)
    return drawn(
        draw(st.sampled_from(sorted(SHAPES))),
        draw(st.integers(0, 2**32 - 1)),
        (draw(rows), draw(rows)),
        draw(st.sampled_from([0.0, 0.0, 0.1, 0.5, 2.0, 10.0])),
        draw(st.sampled_from([1.0, 1.0, 0.5, 2.0])),
    )
