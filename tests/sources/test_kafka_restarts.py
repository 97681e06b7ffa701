"""A broker that goes and comes: nothing raised, nothing lost, nothing twice."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer
from kafka import TopicPartition
from kafka.future import Future

from collectors.sources import Assigned, Gap, Partition, Records, Revoked, StreamValue
from collectors.sources.kafka import KafkaOptions, KafkaSource
from collectors.sources.kafka.batches import Run
from collectors.sources.kafka.pending import Timer
from collectors.sources.kafka.questions import Question
from collectors.sources.kafka.source import _Item
from tests.support.kafka import Broker, free_port
from tests.support.kafka_reading import (
    at_end,
    gather,
    numbered,
    offsets_of,
    reading,
    records,
    said,
    told,
    values_of,
)

pytestmark = pytest.mark.kafka


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[Broker]:
    # Back a second after a kill, not after the nine that a broker counts as alive.
    broker = Broker(tmp_path, more="broker.session.timeout.ms=2000\n")
    broker.start()
    yield broker
    broker.stop()


def quietly(source: KafkaSource, seconds: float) -> list[StreamValue]:
    """Poll for so long."""
    end = time.monotonic() + seconds
    return gather(source, lambda _: time.monotonic() >= end)


def test_a_broker_killed_while_it_is_read_costs_nothing(mortal: Broker) -> None:
    """Read while it is written, killed in the middle, twice; in runs of a hundred."""
    mortal.create("logs", partitions=2)
    wanted: dict[int, list[bytes]] = {0: [], 1: []}
    with reading(mortal, "logs", max_poll_records=100) as source:
        seen: list[StreamValue] = []
        for life in range(3):
            for number in (0, 1):
                values = numbered(2_000, b"%d-%d-" % (life, number))
                mortal.produce("logs", values, partition=number)
                wanted[number] += values
            seen += gather(source, records(300))
            if life < 2:
                mortal.kill()
                seen += quietly(source, 0.5)
                mortal.start()
        total = sum(map(len, wanted.values()))
        seen += gather(source, records(total - len(values_of(seen))))
        seen += quietly(source, 0.5)
    for number, values in wanted.items():
        partition = Partition("logs", number)
        assert offsets_of(seen, partition) == list(range(len(values)))
        runs = [v for v in seen if isinstance(v, Records) and v.partition == partition]
        assert [value for run in runs for value in run.values] == values
    assert [type(value) for value in told(seen)] == [Assigned]


def test_a_broker_that_stands_still_holds_no_poll_up(mortal: Broker) -> None:
    mortal.create("logs")
    mortal.produce("logs", [b"1"])
    with reading(mortal, "logs") as source:
        seen = gather(source, records(1))
        mortal.signal(signal.SIGSTOP)
        try:
            seen += quietly(source, 4.0)
        finally:
            mortal.signal(signal.SIGCONT)
        mortal.produce("logs", [b"2"])
        seen += gather(source, records(1))
    assert values_of(seen) == [b"1", b"2"]
    assert [type(value) for value in told(seen)] == [Assigned]


def test_a_connection_that_only_raises_is_made_anew_where_it_stood(
    broker: Broker, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker.produce(topic, numbered(10))
    with reading(broker, topic, max_poll_records=3) as source:
        seen = gather(source, records(3))
        connection = source._connection
        assert connection is not None

        def broken(seconds: float) -> None:
            raise RuntimeError("kafka-python has lost its way")

        monkeypatch.setattr(connection, "read", broken)
        seen += gather(source, records(7))
    assert source._connection is None
    assert offsets_of(seen, Partition(topic, 0)) == list(range(10))
    assert len([v for v in seen if isinstance(v, Assigned)]) == 1


def test_a_kafka_without_topic_ids_tells_another_log_by_an_offset_beyond_its_end() -> None:
    settings = {"bootstrap.servers": "ignored", "test.mock.num.brokers": 1}
    producer = Producer(settings)
    address = next(iter(producer.list_topics(timeout=10).brokers.values()))
    for value in numbered(20):
        producer.produce("logs", value, partition=0)
    assert producer.flush(20) == 0
    options = KafkaOptions(
        (f"{address.host}:{address.port}",), ("logs",), client={"api_version": (2, 3)}
    )
    source = KafkaSource(options)
    partition = Partition("logs", 0)
    try:
        source.seek(partition, 500)
        seen = gather(source, lambda s: len(values_of(s)) >= 20 and said(Assigned, 2)(s))
        assert offsets_of(seen, partition) == list(range(20))
        first, *rest = [
            value
            for value in told(seen)
            if isinstance(value, Revoked | Gap) or partition in getattr(value, "offsets", {})
        ]
        assert isinstance(first, Assigned)
        assert first.offsets[partition] == 500
        assert isinstance(rest[0], Revoked)
        assert isinstance(rest[1], Assigned)
        assert rest[1].offsets[partition] == 0
        assert rest[1].topic_ids == {"logs": ""}
    finally:
        source.close()


def test_what_waits_in_a_paused_partition_holds_no_other_up(broker: Broker, topic: str) -> None:
    first, second = Partition(topic, 0), Partition(topic, 1)
    with reading(broker, topic) as source:
        gather(source, at_end(first, second))
        never = Question(Future())
        run = Run([0], [1_000], [None], [b"waits"], [()])
        source._items.append(_Item(TopicPartition(*first), run, never))
        source.pause(frozenset([first]))
        broker.produce(topic, [b"goes on"], partition=1)
        seen = gather(source, records(1))
    assert values_of(seen) == [b"goes on"]


def test_a_clock_that_goes_back_makes_nothing_late() -> None:
    timer = Timer()
    assert timer.due(1_000.0, 5.0)
    assert not timer.due(1_004.0, 5.0)
    assert timer.due(1_005.0, 5.0)
    assert timer.due(400.0, 5.0)
    assert not timer.due(404.0, 5.0)


def test_no_thread_is_left_of_a_source(broker: Broker, topic: str) -> None:
    before = threading.active_count()
    with reading(broker, topic) as source:
        gather(source, said(Assigned))
    source = KafkaSource(KafkaOptions((f"127.0.0.1:{free_port()}",), ("nowhere",)))
    for turn in range(3):
        assert source.poll(0.01, time.time() + 10 * turn) == []
    source.close()
    assert threading.active_count() <= before
