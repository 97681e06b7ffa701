"""The flights go to a Kafka of one's own, each once, and at a pace."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from confluent_kafka import Consumer, TopicPartition

from monitor.demo import producing
from monitor.demo.flights import TIME_ZONE, first_days
from monitor.demo.producing import hours, produce
from tests.support.kafka import Broker, free_port, unique

COMMAND = str(Path(sys.executable).with_name("inferwatch"))


def demo(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [COMMAND, "demo", "--produce-only", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def read(broker: Broker, topic: str) -> list[list[dict[str, Any]]]:
    """Every record, by partition, in the order of its offset."""
    client = Consumer({"bootstrap.servers": broker.address, "group.id": unique()})
    number = len(client.list_topics(topic, timeout=10).topics[topic].partitions)
    found: list[list[dict[str, Any]]] = []
    for partition in range(number):
        place = TopicPartition(topic, partition, 0)
        _, end = client.get_watermark_offsets(place, 10)
        client.assign([place])
        found.append([json.loads(m.value()) for m in client.consume(end, 20)] if end else [])
        assert len(found[-1]) == end
    client.close()
    return found


def in_turn(partitions: list[list[dict[str, Any]]]) -> list[str]:
    """The flights' names as they were written: partition after partition, one of each."""
    total = sum(map(len, partitions))
    width = len(partitions)
    return [str(partitions[n % width][n // width]["request_id"]) for n in range(total)]


@pytest.mark.kafka
def test_the_flights_are_written_to_a_real_kafka_and_not_twice(
    broker: Broker, flights: pd.DataFrame
) -> None:
    topic = unique("flights")
    where = ["--bootstrap-servers", broker.address, "--topic", topic, "--days", "3"]
    first = demo(*where)
    assert first.returncode == 0, first.stderr
    assert first.stdout.splitlines()[-1] == "2,699 written"
    again = demo(*where)
    assert again.stdout.splitlines()[-1] == "0 written"
    wanted = first_days(flights, 3)["request_id"].tolist()
    assert in_turn(read(broker, topic)) == wanted


@pytest.mark.kafka
def test_a_producer_that_was_ended_goes_on_where_it_was(
    broker: Broker, flights: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic, stop = unique("flights"), threading.Event()
    monkeypatch.setattr(producing, "read_flights", lambda: flights)

    class Ended(threading.Event):
        """Is set at the tenth hour."""

        asked = 0

        def is_set(self) -> bool:
            self.asked += 1
            return self.asked == 10

    written = produce(broker.address, topic, 2, 0, None, Ended(), print)
    assert 0 < written < 1_000
    rest = produce(broker.address, topic, 2, 0, None, stop, print)
    wanted = first_days(flights, 2)["request_id"].tolist()
    assert written + rest == len(wanted)
    assert in_turn(read(broker, topic)) == wanted


@pytest.mark.kafka
def test_days_at_once_do_not_wait_and_the_others_do(
    broker: Broker, flights: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(producing, "read_flights", lambda: flights)
    waits: list[float | None] = []

    class Clock(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waits.append(timeout)
            return False

    produce(broker.address, unique("flights"), 2, 1, 6.0, Clock(), print)
    two_days = first_days(flights, 2)
    local = two_days["time"].dt.tz_convert(TIME_ZONE)
    second = two_days["time"][local >= "2013-01-02"].dt.floor("h").nunique()
    assert waits == [10.0] * second


def test_hours_have_all_flights_in_order(flights: pd.DataFrame) -> None:
    some = first_days(flights, 3)
    found = list(hours(some))
    assert sum(number for _, number in found) == len(some)
    assert {day for day, _ in found} >= {0, 1, 2}
    assert [day for day, _ in found] == sorted(day for day, _ in found)


def test_without_a_kafka_it_says_what_is_wanted() -> None:
    done = demo()
    assert done.returncode == 2
    assert "--produce-only needs --bootstrap-servers" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_kafka_that_does_not_answer_is_said() -> None:
    done = demo("--bootstrap-servers", f"127.0.0.1:{free_port()}")
    assert done.returncode == 1
    assert "inferwatch demo: topic inferences at 127.0.0.1:" in done.stderr
    assert "Traceback" not in done.stderr
