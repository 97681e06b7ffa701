"""The signed, piecewise-logarithmic grid on which numbers are counted."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

import numpy as np

from collectors.events import Codes, Floats

_DROPPED_BITS = 23 - 6  # of float32's 23 mantissa bits, 6 stay
_ONE = 127 << 6  # the top bits of 1.0
LAST_CELL = (255 << 6) - _ONE
"""The outermost cell on either side: what float32 cannot hold."""

MOST_EXPONENT = 800
"""Of a scale, either way: beyond it the edge of the last cell would leave float64."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Cells around `center`, 64 to a scale unit of 2**exponent near it, 64 to an octave far out.

    With z = (x - center) / scale, the cell is sign(z) times the top bits (8 of the exponent, 6 of
    the mantissa) of float32(|z| + 1), counted from those of 1. Cell 0 reaches to both sides, and is
    twice as wide as its neighbours. float32 rounds: a number may be counted beyond an edge that is
    nearer to it than 6e-8 (|z| + 1) scale units.

    Raises:
        ValueError: the centre is not finite, or the scale is beyond 2**`MOST_EXPONENT`.

    >>> grid = Grid(center=10.0, exponent=0)
    >>> grid.cells(np.array([10.0, 10.5, 9.5, 1e300])).tolist()
    [0, 32, -32, 8192]
    >>> [edge.tolist() for edge in grid.edges(np.array([0, 32]))]
    [[9.984375, 10.5], [10.015625, 10.515625]]
    """

    center: float
    exponent: int

    def __post_init__(self) -> None:
        if not isfinite(self.center) or abs(self.exponent) > MOST_EXPONENT:
            raise ValueError(f"no grid has centre {self.center} and scale 2**{self.exponent}")

    @property
    def scale(self) -> float:
        """The unit in which distances from the centre are measured."""
        return 2.0**self.exponent

    @classmethod
    def fit(cls, values: Floats) -> Grid:
        """A grid for numbers like these, float64 [n]; any n, 0 too, and not-finite ones left out.

        The scale is the power of two next to a robust spread: the interquartile range / 1.349 (that
        of a normal distribution), else the standard deviation, else the size of the centre, else 1.
        The centre is the median, rounded to the scale so that round numbers fall on edges.
        """
        values = values[np.isfinite(values) & (np.abs(values) <= 1e150)]
        if len(values) == 0:
            return cls(0.0, 0)
        low, middle, high = np.quantile(values, (0.25, 0.5, 0.75))
        spread = (high - low) / 1.349 or float(np.std(values)) or abs(middle) / 64 or 1.0
        exponent = int(np.clip(np.round(np.log2(spread)), -500, 500))
        scale = 2.0**exponent
        return cls(float(np.round(middle / scale) * scale), exponent)

    def cells(self, values: Floats) -> Codes:
        """The cell of each finite number, int32 [n], -`LAST_CELL` to `LAST_CELL`."""
        with np.errstate(over="ignore"):
            z = (values - self.center) / self.scale
            bits = (np.abs(z) + 1.0).astype(np.float32).view(np.int32)
        magnitude = (bits >> _DROPPED_BITS) - _ONE
        return np.where(z < 0, -magnitude, magnitude).astype(np.int32)

    def edges(self, cells: Codes) -> tuple[Floats, Floats]:
        """Lower and upper edge of each cell, float64 [n] each; infinite outside the last cells."""
        magnitude = np.abs(cells)
        inner, outer = _distance(magnitude), _distance(magnitude + 1)
        below, above = cells < 0, cells > 0
        low = np.where(above, inner, -outer)
        high = np.where(below, -inner, outer)
        return self.center + low * self.scale, self.center + high * self.scale


def _distance(magnitude: Codes) -> Floats:
    """|z| at the inner edge of a cell."""
    top = np.minimum(magnitude, LAST_CELL)
    distance = np.ldexp(1.0 + (top & 63) / 64.0, top >> 6) - 1.0
    return np.where(magnitude > LAST_CELL, np.inf, distance)
