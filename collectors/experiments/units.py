"""What an experiment counts: rows and sums of each arm by the hash of the unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np

from collectors.events import AnyColumn, Codes, Floats, Ints
from collectors.experiments.firsts import ARMS, KEPT, UnitSample
from collectors.experiments.metrics import Metric
from collectors.hashing import Hashes, hash_text
from collectors.summaries import same_schema
from collectors.summaries.state import State, Stored

BUCKETS = 512
"""Groups of units; a variance of so many totals is itself known to 6%."""


def schema_of(arms: Sequence[str], metrics: Sequence[Metric], unit: str | None) -> str:
    """The id of what is counted: experiments that share it may be added."""
    parts = [repr(tuple(arms)), repr(unit), *(metric.counted_as for metric in metrics)]
    return f"{hash_text(chr(0).join(parts), 0):016x}"


def pane_units(pane: int, rows: int) -> Hashes:
    """Without a unit the pane is one: consecutive panes fall into buckets of their own."""
    return np.full(rows, pane, dtype=np.uint64)


class UnitsSummary:
    """Rows and sums by arm and bucket, and the sample of units for the ratio check.

    All rows of a unit fall into one bucket, so that totals of buckets are independent of each other
    however often a unit returns, and their scatter is the true error of the arms' means.

    Attributes:
        rows_by_arm: int64 [A].
        left_out: rows of no arm, or without a unit.
        counts: rows with a value by metric, arm and bucket, int64 [M, A, 512].
        sums: of these values, float64 [M, A, 512].
        sample: the units, empty without a unit.
    """

    __slots__ = (
        "arms",
        "by_unit",
        "counts",
        "left_out",
        "metrics",
        "rows_by_arm",
        "sample",
        "schema_id",
        "sums",
    )

    def __init__(
        self,
        arms: Sequence[str],
        metrics: Sequence[Metric],
        schema_id: str,
        *,
        by_unit: bool = True,
        k: int = KEPT,
    ) -> None:
        if not 2 <= len(arms) <= ARMS:
            raise ValueError(f"{len(arms)} arms; an experiment has 2 to {ARMS}")
        self.schema_id = schema_id
        self.arms = tuple(arms)
        self.metrics = tuple(metrics)
        self.by_unit = by_unit
        shape = (len(self.metrics), len(self.arms), BUCKETS)
        self.rows_by_arm: Ints = np.zeros(len(self.arms), dtype=np.int64)
        self.left_out = 0
        self.counts = np.zeros(shape, dtype=np.int64)
        self.sums = np.zeros(shape, dtype=np.float64)
        self.sample = UnitSample(schema_id, k)

    @property
    def rows(self) -> int:
        return int(self.rows_by_arm.sum()) + self.left_out

    def observe(
        self, arms: Codes, units: Hashes, keys: Hashes, columns: Mapping[str, AnyColumn]
    ) -> None:
        """Add n rows.

        Args:
            arms: which arm a row belongs to, -1 where none, or where it has no unit, [n].
            units: the hash of each row's unit, or `pane_units`, uint64 [n].
            keys: the hash of each row's place in the log, uint64 [n].
            columns: the fields of the metrics.
        """
        mine = np.flatnonzero(arms >= 0)
        self.left_out += len(arms) - len(mine)
        arm, unit = arms[mine].astype(np.intp), units[mine]
        self.rows_by_arm += np.bincount(arm, minlength=len(self.arms)).astype(np.int64)
        place = arm * BUCKETS + (unit % np.uint64(BUCKETS)).astype(np.intp)
        for i, metric in enumerate(self.metrics):
            values, use = metric.measure.values(columns[metric.field])
            use = use[mine]
            places = place[use]
            self.counts[i] += self._table(np.bincount(places, minlength=self._cells))
            self.sums[i] += self._table(
                np.bincount(places, weights=values[mine][use], minlength=self._cells)
            )
        if self.by_unit:
            self.sample.observe(unit, arms[mine], keys[mine])

    def merge(self, other: Self) -> Self:
        merged = self._empty(same_schema(self.schema_id, other.schema_id))
        merged.rows_by_arm = self.rows_by_arm + other.rows_by_arm
        merged.left_out = self.left_out + other.left_out
        merged.counts = self.counts + other.counts
        merged.sums = self.sums + other.sums
        merged.sample = self.sample.merge(other.sample)
        return merged

    def state(self) -> State:
        return {
            "schema": self.schema_id,
            "rows_by_arm": self.rows_by_arm.copy(),
            "left_out": self.left_out,
            "counts": self.counts.ravel().copy(),
            "sums": self.sums.ravel().copy(),
            "sample": self.sample.state(),
        }

    def restore(self, stored: Stored) -> None:
        stored.same_schema(self.schema_id)
        shape, size = self.counts.shape, self.counts.size
        self.rows_by_arm = stored.array("rows_by_arm", np.int64, len(self.arms))
        self.left_out = stored.whole("left_out")
        self.counts = stored.array("counts", np.int64, size).reshape(shape)
        self.sums = stored.array("sums", np.float64, size).reshape(shape)
        self.sample.restore(stored.part("sample"))

    def pair(self, metric: int, treatment: int) -> tuple[Ints, Floats]:
        """Counts and sums of the control (arm 0) and of one treatment, [2, 512] each."""
        both = [0, treatment]
        return self.counts[metric, both], self.sums[metric, both]

    @property
    def _cells(self) -> int:
        return len(self.arms) * BUCKETS

    def _table(self, cells: Floats | Ints) -> Floats | Ints:
        return cells.reshape(len(self.arms), BUCKETS)

    def _empty(self, schema_id: str) -> Self:
        return type(self)(self.arms, self.metrics, schema_id, by_unit=self.by_unit, k=self.sample.k)
