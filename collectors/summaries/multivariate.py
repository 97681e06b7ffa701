"""All features of a row together: sums, cross products, and sums of random Fourier features."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from collectors.embedding import FREQUENCIES, TURN, Points, Space
from collectors.events import AnyColumn, Ints
from collectors.summaries import same_schema
from collectors.summaries.state import State, Stored

BUFFERED = 512
"""Rows gathered before they are added: a product of matrices a handful of rows would be waste.
Every sum over so many is a whole number below 2^24, which float32 holds exactly."""

BLOCK = 64
"""Rows that are multiplied at once: matrices so small are by one thread, not by all that there
are."""

ONE = 1024
"""What a cosine of 1 counts for: each is rounded to so many parts, and added exactly."""

_FINER = 4
_PLACES = TURN >> _FINER
_TURNS = 2.0 * np.pi * np.arange(_PLACES) / _PLACES
_WAVES = (np.rint(ONE * np.cos(_TURNS)) + 1j * np.rint(ONE * np.sin(_TURNS))).astype(np.complex64)


@lru_cache
def upper(d: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of an upper triangle, row by row, the diagonal in it."""
    return np.triu_indices(d)


class Moments(NamedTuple):
    """The sums of n points, in the steps of their space.

    Attributes:
        sums: int64 [d].
        products: int64 [d (d + 1) / 2], the upper triangle row by row.
        waves: of cosines and then of sines of the phases, in parts of `ONE`, int64 [2 x 64].
    """

    sums: Ints
    products: Ints
    waves: Ints


class MultivariateSummary:
    """How features go together, by sums of so many rows as points of a space.

    Rahimi and Recht 2007 for the Fourier features: what their means differ by is the maximum mean
    discrepancy. Attributes: `space`, in which rows are points.
    """

    __slots__ = ("_gathered", "_moments", "_rows", "_waiting", "space")

    def __init__(self, space: Space) -> None:
        d = len(space)
        self.space = space
        self._rows = 0
        self._moments = Moments(
            np.zeros(d, dtype=np.int64),
            np.zeros(d * (d + 1) // 2, dtype=np.int64),
            np.zeros(2 * FREQUENCIES, dtype=np.int64),
        )
        self._waiting: list[Points] = []
        self._gathered = 0

    @property
    def schema_id(self) -> str:
        """Of the space."""
        return self.space.id

    @property
    def rows(self) -> int:
        return self._rows

    def observe(self, columns: Mapping[str, AnyColumn], rows: int) -> None:
        """Add so many rows, given as columns by feature."""
        if not rows:
            return
        self._rows += rows
        self._waiting.append(self.space.points(columns, rows))
        self._gathered += rows
        if self._gathered >= BUFFERED:
            self.moments()

    def merge(self, other: Self) -> Self:
        same_schema(self.schema_id, other.schema_id)
        merged = type(self)(self.space)
        merged._rows = self._rows + other._rows
        both = zip(self.moments(), other.moments(), strict=True)
        merged._moments = Moments(*(one + more for one, more in both))
        return merged

    def state(self) -> State:
        # Never changed in place.
        return {"schema": self.schema_id, "rows": self._rows, **self.moments()._asdict()}

    def restore(self, stored: Stored) -> None:
        stored.same_schema(self.schema_id)
        self._rows = stored.whole("rows")
        self._moments = Moments(
            *(
                stored.array(name, np.int64, len(empty))
                for name, empty in self._moments._asdict().items()
            )
        )

    def moments(self) -> Moments:
        """The sums of all rows so far."""
        if self._waiting:
            waiting, self._waiting, self._gathered = self._waiting, [], 0
            points = waiting[0] if len(waiting) == 1 else np.concatenate(waiting, axis=1)
            for start in range(0, points.shape[1], BUFFERED):
                self._add(points[:, start : start + BUFFERED].astype(np.float32))
        return self._moments

    def _add(self, points: NDArray[np.float32]) -> None:
        """Add [d, at most `BUFFERED`] points."""
        d, rows = points.shape
        frequencies = self.space.frequencies
        products = np.zeros((d, d), dtype=np.float32)
        phases = np.empty((len(frequencies), rows), dtype=np.float32)
        for start in range(0, rows, BLOCK):
            block = points[:, start : start + BLOCK]
            products += block @ block.T
            np.matmul(frequencies, block, out=phases[:, start : start + BLOCK])
        places = ((phases.astype(np.int32) >> _FINER) & (_PLACES - 1)).astype(np.intp)
        waves = _WAVES.take(places).sum(axis=1)
        mine = (
            points.sum(axis=1),
            products[upper(d)],
            np.concatenate((waves.real, waves.imag)),
        )
        added = (old + new.astype(np.int64) for old, new in zip(self._moments, mine, strict=True))
        self._moments = Moments(*added)
