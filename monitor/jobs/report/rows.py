"""One uniform sample of the rows of many panes, out of the samples of each.

A pane keeps the k rows with the smallest hashes. So below the smallest of their largest hashes, of
the panes that had more than k rows, every row of all panes is known: these rows, and no others, are
a sample in which each row of the span is as likely as any other. To take the k of each pane would
let a row of a quiet night weigh many times one of a busy day.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from collectors.hashing import Hashes
from collectors.summaries.sample import Row, SampleSummary

_ALL = 2**64


class UniformRows:
    """Takes in the samples of panes, and holds at most twice `most` rows.

    Attributes:
        total: rows of all panes, whether they were sampled or not.
        panes: how many there were.
    """

    def __init__(self, most: int) -> None:
        self.total = 0
        self.panes = 0
        self._most = most
        self._below = _ALL
        self._hashes: Hashes = np.zeros(0, dtype=np.uint64)
        self._rows: list[Row] = []

    def add(self, sample: SampleSummary) -> None:
        """Take in the sample of one pane."""
        self.total += sample.rows
        self.panes += 1
        if sample.rows > len(sample.hashes):
            # Of the pane's rows beyond this hash nothing is known.
            self._below = min(self._below, int(sample.hashes[-1]) if len(sample.hashes) else 0)
        self._hashes = np.concatenate((self._hashes, sample.hashes))
        self._rows += sample.kept
        if len(self._rows) > 2 * self._most:
            self._cut()

    def rows(self) -> Sequence[Row]:
        """The rows, by their hashes; so the first m of them are a sample too."""
        self._cut()
        return self._rows

    def _cut(self) -> None:
        order = np.argsort(self._hashes, kind="stable")
        if len(order) > self._most:
            self._below = min(self._below, int(self._hashes[order[self._most]]))
        if self._below < _ALL:
            order = order[self._hashes[order] < np.uint64(self._below)]
        self._rows = [self._rows[i] for i in order.tolist()]
        self._hashes = self._hashes[order]
