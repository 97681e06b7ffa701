"""Batches that cannot be read, on the disk of a real broker: passed exactly, and nothing more."""

from __future__ import annotations

import struct
import time

import pytest

from collectors.sources import Gap, Partition
from tests.support.kafka import Broker, unique
from tests.support.kafka_reading import gaps_of, gather, offsets_of, reading, records, values_of
from tests.support.raw_batches import (
    ATTRIBUTES_AT,
    DELTA_AT,
    batch,
    flip,
    fold,
    giant,
    mend,
    overwrite,
    places,
    record,
    segment,
    send,
)

pytestmark = pytest.mark.kafka

ROWS = 7


def written(broker: Broker, batches: int, codec: str = "none") -> str:
    """A topic of one partition with so many batches of seven records."""
    settings = {"compression.type": codec, "linger.ms": 5_000, "batch.num.messages": ROWS}
    for _ in range(20):
        topic = unique()
        broker.create(topic)
        for number in range(batches):
            values = [b"%d-%d" % (number, row) * 20 for row in range(ROWS)]
            broker.produce(topic, values, settings=settings)
        # On a busy machine a producer may send the first records by themselves.
        if [p.end - p.base for p in places(segment(broker, topic))] == [ROWS] * batches:
            return topic
    raise AssertionError("no topic came out in whole batches")


def check(broker: Broker, topic: str, batches: int, lost: set[int], **options: object) -> None:
    """Everything but the batches `lost` comes, and those are gaps, batch by batch."""
    partition = Partition(topic, 0)
    good = [n * ROWS + i for n in range(batches) if n not in lost for i in range(ROWS)]
    with reading(broker, topic, **options) as source:
        seen = gather(
            source, lambda s: len(gaps_of(s)) >= len(lost) and len(values_of(s)) >= len(good)
        )
        seen += source.poll(0.1, time.time())
    assert offsets_of(seen, partition) == good
    assert gaps_of(seen) == [
        Gap(partition, n * ROWS, (n + 1) * ROWS, "undecodable") for n in sorted(lost)
    ]


@pytest.mark.parametrize(
    "bad",
    [{0}, {1}, {3}, {1, 2}, {0, 2}, {0, 1, 2, 3}],
    ids=["first", "middle", "last", "neighbours", "good between", "all"],
)
def test_a_flipped_bit_costs_its_batch_alone(broker: Broker, bad: set[int]) -> None:
    topic = written(broker, 4)
    file = segment(broker, topic)
    for number in bad:
        flip(file, places(file)[number], back=30)
    check(broker, topic, 4, bad)


def test_a_flipped_bit_in_the_last_offset_costs_its_batch_alone(broker: Broker) -> None:
    topic = written(broker, 4)
    file = segment(broker, topic)
    overwrite(file, places(file)[1].at + DELTA_AT, struct.pack(">i", 400))
    check(broker, topic, 4, {1})


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_a_codec_that_raises_costs_its_batch_alone(broker: Broker, codec: str) -> None:
    topic = written(broker, 3, codec)
    file = segment(broker, topic)
    hurt = places(file)[1]
    overwrite(file, hurt.at + 61 + 2, b"\xff" * 12)
    mend(file, hurt)  # the checksum is right: only unfolding fails
    check(broker, topic, 3, {1})


def test_a_codec_that_nobody_knows_costs_its_batch_alone(broker: Broker) -> None:
    topic = written(broker, 3)
    file = segment(broker, topic)
    hurt = places(file)[1]
    overwrite(file, hurt.at + ATTRIBUTES_AT, struct.pack(">h", 6))
    mend(file, hurt)
    check(broker, topic, 3, {1})


def test_a_record_whose_parts_do_not_fit_costs_what_follows_in_its_batch(broker: Broker) -> None:
    topic = written(broker, 3)
    file = segment(broker, topic)
    hurt = places(file)[1]
    data = file.read_bytes()[hurt.at + 61 : hurt.at + hurt.size]
    second = record(b"1-0" * 20)
    assert data.startswith(second[:1])
    overwrite(file, hurt.at + 61 + len(second) + 4, b"\x7e")  # the key's length of the next
    mend(file, hurt)
    with reading(broker, topic) as source:
        seen = gather(source, records(ROWS + 1 + ROWS))
    assert gaps_of(seen) == [Gap(Partition(topic, 0), ROWS + 1, 2 * ROWS, "undecodable")]
    assert offsets_of(seen, Partition(topic, 0)) == [*range(ROWS + 1), *range(2 * ROWS, 3 * ROWS)]


def test_a_seek_into_a_damaged_batch_loses_only_what_was_wanted(broker: Broker) -> None:
    topic = written(broker, 3)
    file = segment(broker, topic)
    flip(file, places(file)[1])
    with reading(broker, topic) as source:
        source.seek(Partition(topic, 0), ROWS + 3)
        seen = gather(source, records(ROWS))
    assert gaps_of(seen) == [Gap(Partition(topic, 0), ROWS + 3, 2 * ROWS, "undecodable")]
    assert offsets_of(seen, Partition(topic, 0)) == [*range(2 * ROWS, 3 * ROWS)]


def test_other_partitions_go_on_beside_a_damaged_one(broker: Broker) -> None:
    topic = unique()
    broker.create(topic, partitions=2)
    for number in (0, 1):
        broker.produce(topic, [b"x" * 100] * ROWS, partition=number)
    flip(segment(broker, topic), places(segment(broker, topic))[0])
    with reading(broker, topic) as source:
        seen = gather(source, lambda s: len(values_of(s)) >= ROWS and len(gaps_of(s)) >= 1)
    assert offsets_of(seen, Partition(topic, 1)) == list(range(ROWS))
    assert gaps_of(seen) == [Gap(Partition(topic, 0), 0, ROWS, "undecodable")]


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_a_batch_that_unfolds_past_the_limit_is_passed_over(broker: Broker, codec: str) -> None:
    topic = unique()
    broker.create(topic, max_message_bytes=str(16 << 20))
    broker.produce(topic, [b"before"])
    send(broker.address, topic, batch(codec, fold(codec, giant(12 << 20))))
    broker.produce(topic, [b"after"])
    limits = {"max_record_bytes": 1 << 20, "max_batch_bytes": 8 << 20}
    with reading(broker, topic, **limits) as source:
        seen = gather(source, records(2))
    assert gaps_of(seen) == [Gap(Partition(topic, 0), 1, 2, "too_large")]
    assert values_of(seen) == [b"before", b"after"]
    with reading(broker, topic, **limits | {"max_batch_bytes": 16 << 20}) as source:
        seen = gather(source, records(3))  # within the limit, it is a record that is too large
    assert values_of(seen) == [b"before", bytes(1024), b"after"]
