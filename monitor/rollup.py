"""Longer windows from panes, without merging every pane at each close.

Merges of aligned runs of 8, 16, 32 ... panes are kept, as in a segment tree: a window of L panes
takes at most 14 panes and some 2 log2(L / 8) runs, and the runs together hold at most a quarter as
much as the panes do.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

SHORTEST = 8
"""Panes of the shortest run that is kept."""

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Rollup(Generic[K, V]):
    """Kept merges of closed panes; panes are numbered by time, and `key` says what they are of.

    Args:
        pane: the closed pane of that number and key; None where there is none.
        merge: two values, of which the first is the earlier one, as a new one.
    """

    def __init__(self, pane: Callable[[int, K], V | None], merge: Callable[[V, V], V]) -> None:
        self._pane = pane
        self._merge = merge
        self._runs: dict[tuple[int, int, K], V | None] = {}
        self._longest = SHORTEST

    def window(self, first: int, end: int, key: K) -> V | None:
        """All panes from number `first` on and before `end`, merged; None where there is none."""
        merged: V | None = None
        for start, panes in _cover(first, end):
            merged = self._both(merged, self._run(start, panes, key))
        return merged

    def changed(self, number: int, key: K) -> None:
        """The pane of that number is another one now, or holds more."""
        panes = SHORTEST
        while panes <= self._longest:
            self._runs.pop((panes, number // panes * panes, key), None)
            panes *= 2

    def forget(self, first: int) -> None:
        """No window will begin before the pane of this number."""
        for run in [run for run in self._runs if run[1] < first]:
            del self._runs[run]

    def _run(self, start: int, panes: int, key: K) -> V | None:
        if panes == 1:
            return self._pane(start, key)
        place = (panes, start, key)
        if place not in self._runs:
            self._longest = max(self._longest, panes)
            parts, step = (SHORTEST, 1) if panes == SHORTEST else (2, panes // 2)
            merged: V | None = None
            for part in range(parts):
                merged = self._both(merged, self._run(start + part * step, step, key))
            self._runs[place] = merged
        return self._runs[place]

    def _both(self, one: V | None, other: V | None) -> V | None:
        if one is None or other is None:
            return other if one is None else one
        return self._merge(one, other)


def _cover(first: int, end: int) -> Iterator[tuple[int, int]]:
    """The longest aligned runs that make up the panes from `first` to before `end`."""
    while first < end:
        panes = first & -first if first else 2 ** (end - 1).bit_length()
        while panes > end - first:
            panes //= 2
        panes = panes if panes >= SHORTEST else 1
        yield first, panes
        first += panes
