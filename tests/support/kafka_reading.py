"""Reading the Kafka source in tests: poll until enough was seen, and look at what it was."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from collectors.sources import Assigned, CaughtUp, Gap, Partition, Records, Revoked, StreamValue
from collectors.sources.kafka import KafkaOptions, KafkaSource
from tests.support.kafka import Broker, unique

WITHIN = 40.0

Enough = Callable[[list[StreamValue]], bool]


def source_of(broker: Broker, *topics: str, **options: Any) -> KafkaSource:
    """A source that begins at the front, in a group of its own."""
    settings: dict[str, Any] = {"start": "earliest", "group_id": unique("group"), **options}
    return KafkaSource(KafkaOptions((broker.address,), topics, **settings))


@contextmanager
def reading(broker: Broker, *topics: str, **options: Any) -> Iterator[KafkaSource]:
    """The same, closed at the end."""
    source = source_of(broker, *topics, **options)
    try:
        yield source
    finally:
        source.close()


def gather(
    source: KafkaSource, enough: Enough, clock: Callable[[], float] = time.time
) -> list[StreamValue]:
    """Poll until `enough`, or fail; `clock` is the wall time that the source is told."""
    seen: list[StreamValue] = []
    deadline = time.monotonic() + WITHIN
    while not enough(seen):
        assert time.monotonic() < deadline, told(seen)
        seen += source.poll(0.2, clock())
    return seen


def numbered(count: int, name: bytes = b"") -> list[bytes]:
    """So many values that are told apart."""
    return [name + b"%d" % i for i in range(count)]


def topic_id(seen: list[StreamValue], topic: str) -> str:
    """The first that was said of this topic."""
    return next(value.topic_ids[topic] for value in seen if isinstance(value, Assigned))


def values_of(seen: list[StreamValue]) -> list[bytes | None]:
    """The values of all records."""
    return [value for records in seen if isinstance(records, Records) for value in records.values]


def offsets_of(seen: list[StreamValue], partition: Partition) -> list[int]:
    """The offsets of the records of one partition."""
    batches = [v for v in seen if isinstance(v, Records) and v.partition == partition]
    return [offset for batch in batches for offset in batch.offsets.tolist()]


def gaps_of(seen: list[StreamValue]) -> list[Gap]:
    """The gaps."""
    return [value for value in seen if isinstance(value, Gap)]


def told(seen: list[StreamValue]) -> list[StreamValue]:
    """What was said of partitions, without the records and the ends."""
    return [value for value in seen if isinstance(value, Assigned | Revoked | Gap)]


def records(count: int) -> Enough:
    """Whether that many were seen."""
    return lambda seen: len(values_of(seen)) >= count


def at_end(*partitions: Partition) -> Enough:
    """Whether all of these were caught up."""

    def enough(seen: list[StreamValue]) -> bool:
        return set(partitions) <= {v.partition for v in seen if isinstance(v, CaughtUp)}

    return enough


def said(kind: type[Any], times: int = 1) -> Enough:
    """Whether values of this kind were seen that often."""
    return lambda seen: sum(isinstance(value, kind) for value in seen) >= times
