"""What every source hands over, and the little that may be asked of one.

A source yields values in one stream: `Records` (bytes with where they came from), and what it has
to tell about partitions: `Assigned`, `Revoked`, `CaughtUp`, `Gap`. What must go back (seek, pause,
commit) goes through the `Source` protocol and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Headers = Sequence[tuple[str, bytes]]

NO_TIMESTAMP = -1
"""Broker timestamp of a record that has none, as in Kafka's own protocol."""


class Partition(NamedTuple):
    """One ordered log: a Kafka topic partition, or one file."""

    topic: str
    number: int


@dataclass(frozen=True, slots=True)
class Records:
    """A run of records of one partition, in the order of its log.

    Attributes:
        offsets: int64 [n], strictly increasing; gaps are normal.
        values: the n values as they came; None is a tombstone.
        keys: the n keys, None where there is none.
        headers: the n header lists.
        timestamps: int64 [n], the broker's timestamps in ms, `NO_TIMESTAMP` where there is none.
        oversized: {index: true size in bytes} of records whose bytes the source refused to hand
            over because they pass its limit; their value is the first bytes only.
    """

    partition: Partition
    offsets: NDArray[np.int64]
    values: Sequence[bytes | None]
    keys: Sequence[bytes | None]
    headers: Sequence[Headers]
    timestamps: NDArray[np.int64]
    oversized: Mapping[int, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True, slots=True)
class Assigned:
    """These partitions are read from now on, each from the offset given.

    Attributes:
        topic_ids: which log each topic's name stands for, as the broker names it; "" where it
            does not. A topic that is deleted and made again is another log.
    """

    offsets: Mapping[Partition, int]
    topic_ids: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Revoked:
    """These partitions are read no more."""

    partitions: frozenset[Partition]


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """The end of the partition was freshly confirmed, and the position is at it.

    `final` says that nothing can ever follow (a file that is read once).
    """

    partition: Partition
    offset: int
    final: bool = False


@dataclass(frozen=True, slots=True)
class Gap:
    """Offsets [start, end) of the partition cannot be read.

    Attributes:
        reason: `lost` (gone from the log before they were read), `undecodable` (damaged), or
            `too_large` (a batch that would unfold past the limit).
    """

    partition: Partition
    start: int
    end: int
    reason: str


StreamValue = Records | Assigned | Revoked | CaughtUp | Gap


class Source(Protocol):
    """Where records come from. No method sleeps longer than its timeout."""

    def poll(self, timeout: float, now: float) -> Sequence[StreamValue]:
        """What is new, in order, waiting at most `timeout` seconds. `now` is wall time (epoch, s).

        A source that is not connected yet returns nothing; it raises only what no waiting cures.
        """

    def remember(self, topic: str, topic_id: str) -> None:
        """Say which log the offsets sought before the first poll are of: the id of an `Assigned`.

        Where the topic's name stands for another log by now, they are not used: its partitions are
        `Revoked`, and `Assigned` at the front.
        """

    def seek(self, partition: Partition, offset: int) -> None:
        """Read `partition` from `offset` on at the next poll."""

    def pause(self, partitions: frozenset[Partition]) -> None:
        """Hand over nothing of these partitions until `resume`."""

    def resume(self, partitions: frozenset[Partition]) -> None:
        """Hand over these partitions again."""

    def commit(self, offsets: Mapping[Partition, int]) -> None:
        """Publish next offsets for lag displays; never waits, a failure is only logged."""

    def lag(self) -> Mapping[Partition, int]:
        """Records behind the last known end, by partition."""

    def close(self) -> None:
        """Give back every resource; may be called twice."""
