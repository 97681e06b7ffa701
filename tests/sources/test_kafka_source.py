"""The Kafka source against a real Apache Kafka."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import NewPartitions

from collectors.sources import Assigned, CaughtUp, Gap, Partition, Records, StreamValue
from collectors.sources.kafka import HEAD, KafkaOptions, KafkaSource
from tests.support.kafka import Broker, unique

pytestmark = pytest.mark.kafka

WITHIN = 40.0


@contextmanager
def reading(broker: Broker, *topics: str, **options: Any) -> Iterator[KafkaSource]:
    settings: dict[str, Any] = {"start": "earliest", "group_id": unique("group"), **options}
    source = KafkaSource(KafkaOptions((broker.address,), topics, **settings))
    try:
        yield source
    finally:
        source.close()


def gather(
    source: KafkaSource, enough: Callable[[list[StreamValue]], bool], within: float = WITHIN
) -> list[StreamValue]:
    """Poll until `enough`, or fail."""
    seen: list[StreamValue] = []
    deadline = time.monotonic() + within
    while not enough(seen):
        assert time.monotonic() < deadline, seen
        seen += source.poll(0.2, time.time())
    return seen


def values_of(seen: list[StreamValue]) -> list[bytes | None]:
    return [value for records in seen if isinstance(records, Records) for value in records.values]


def offsets_of(seen: list[StreamValue], partition: Partition) -> list[int]:
    batches = [v for v in seen if isinstance(v, Records) and v.partition == partition]
    return [offset for batch in batches for offset in batch.offsets.tolist()]


def at_end(*partitions: Partition) -> Callable[[list[StreamValue]], bool]:
    def enough(seen: list[StreamValue]) -> bool:
        return set(partitions) <= {v.partition for v in seen if isinstance(v, CaughtUp)}

    return enough


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_every_codec_is_read(broker: Broker, topic: str, codec: str) -> None:
    sent = [b'{"i": %d}' % i + b" " * 200 for i in range(500)]
    broker.produce(topic, sent, settings={"compression.type": codec})
    with reading(broker, topic) as source:
        seen = gather(source, lambda seen: len(values_of(seen)) >= 500)
    assert values_of(seen) == sent
    assert offsets_of(seen, Partition(topic, 0)) == list(range(500))


def test_all_partitions_of_several_topics_are_assigned(broker: Broker, topic: str) -> None:
    other = unique()
    broker.create(other, partitions=2)
    broker.produce(other, [b"{}"], partition=1)
    partitions = [Partition(topic, n) for n in range(3)] + [Partition(other, n) for n in range(2)]
    with reading(broker, topic, other) as source:
        seen = gather(source, at_end(*partitions))
        assert source.lag() == dict.fromkeys(partitions, 0)
    assigned = {p for v in seen if isinstance(v, Assigned) for p in v.offsets}
    assert assigned == set(partitions)
    assert values_of(seen) == [b"{}"]


def test_latest_begins_at_the_end_and_earliest_at_the_front(broker: Broker, topic: str) -> None:
    broker.produce(topic, [b"old"])
    with reading(broker, topic, start="latest") as source:
        gather(source, at_end(Partition(topic, 0)))
        broker.produce(topic, [b"new"])
        assert values_of(gather(source, values_of)) == [b"new"]  # type: ignore[arg-type]
    with reading(broker, topic, start="earliest") as source:
        seen = gather(source, lambda seen: len(values_of(seen)) == 2)
    assert values_of(seen) == [b"old", b"new"]


def test_a_later_run_goes_on_where_an_earlier_one_committed(broker: Broker, topic: str) -> None:
    broker.produce(topic, [b"1", b"2", b"3"])
    group = unique("group")
    with reading(broker, topic, group_id=group) as source:
        gather(source, lambda seen: len(values_of(seen)) == 3)
        source.commit({Partition(topic, 0): 2})
    with reading(broker, topic, group_id=group) as source:
        seen = gather(source, values_of)  # type: ignore[arg-type]
    assert values_of(seen) == [b"3"]


def test_a_sought_offset_wins(broker: Broker, topic: str) -> None:
    broker.produce(topic, [b"1", b"2", b"3"])
    with reading(broker, topic) as source:
        source.seek(Partition(topic, 0), 1)
        seen = gather(source, values_of)  # type: ignore[arg-type]
        assert values_of(seen) == [b"2", b"3"]
        source.seek(Partition(topic, 0), 2)
        assert values_of(gather(source, values_of)) == [b"3"]  # type: ignore[arg-type]


def test_a_topic_that_is_made_later_is_found(broker: Broker) -> None:
    late = unique()
    with reading(broker, late) as source:
        assert source.poll(0.1, time.time()) == []
        broker.create(late)
        broker.produce(late, [b"x"])
        seen = gather(source, values_of)  # type: ignore[arg-type]
    assert values_of(seen) == [b"x"]


def test_partitions_added_while_running_are_read_from_their_front(broker: Broker) -> None:
    name = unique()
    broker.create(name, partitions=1)
    with reading(broker, name, start="latest", client={"metadata_max_age_ms": 500}) as source:
        gather(source, at_end(Partition(name, 0)))
        broker.admin().create_partitions([NewPartitions(name, 2)])[name].result(30)
        broker.produce(name, [b"first"], partition=1)
        seen: list[StreamValue] = []
        ahead = 0.0
        deadline = time.monotonic() + WITHIN
        while not values_of(seen):
            assert time.monotonic() < deadline
            ahead += 31.0  # the next look for partitions is due at each turn
            seen += source.poll(0.2, time.time() + ahead)
    assert [v for v in seen if isinstance(v, Assigned)] == [Assigned({Partition(name, 1): 0})]
    assert values_of(seen) == [b"first"]


def test_aborted_transactions_are_left_out_when_committed_ones_are_asked_for(
    broker: Broker, topic: str
) -> None:
    producer = Producer({"bootstrap.servers": broker.address, "transactional.id": unique()})
    producer.init_transactions(30)
    for value, commit in ((b"kept", True), (b"dropped", False), (b"last", True)):
        producer.begin_transaction()
        producer.produce(topic, value, partition=0)
        if commit:
            producer.commit_transaction(30)
        else:
            producer.flush(30)
            producer.abort_transaction(30)
    for level, wanted in (
        ("read_committed", [b"kept", b"last"]),
        ("read_uncommitted", [b"kept", b"dropped", b"last"]),
    ):
        with reading(broker, topic, isolation_level=level) as source:
            seen = gather(source, at_end(Partition(topic, 0)))
        # Markers of transactions leave gaps in the offsets; that is normal, and no Gap.
        assert values_of(seen) == wanted
        assert not [v for v in seen if isinstance(v, Gap)]


def test_retention_that_overtakes_the_position_is_an_exact_gap(broker: Broker, topic: str) -> None:
    broker.produce(topic, [b"%d" % i for i in range(100)])
    broker.admin().delete_records([TopicPartition(topic, 0, 60)])
    with reading(broker, topic) as source:
        source.seek(Partition(topic, 0), 25)
        seen = gather(source, lambda seen: len(values_of(seen)) == 40)
    assert [v for v in seen if isinstance(v, Gap)] == [Gap(Partition(topic, 0), 25, 60, "lost")]
    assert values_of(seen)[0] == b"60"


def test_a_record_beyond_the_limit_is_cut_and_said(broker: Broker) -> None:
    topic = unique()
    broker.create(topic, max_message_bytes=str(128 << 20))
    big = b"x" * (40 << 20)
    broker.produce(topic, [b"before", big, b"after"])
    with reading(broker, topic, max_record_bytes=1000) as source:
        seen = gather(source, lambda seen: len(values_of(seen)) == 3)
    cut = [v.oversized for v in seen if isinstance(v, Records) and v.oversized]
    assert values_of(seen) == [b"before", b"x" * HEAD, b"after"]
    assert [size for sizes in cut for size in sizes.values()] == [len(big)]


def test_a_batch_that_cannot_be_read_is_passed_over_and_counted(
    broker: Broker, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for part in range(4):
        broker.produce(topic, [b"%d-%d" % (part, i) for i in range(7)])
    from kafka.record.default_records import DefaultRecordBatch

    whole = DefaultRecordBatch.validate_crc
    monkeypatch.setattr(  # as a flipped bit on the broker's disk would show itself
        DefaultRecordBatch,
        "validate_crc",
        lambda batch: batch.base_offset != 7 and whole(batch),
    )
    with reading(broker, topic) as source:
        seen = gather(source, lambda seen: len(values_of(seen)) == 21)
    gaps = [v for v in seen if isinstance(v, Gap)]
    assert gaps == [Gap(Partition(topic, 0), 7, 14, "undecodable")]
    assert offsets_of(seen, Partition(topic, 0)) == [*range(7), *range(14, 28)]


def test_a_broker_that_comes_late_goes_and_comes_back(tmp_path: Path) -> None:
    broker = Broker(tmp_path)
    with reading(broker, "later") as source:
        assert source.poll(0.1, time.time()) == []
        broker.start()
        try:
            broker.create("later")
            broker.produce("later", [b"%d" % i for i in range(50)])
            seen = gather(source, lambda seen: len(values_of(seen)) == 50)
            broker.kill()
            down = source.poll(0.1, time.time() + 5)
            assert not [v for v in down if isinstance(v, CaughtUp | Records)]
            broker.start()
            broker.produce("later", [b"%d" % i for i in range(50, 100)])
            seen += gather(source, lambda more: len(values_of(more)) == 50)
        finally:
            broker.stop()
    assert offsets_of(seen, Partition("later", 0)) == list(range(100))
