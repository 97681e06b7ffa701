"""What a first pass through files learns for the second: where they end, and where each pane does.

So the second pass writes each pane as soon as its last row is counted, and of files in order of
time it never holds more than a few.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate

import numpy as np

from collectors.events import Ints
from collectors.sources import Records
from monitor.event_clock import NEVER
from monitor.routing import subset

_Batch = tuple[int, int]  # the file's number, and that of the batch's first row


class Extent:
    """Of some files, read in the same batches twice; `pane` is a pane's length in us."""

    def __init__(self, pane: int) -> None:
        self._pane = pane
        self._ends: dict[int, int] = {}
        self._last: dict[int, _Batch] = {}
        self._starts: list[int] = []
        self._whole: list[_Batch] = []

    def add(self, records: Records, times: Ints) -> None:
        """Take note of a batch, and of the event times of its rows that are counted."""
        self._ends[records.partition.number] = int(records.offsets[-1]) + 1
        batch = _batch(records)
        for start in np.unique(times // self._pane * self._pane).tolist():
            self._last[start] = batch

    def finish(self) -> None:
        """There are no more batches."""
        self._starts = sorted(self._last)
        # The batch after which each pane is whole, and all before it are.
        self._whole = list(accumulate((self._last[start] for start in self._starts), max))

    def within(self, records: Records) -> Records | None:
        """The rows of a batch that were there in the first pass; None if none was."""
        end = self._ends.get(records.partition.number, 0)
        if records.offsets[-1] < end:
            return records
        kept = np.flatnonzero(records.offsets < end)
        return subset(records, kept.tolist()) if len(kept) else None

    def closed_by(self, records: Records) -> int:
        """The event time up to which every row has come once this batch is counted (us)."""
        whole = bisect_right(self._whole, _batch(records))
        return self._starts[whole - 1] + self._pane if whole else NEVER


def _batch(records: Records) -> _Batch:
    return records.partition.number, int(records.offsets[0])
