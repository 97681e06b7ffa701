"""Which units an arm has seen: a sample of them by hash, exact until it is full."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray

from collectors.events import Codes, Ints
from collectors.hashing import Hashes
from collectors.summaries import same_schema
from collectors.summaries.state import State, StateError, Stored

KEPT = 65_536
"""Units kept at most."""

ARMS = 7
"""A unit's arms are the bits of one signed byte."""

_BITS = 64


class UnitSample:
    """All units whose hash lies below a threshold, halved whenever more than k lie below it.

    Which units are kept depends on the hashes of all units alone, not on their order, their arms,
    or how panes were merged (the adaptive threshold of Wegman's sampling; Flajolet 1990).

    Attributes:
        level: how often the threshold was halved; a unit is kept if its first `level` bits are 0.
        hashes: of the units kept, ascending, uint64 [m].
        keys: of each unit the smallest key of a row, uint64 [m].
        arms: the arm of that row, int8 [m].
        seen: bit a is set if arm a had a row of the unit, int8 [m].
    """

    __slots__ = ("_rows", "arms", "hashes", "k", "keys", "level", "schema_id", "seen")

    def __init__(self, schema_id: str, k: int = KEPT) -> None:
        self.schema_id = schema_id
        self.k = k
        self.level = 0
        self.hashes: Hashes = np.zeros(0, dtype=np.uint64)
        self.keys: Hashes = np.zeros(0, dtype=np.uint64)
        self.arms: NDArray[np.int8] = np.zeros(0, dtype=np.int8)
        self.seen: NDArray[np.int8] = np.zeros(0, dtype=np.int8)
        self._rows = 0

    @property
    def rows(self) -> int:
        return self._rows

    def observe(self, units: Hashes, arms: Codes, keys: Hashes) -> None:
        """Add n rows: the hash of the unit, the arm, and a key that does not depend on the arm.

        The row with the smallest key stands for the unit: with the hash of the row's place in the
        log as key, one of its rows drawn at random, the same after any replay.
        """
        self._rows += len(units)
        low = self._below(units, self.level)
        arm = arms[low].astype(np.int8)
        self._keep(units[low], keys[low], arm, np.left_shift(np.int8(1), arm))

    def merge(self, other: Self) -> Self:
        merged = type(self)(same_schema(self.schema_id, other.schema_id), self.k)
        merged._rows = self._rows + other._rows
        merged.level = max(self.level, other.level)
        for one in (self, other):
            low = self._below(one.hashes, merged.level)
            merged._keep(one.hashes[low], one.keys[low], one.arms[low], one.seen[low])
        return merged

    def state(self) -> State:
        return {  # arrays are never changed in place
            "schema": self.schema_id,
            "rows": self._rows,
            "level": self.level,
            "hashes": self.hashes,
            "keys": self.keys,
            "arms": self.arms,
            "seen": self.seen,
        }

    def restore(self, stored: Stored) -> None:
        """See `Summary.restore`."""
        stored.same_schema(self.schema_id)
        self._rows = stored.whole("rows")
        self.level = stored.whole("level")
        self.hashes = stored.array("hashes", np.uint64)
        m = len(self.hashes)
        if m and not (np.diff(self.hashes) > 0).all():
            raise StateError(f"{stored.place}.hashes: not ascending")
        if self.level > _BITS or not self._below(self.hashes, self.level).all():
            raise StateError(f"{stored.place}.level: {self.level} does not fit the hashes")
        self.keys = stored.array("keys", np.uint64, m)
        self.arms = stored.array("arms", np.int8, m)
        self.seen = stored.array("seen", np.int8, m)
        if m and not (0 <= self.arms.min() <= self.arms.max() < ARMS and self.seen.min() > 0):
            raise StateError(f"{stored.place}.arms: units of no arm, or of more than {ARMS}")

    def scale(self) -> int:
        """For how many units each one that is kept stands."""
        return 1 << self.level

    def units(self, arms: int) -> Ints:
        """How many units each arm saw, int64 [arms]: exact at level 0, an estimate above."""
        bits = np.int8(1) << np.arange(arms, dtype=np.int8)
        kept = np.count_nonzero(self.seen[:, None] & bits, axis=0)
        return np.asarray(kept, dtype=np.int64) * self.scale()

    def crossover(self) -> float:
        """The share of units that more than one arm has seen."""
        several = np.count_nonzero(self.seen & (self.seen - np.int8(1)))
        return several / len(self.seen) if len(self.seen) else 0.0

    def new_arms(self, known: Self, level: int, arms: int) -> Ints:
        """Units by arm, int64 [arms], that are not in `known`, of those kept at this level."""
        new = self._below(self.hashes, level) & ~np.isin(self.hashes, known.hashes)
        return np.bincount(self.arms[new], minlength=arms).astype(np.int64)

    @staticmethod
    def _below(hashes: Hashes, level: int) -> NDArray[np.bool_]:
        if level == 0:
            return np.ones(len(hashes), dtype=np.bool_)
        if level >= _BITS:
            return np.asarray(hashes == 0, dtype=np.bool_)
        return np.asarray(hashes < np.uint64(1 << (_BITS - level)), dtype=np.bool_)

    def _keep(
        self, hashes: Hashes, keys: Hashes, arms: NDArray[np.int8], seen: NDArray[np.int8]
    ) -> None:
        """Add rows or units, one entry a unit, and lower the threshold while there are too many."""
        if not len(hashes):
            return
        hashes = np.concatenate((self.hashes, hashes))
        keys = np.concatenate((self.keys, keys))
        arms = np.concatenate((self.arms, arms))
        seen = np.concatenate((self.seen, seen))
        order = np.lexsort((arms, keys, hashes))
        hashes = hashes[order]
        first = np.flatnonzero(np.append(True, hashes[1:] != hashes[:-1]))
        seen = np.bitwise_or.reduceat(seen[order], first)
        hashes, keys, arms = hashes[first], keys[order][first], arms[order][first]
        while np.count_nonzero(self._below(hashes, self.level)) > self.k:
            self.level += 1
        low = self._below(hashes, self.level)
        self.hashes, self.keys, self.arms, self.seen = hashes[low], keys[low], arms[low], seen[low]
