from __future__ import annotations

import socket
import time
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
import pytest
from kafka import KafkaConsumer, TopicPartition

from monitor.demo.broker import API_VERSION, PARTITIONS, EmbeddedBroker, create_topic
from monitor.demo.flights import first_days, first_weeks
from monitor.demo.model import fit
from monitor.demo.model_server import ModelServer, Progress
from monitor.demo.scorer import AHEAD, Log, score
from tests.support.kafka import Broker, unique

WITHIN = 60.0
END = "2013-01-29T05:00:00Z"


def _reader(address: str, topic: str) -> KafkaConsumer:
    consumer = KafkaConsumer(
        bootstrap_servers=address,
        api_version=API_VERSION,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        max_poll_records=2_000,
    )
    consumer.assign([TopicPartition(topic, number) for number in range(PARTITIONS)])
    return consumer


def _read_all(consumer: KafkaConsumer, server: ModelServer) -> tuple[list[Any], int]:
    """Every record, and the most that the model server was ahead at any look."""
    records: list[Any] = []
    furthest, deadline = 0, time.monotonic() + WITHIN
    while not (server.progress.done and len(records) >= (server.progress.total or 0)):
        assert time.monotonic() < deadline, f"{len(records)} records, {server.progress}"
        assert server.exit_code is None
        furthest = max(furthest, server.progress.produced - len(records))
        for batch in consumer.poll(timeout_ms=200).values():
            records += batch
        server.consumed(len(records))
    return records, furthest


@pytest.mark.slow
def test_every_record_arrives_once_through_the_embedded_broker(
    flights: pd.DataFrame, tmp_path: Path
) -> None:
    wanted = first_days(flights, 35)
    first = tmp_path / "first-weeks.jsonl"
    with EmbeddedBroker() as broker:
        assert broker.make_topic("flights") == PARTITIONS
        with ModelServer(broker.bootstrap_servers, "flights", 35, first) as server:
            assert server.wait_ready(WITHIN)
            written = first.read_bytes().splitlines()
            assert server.progress.total == len(wanted) > AHEAD
            consumer = _reader(broker.bootstrap_servers, "flights")
            records, furthest = _read_all(consumer, server)
            consumer.close()
            assert server.exit_code is None  # a server without work stays up
            assert server.stop() == 0
    assert furthest <= AHEAD
    read = [msgspec.json.decode(record.value) for record in records]
    # The first four weeks end at midnight in New York, and to the byte are what was logged.
    early = [r.value for r, said in zip(records, read, strict=True) if said["timestamp"] < END]
    assert sorted(written) == sorted(early)
    assert len(written) == len(first_weeks(flights))
    assert sorted(record["request_id"] for record in read) == sorted(wanted["request_id"])
    assert Counter(r.partition for r in records).most_common()[-1][1] == len(wanted) // PARTITIONS
    nulls = sum(record["prediction"] is None for record in read)
    assert nulls == int(wanted["dep_delay"].isna().sum())
    for number in range(PARTITIONS):
        times = [
            msgspec.json.decode(record.value)["timestamp"]
            for record in sorted(records, key=lambda record: record.offset)
            if record.partition == number
        ]
        assert times == sorted(times)


@pytest.mark.slow
def test_a_reader_that_says_nothing_is_waited_for_and_loses_nothing() -> None:
    with EmbeddedBroker() as broker:
        broker.make_topic("flights")
        with ModelServer(broker.bootstrap_servers, "flights", days=35) as server:
            assert server.wait_ready(WITHIN)
            consumer = _reader(broker.bootstrap_servers, "flights")
            partitions = list(consumer.assignment())
            deadline = time.monotonic() + WITHIN
            while sum(consumer.end_offsets(partitions).values()) < AHEAD:
                assert time.monotonic() < deadline
            assert sum(consumer.beginning_offsets(partitions).values()) == 0
            assert sum(consumer.end_offsets(partitions).values()) == AHEAD
            consumer.close()
            assert server.stop() == 0
            assert not server.progress.done


def test_what_may_be_unread_fits_in_one_partition(
    flights: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.demo.broker.count_partitions", lambda *_: 1)
    some = flights.tail(AHEAD)
    with EmbeddedBroker() as broker:
        log = Log(broker.bootstrap_servers, "flights")
        log.write(list(score(some, fit(first_weeks(flights)), lambda: 400_000_000)))
        log.finish()
        consumer = _reader(broker.bootstrap_servers, "flights")
        first = TopicPartition("flights", 0)
        assert consumer.beginning_offsets([first]) == {first: 0}
        assert consumer.end_offsets([first]) == {first: AHEAD}
        consumer.close()


def test_the_broker_is_gone_after_its_context() -> None:
    with EmbeddedBroker() as broker:
        host, _, port = broker.bootstrap_servers.partition(":")
        socket.create_connection((host, int(port)), timeout=5).close()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((host, int(port)), timeout=5)


def test_a_model_server_without_kafka_ends_and_says_why(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with ModelServer("127.0.0.1:1", "flights") as server:
        assert not server.wait_ready(WITHIN)
        assert server.stop() == 1
        server.consumed(1)  # of no use, and no harm
    assert "model server at 127.0.0.1:1: topic flights" in capfd.readouterr().err


def test_a_topic_cannot_be_made_where_no_broker_is() -> None:
    with pytest.raises(OSError, match=r"topic flights at 127\.0\.0\.1:1: "):
        create_topic("127.0.0.1:1", "flights", timeout=0.5)


@pytest.mark.parametrize(
    ("line", "progress"),
    [
        ("produced 0 of 12\n", Progress(0, 12)),
        ("done 12\n", Progress(12, 12, done=True)),
        ("something else\n", Progress(3, 9)),
    ],
)
def test_progress_is_read_from_its_lines(line: str, progress: Progress) -> None:
    assert Progress(3, 9).after(line) == progress


@pytest.mark.kafka
def test_a_topic_on_a_real_broker_is_made_once(broker: Broker) -> None:
    name = unique()
    assert create_topic(broker.address, name) == PARTITIONS
    assert create_topic(broker.address, name) == PARTITIONS
    other = unique()
    broker.create(other, partitions=3)
    assert create_topic(broker.address, other) == 3


@pytest.mark.kafka
@pytest.mark.slow
def test_the_model_server_writes_to_a_real_broker(broker: Broker, flights: pd.DataFrame) -> None:
    name = unique()
    create_topic(broker.address, name)
    wanted = first_days(flights, 3)
    with ModelServer(broker.address, name, days=3) as server:
        consumer = _reader(broker.address, name)
        assert server.wait_ready(WITHIN)
        records, _ = _read_all(consumer, server)
        consumer.close()
        assert server.stop() == 0
    read = [msgspec.json.decode(record.value)["request_id"] for record in records]
    assert sorted(read) == sorted(wanted["request_id"])
