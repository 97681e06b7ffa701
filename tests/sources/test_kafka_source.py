"""The Kafka source against a real Apache Kafka."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from confluent_kafka import Producer

from collectors.sources import Assigned, CaughtUp, Gap, Partition, Records
from collectors.sources.kafka import HEAD, KafkaOptions
from tests.support.kafka import Broker, unique
from tests.support.kafka_reading import at_end, gather, offsets_of, reading, values_of

pytestmark = pytest.mark.kafka


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


def test_a_broker_that_comes_late_goes_and_comes_back(tmp_path: Path) -> None:
    broker = Broker(tmp_path, more="broker.session.timeout.ms=2000\n")
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


def test_a_batch_may_not_be_smaller_than_a_record() -> None:
    with pytest.raises(ValueError, match="max_batch_bytes"):
        KafkaOptions(("b:1",), ("t",), max_record_bytes=2, max_batch_bytes=1)
