"""Sources in memory: one of lists that are read in any order, one of what it is given."""

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


class _Source:
    """What every source has to have; of what it is told it notes the commits alone."""

    def __init__(self) -> None:
        self.committed: dict[Partition, int] = {}

    def remember(self, topic: str, topic_id: str) -> None: ...

    def seek(self, partition: Partition, offset: int) -> None: ...

    def pause(self, partitions: frozenset[Partition]) -> None: ...

    def resume(self, partitions: frozenset[Partition]) -> None: ...

    def commit(self, offsets: Mapping[Partition, int]) -> None:
        self.committed |= offsets

    def lag(self) -> Mapping[Partition, int]:
        return {}

    def close(self) -> None: ...


class ScriptedSource(_Source):
    """Reads `logs` by a seeded generator: which partition next, and how many records of it."""

    def __init__(self, logs: Logs, seed: int, most: int = 50) -> None:
        super().__init__()
        self._logs = logs
        self._rng = np.random.default_rng(seed)
        self._most = most
        self._sought: dict[int, int] = {}
        self._at: list[int] | None = None

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

    def seek(self, partition: Partition, offset: int) -> None:
        if self._at is None:
            self._sought[partition.number] = offset
        else:
            self._at[partition.number] = offset


class Hand(_Source):
    """Hands over what it was given, at the next poll."""

    def __init__(self) -> None:
        super().__init__()
        self._given: list[StreamValue] = []

    def assign(self, many: int) -> None:
        """So many partitions are read from their beginning."""
        self.give(Assigned({Partition("inferences", number): 0 for number in range(many)}))

    def give(self, *values: StreamValue) -> None:
        """The next poll hands over these too."""
        self._given += values

    def poll(self, timeout: float, now: float) -> Sequence[StreamValue]:
        given, self._given = self._given, []
        return given
