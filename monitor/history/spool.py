"""Samples that come by time and are wanted by series: more than memory holds, put by on disk."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, NamedTuple

from monitor.board import Series

MOST = 4_000_000
"""Samples that are held in memory, 16 bytes each."""

Labels = tuple[str, ...]


class _Block(NamedTuple):
    """Where in the file some samples of a series lie."""

    offset: int
    samples: int


class Spool:
    """Takes samples of all series at one time after the other; gives them back series by series.

    Memory holds the newest `most` samples, and for each series where its others lie.
    """

    def __init__(self, file: IO[bytes], most: int = MOST) -> None:
        self.samples = 0
        self._file = file
        self._most = most
        self._held = 0
        self._times: dict[tuple[str, Labels], array[float]] = defaultdict(lambda: array("d"))
        self._values: dict[tuple[str, Labels], array[float]] = defaultdict(lambda: array("d"))
        self._blocks: dict[tuple[str, Labels], list[_Block]] = defaultdict(list)

    def add(self, times: Sequence[float], series: Iterable[Series]) -> None:
        """Add what each series was at each of these times (s), which are later than all before.

        Raises:
            OSError: the file cannot be written.
        """
        before = self.samples
        for one in series:
            if isinstance(one.value, float | int):
                place = (one.id, one.labels)
                self._times[place].extend(times)
                self._values[place].extend([one.value] * len(times))
                self.samples += len(times)
        self._held += self.samples - before
        if self._held >= self._most:
            self._put_by()

    def series(self) -> dict[str, list[Labels]]:
        """The labels of all series, sorted, by statistic."""
        found: dict[str, list[Labels]] = {}
        for id, labels in sorted({*self._blocks, *self._times}):
            found.setdefault(id, []).append(labels)
        return found

    def of(self, id: str, labels: Labels) -> Iterator[tuple[array[float], array[float]]]:
        """The times and values of a series, piece by piece.

        Raises:
            OSError: the file cannot be read.
        """
        place = (id, labels)
        for block in self._blocks.get(place, ()):
            self._file.seek(block.offset)
            times, values = array("d"), array("d")
            times.fromfile(self._file, block.samples)
            values.fromfile(self._file, block.samples)
            yield times, values
        if place in self._times:
            yield self._times[place], self._values[place]

    def _put_by(self) -> None:
        offset = self._file.seek(0, 2)
        for place, times in self._times.items():
            self._blocks[place].append(_Block(offset, len(times)))
            data = times.tobytes() + self._values[place].tobytes()
            self._file.write(data)
            offset += len(data)
        self._times.clear()
        self._values.clear()
        self._held = 0
