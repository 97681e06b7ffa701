"""A source whose logs are lists in memory, read in any order and in batches of any size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from collectors.sources import Assigned, CaughtUp, Partition, Records, StreamValue
from tests.support.records import records


class Logs:
    """The partitions of one topic, each a list of values; they outlive the sources that read."""

    def __init__(self, values: Sequence[Sequence[Any]], topic: str = "inferences") -> None:
        self.topic = topic
        self.values = [list(some) for some in values]

    @property
    def total(self) -> int:
        return sum(map(len, self.values))


class ScriptedSource:
    """Reads `logs` by a seeded generator: which partition next, and how many records of it."""

    def __init__(self, logs: Logs, seed: int, most: int = 50) -> None:
        self._logs = logs
        self._rng = np.random.default_rng(seed)
        self._most = most
        self._sought: dict[int, int] = {}
        self._at: list[int] | None = None
        self.committed: dict[Partition, int] = {}

    def poll(self, timeout: float, now: float) -> Sequence[StreamValue]:
        topic, values = self._logs.topic, self._logs.values
        if self._at is None:
            self._at = [self._sought.get(n, 0) for n in range(len(values))]
            return [Assigned({Partition(topic, n): at for n, at in enumerate(self._at)})]
        left = [n for n, at in enumerate(self._at) if at < len(values[n])]
        if not left:
            ends = enumerate(self._at)
            return [CaughtUp(Partition(topic, n), at, final=True) for n, at in ends]
        number = int(self._rng.choice(left))
        first, many = self._at[number], int(self._rng.integers(1, self._most + 1))
        some = values[number][first : first + many]
        self._at[number] = first + len(some)
        batch: Records = records(some, topic=topic, partition=number, first_offset=first)
        return [batch]

    def remember(self, topic: str, topic_id: str) -> None: ...

    def seek(self, partition: Partition, offset: int) -> None:
        if self._at is None:
            self._sought[partition.number] = offset
        else:
            self._at[partition.number] = offset

    def pause(self, partitions: frozenset[Partition]) -> None: ...

    def resume(self, partitions: frozenset[Partition]) -> None: ...

    def commit(self, offsets: Mapping[Partition, int]) -> None:
        self.committed |= offsets

    def lag(self) -> Mapping[Partition, int]:
        return {}

    def close(self) -> None: ...
