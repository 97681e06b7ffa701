"""Reruns: the same input answered more than once, and whether it was answered the same."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np

from collectors.events import Floats, Ints
from collectors.hashing import Hashes
from collectors.specs import HUGE
from collectors.summaries import same_schema
from collectors.summaries.state import State, StateError, Stored

BUFFERED = 4096
"""Answers gathered before they are grouped by input."""


class Groups(NamedTuple):
    """Distinct inputs, ascending by hash, and what was answered to each.

    Attributes:
        inputs: hash of each input, uint64 [m].
        answers: how many to it, int64 [m].
        lowest, highest: smallest and largest hash of an answer, uint64 [m].
        numbers, mean, m2: how many answers were numbers, their mean, and the sum of squares about
            it, float64 [m].
    """

    inputs: Hashes
    answers: Ints
    lowest: Hashes
    highest: Hashes
    numbers: Ints
    mean: Floats
    m2: Floats


_NONE = Groups._make(np.zeros(0, dtype) for dtype in ("u8", "i8", "u8", "u8", "i8", "f8", "f8"))


class RerunSummary:
    """The k inputs with the smallest hashes, each with what was answered to it.

    A hash that is among the k smallest of all is among the k smallest of every part that has it, so
    the groups are exact whatever the order of merging. Up to k distinct inputs nothing is
    estimated; beyond, the number of distinct inputs is (k - 1) / U, with U the k-th smallest hash
    as a fraction of 2^64 (Bar-Yossef et al. 2002; Beyer et al. 2007), with a relative error of
    about 1 / sqrt(k), and the shares are those of the k inputs, a uniform sample.

    >>> import numpy as np
    >>> summary = RerunSummary("id", k=16)
    >>> inputs = np.array([7, 7, 7, 9], dtype=np.uint64)
    >>> answers = np.array([1, 1, 2, 5], dtype=np.uint64)
    >>> summary.observe(inputs, answers, np.array([10.0, 10.0, 13.0, 4.0]))
    >>> summary.rerun_ratio(), summary.mismatch_ratio()
    (0.5, 1.0)
    >>> round(summary.stddev(), 4)
    1.7321
    """

    __slots__ = ("_gathered", "_groups", "_truncated", "_waiting", "answers", "k", "schema_id")

    def __init__(self, schema_id: str, k: int) -> None:
        self.schema_id = schema_id
        self.k = k
        self.answers = 0
        self._groups = _NONE
        self._truncated = False
        self._waiting: list[Groups] = []
        self._gathered = 0

    @property
    def rows(self) -> int:
        return self.answers

    def observe(self, inputs: Hashes, answers: Hashes, numbers: Floats) -> None:
        """Add answers: hashes of input and answer, uint64 [n]; the answer itself, NaN if none."""
        self.answers += len(inputs)
        if len(self._groups.inputs) == self.k:
            near = inputs <= self._groups.inputs[-1]
            self._truncated = self._truncated or not near.all()
            inputs, answers, numbers = inputs[near], answers[near], numbers[near]
        ones = np.ones(len(inputs), dtype=np.int64)
        given = np.abs(numbers) <= HUGE  # which NaN is not
        mean = np.where(given, numbers, 0.0)
        self._waiting.append(
            Groups(
                inputs, ones, answers, answers, given.astype(np.int64), mean, np.zeros(len(mean))
            )
        )
        self._gathered += len(inputs)
        if self._gathered >= BUFFERED:
            self._settle()

    def merge(self, other: Self) -> Self:
        merged = type(self)(same_schema(self.schema_id, other.schema_id), self.k)
        merged.answers = self.answers + other.answers
        merged._waiting = [self.groups(), other.groups()]
        merged._truncated = self._truncated or other._truncated
        merged._settle()
        return merged

    def state(self) -> State:
        groups = self.groups()  # whose arrays are never changed in place
        return {
            "schema": self.schema_id,
            "rows": self.answers,
            "truncated": self._truncated,
            **groups._asdict(),
        }

    def restore(self, stored: Stored) -> None:
        stored.same_schema(self.schema_id)
        self.answers = stored.whole("rows")
        self._truncated = stored.truth("truncated")
        inputs = stored.array("inputs", np.uint64)
        self._groups = Groups(
            inputs,
            *(
                stored.array(name, getattr(_NONE, name).dtype, len(inputs))
                for name in Groups._fields[1:]
            ),
        )
        if len(inputs) > self.k or (inputs[1:] <= inputs[:-1]).any():
            raise StateError(f"{stored.place}.inputs: not ascending, or more than {self.k}")

    def groups(self) -> Groups:
        """The inputs kept, and their answers."""
        self._settle()
        return self._groups

    @property
    def exact(self) -> bool:
        """Whether every distinct input was kept."""
        self._settle()
        return not self._truncated

    def distinct(self) -> float:
        """Distinct inputs: counted, or estimated where there were more than k."""
        inputs = self.groups().inputs
        if not self._truncated:
            return float(len(inputs))
        return (self.k - 1) / (float(inputs[-1]) / 2.0**64)

    def rerun_ratio(self) -> float | None:
        """Share of answers whose input was already answered, 1 - distinct / answers."""
        if not self.answers:
            return None
        return max(1.0 - self.distinct() / self.answers, 0.0)

    def mismatch_ratio(self) -> float | None:
        """Share of the repeated inputs that were not always answered the same; None without any."""
        groups = self.groups()
        repeated = groups.answers >= 2
        if not repeated.any():
            return None
        return float((groups.lowest != groups.highest)[repeated].mean())

    def stddev(self) -> float | None:
        """Pooled standard deviation of numeric answers to equal inputs; None without repeats.

        The square root of the sum of squares within groups over the sum of (n - 1).
        """
        groups = self.groups()
        repeated = groups.numbers >= 2
        if not repeated.any():
            return None
        freedom = int((groups.numbers[repeated] - 1).sum())
        return float(np.sqrt(groups.m2[repeated].sum() / freedom))

    def _settle(self) -> None:
        """Group what waits by input, and keep the k smallest hashes."""
        if not self._waiting:
            return
        parts = [self._groups, *self._waiting]
        self._waiting, self._gathered = [], 0
        groups = _grouped(Groups._make(map(np.concatenate, zip(*parts, strict=True))))
        self._truncated = self._truncated or len(groups.inputs) > self.k
        self._groups = Groups._make(column[: self.k] for column in groups)


def _grouped(rows: Groups) -> Groups:
    """One group an input; means and squares after Chan, Golub and LeVeque (1983)."""
    if not len(rows.inputs):
        return rows
    order = np.argsort(rows.inputs, kind="stable")
    rows = Groups._make(column[order] for column in rows)
    first = np.flatnonzero(np.concatenate(([True], rows.inputs[1:] != rows.inputs[:-1])))
    sizes = np.diff(np.append(first, len(rows.inputs)))
    numbers = np.add.reduceat(rows.numbers, first)
    total = np.add.reduceat(rows.numbers * rows.mean, first)
    mean = total / np.maximum(numbers, 1)
    apart = rows.mean - np.repeat(mean, sizes)
    return Groups(
        inputs=rows.inputs[first],
        answers=np.add.reduceat(rows.answers, first),
        lowest=np.minimum.reduceat(rows.lowest, first),
        highest=np.maximum.reduceat(rows.highest, first),
        numbers=numbers,
        mean=mean,
        m2=np.add.reduceat(rows.m2 + rows.numbers * apart * apart, first),
    )
