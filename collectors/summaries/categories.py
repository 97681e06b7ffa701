"""Categories: exact counts of the known values, and of the rest by hash."""

from __future__ import annotations

from typing import Self

import numpy as np

from collectors.events import CategoryColumn, Ints, Status, tally
from collectors.hashing import Hashes, hash_names
from collectors.schema import Schema
from collectors.specs import CategorySpec
from collectors.summaries import same_schema
from collectors.summaries.state import State, Stored

BUCKETS = 64
"""Hash buckets of the values that are not known one by one."""

OTHER = "__other__"


class CategorySummary:
    """How many of which value.

    Attributes:
        tally: rows by `Status`, int64 [len(Status)].
        known: rows of each known value, int64 [K], in the spec's order.
        buckets: rows of all other values by hash, int64 [64].
        unseen_hashes, unseen_counts: of the unseen values, those with the k smallest hashes and
            their exact rows, ascending by hash; their total is in the tally.
    """

    __slots__ = (
        "buckets",
        "k",
        "known",
        "schema_id",
        "seed",
        "spec",
        "tally",
        "unseen_counts",
        "unseen_hashes",
    )

    def __init__(self, spec: CategorySpec, schema_id: str, seed: int, k: int) -> None:
        self.spec = spec
        self.schema_id = schema_id
        self.seed = seed
        self.k = k
        self.tally: Ints = np.zeros(len(Status), dtype=np.int64)
        self.known: Ints = np.zeros(len(spec.known), dtype=np.int64)
        self.buckets: Ints = np.zeros(BUCKETS, dtype=np.int64)
        self.unseen_hashes: Hashes = np.zeros(0, dtype=np.uint64)
        self.unseen_counts: Ints = np.zeros(0, dtype=np.int64)

    @classmethod
    def of(cls, spec: CategorySpec, schema: Schema) -> Self:
        """An empty one under a schema."""
        return cls(spec, schema.part_id(spec), schema.seed, schema.unseen_k)

    @property
    def rows(self) -> int:
        return int(self.tally.sum())

    def observe(self, column: CategoryColumn) -> None:
        """Add every row of the column."""
        by_status = tally(column.status)
        self.tally += by_status
        if by_status[Status.UNSEEN]:
            self._keep_unseen(column)
        counts = np.bincount(column.codes[column.codes >= 0], minlength=len(column.names)).astype(
            np.int64
        )
        present = np.flatnonzero(counts)
        if not len(present):
            return
        names = [column.names[i] for i in present.tolist()]
        counts = counts[present]
        places = self.spec.places(names, self.seed)
        np.add.at(self.known, places[places >= 0], counts[places >= 0])
        rest = np.flatnonzero(places < 0)
        if not len(rest):
            return
        hashes = hash_names([names[i] for i in rest.tolist()], self.seed)
        np.add.at(self.buckets, (hashes % np.uint64(BUCKETS)).astype(np.intp), counts[rest])

    def merge(self, other: Self) -> Self:
        schema_id = same_schema(self.schema_id, other.schema_id)
        merged = type(self)(self.spec, schema_id, self.seed, self.k)
        merged.tally = self.tally + other.tally
        merged.known = self.known + other.known
        merged.buckets = self.buckets + other.buckets
        merged.unseen_hashes, merged.unseen_counts = self.unseen_hashes, self.unseen_counts
        merged._keep(other.unseen_hashes, other.unseen_counts)
        return merged

    def state(self) -> State:
        return {
            "schema": self.schema_id,
            "tally": self.tally.copy(),
            "known": self.known.copy(),
            "buckets": self.buckets.copy(),
            "unseen_hashes": self.unseen_hashes,  # never changed in place
            "unseen_counts": self.unseen_counts,
        }

    def restore(self, stored: Stored) -> None:
        stored.same_schema(self.schema_id)
        self.tally = stored.array("tally", np.int64, len(Status))
        self.known = stored.array("known", np.int64, len(self.spec.known))
        self.buckets = stored.array("buckets", np.int64, BUCKETS)
        self.unseen_hashes = stored.array("unseen_hashes", np.uint64)
        self.unseen_counts = stored.array("unseen_counts", np.int64, len(self.unseen_hashes))

    def shares(self) -> dict[str, float]:
        """Share of each known value among the usable ones, and of all others as `__other__`."""
        total = int(self.known.sum() + self.buckets.sum())
        if not total:
            return {}
        shares = {
            name: count / total
            for name, count in zip(self.spec.known, self.known.tolist(), strict=True)
        }
        return shares | {OTHER: int(self.buckets.sum()) / total}

    def _keep_unseen(self, column: CategoryColumn) -> None:
        codes, counts = np.unique(column.codes[column.status == Status.UNSEEN], return_counts=True)
        names = [column.names[code] for code in codes.tolist()]
        self._keep(hash_names(names, self.seed), counts.astype(np.int64))

    def _keep(self, hashes: Hashes, counts: Ints) -> None:
        """Add counts by hash, and keep the k smallest: a hash that is among them in the end has
        been among them all along, so its count is exact."""
        both = np.concatenate((self.unseen_hashes, hashes))
        distinct, place = np.unique(both, return_inverse=True)
        totals = np.zeros(len(distinct), dtype=np.int64)
        np.add.at(totals, place, np.concatenate((self.unseen_counts, counts)))
        self.unseen_hashes, self.unseen_counts = distinct[: self.k], totals[: self.k]
