"""Topics that grow, lose their front, go, and come again as another log under the same name."""

from __future__ import annotations

import itertools
import logging
import time
from types import SimpleNamespace
from typing import Any

import kafka
import pytest

from collectors.sources import Assigned, CaughtUp, Gap, Partition, Revoked, StreamValue
from collectors.sources.kafka import KafkaOptions, KafkaSource
from collectors.sources.kafka.pending import Reminder
from collectors.sources.kafka.placing import Placing
from collectors.sources.kafka.questions import TopicState
from collectors.sources.kafka.topics import Topics
from tests.support.kafka import Broker, unique
from tests.support.kafka_reading import (
    Enough,
    at_end,
    gaps_of,
    gather,
    numbered,
    offsets_of,
    reading,
    records,
    said,
    told,
    topic_id,
    values_of,
)

pytestmark = pytest.mark.kafka

log = logging.getLogger(__name__)


def make_again(broker: Broker, topic: str, count: int) -> None:
    """Another log under the same name, with so many records."""
    broker.make_again(topic)
    broker.produce(topic, numbered(count, b"new-"))


def hurried(source: KafkaSource, enough: Enough) -> list[StreamValue]:
    """As `gather`, with a clock that makes every look due at once."""
    ahead = itertools.count(31.0, 31.0)
    return gather(source, enough, lambda: time.time() + next(ahead))


def test_partitions_added_while_running_are_read_from_their_front(broker: Broker) -> None:
    name = unique()
    broker.create(name, partitions=1)
    with reading(broker, name, start="latest") as source:
        known = topic_id(gather(source, at_end(Partition(name, 0))), name)
        broker.widen(name, 2)
        broker.produce(name, [b"first"], partition=1)
        seen = hurried(source, records(1))
    assert told(seen) == [Assigned({Partition(name, 1): 0}, {name: known})]
    assert values_of(seen) == [b"first"]


def test_partitions_added_while_away_are_read_from_their_front(broker: Broker) -> None:
    name = unique()
    broker.create(name, partitions=1)
    broker.produce(name, numbered(5))
    broker.widen(name, 2)
    broker.produce(name, numbered(3), partition=1)
    with reading(broker, name, start="latest") as source:
        source.seek(Partition(name, 0), 4)
        seen = gather(source, records(4))
    starts = {p: at for v in seen if isinstance(v, Assigned) for p, at in v.offsets.items()}
    assert starts == {Partition(name, 0): 4, Partition(name, 1): 0}
    assert offsets_of(seen, Partition(name, 0)) == [4]
    assert offsets_of(seen, Partition(name, 1)) == [0, 1, 2]


@pytest.mark.parametrize("count", [3, 20, 200], ids=["shorter", "as long", "longer"])
def test_a_topic_made_again_while_running_is_read_from_its_front(
    broker: Broker, count: int
) -> None:
    name = unique()
    broker.create(name)
    broker.produce(name, numbered(20))
    with reading(broker, name) as source:
        first = topic_id(gather(source, at_end(Partition(name, 0))), name)
        make_again(broker, name, count)
        seen = gather(source, records(count))
    second = topic_id(seen, name)
    assert first != second
    assert told(seen) == [
        Revoked(frozenset([Partition(name, 0)])),
        Assigned({Partition(name, 0): 0}, {name: second}),
    ]
    assert values_of(seen) == numbered(count, b"new-")


def test_what_was_not_read_of_a_topic_made_again_is_an_exact_gap(broker: Broker) -> None:
    name = unique()
    broker.create(name, partitions=2)
    broker.produce(name, numbered(50))
    broker.produce(name, numbered(5), partition=1)
    partition = Partition(name, 0)
    with reading(broker, name, max_poll_records=10) as source:
        seen = gather(source, lambda seen: bool(offsets_of(seen, partition)))
        source.pause(frozenset([partition]))
        seen += gather(source, at_end(Partition(name, 1)))
        read = offsets_of(seen, partition)
        make_again(broker, name, 80)
        seen = gather(source, said(Revoked))
        source.resume(frozenset([partition]))
        seen += gather(source, records(80))
    assert read == list(range(len(read)))
    assert len(read) < 50
    assert told(seen)[:2] == [
        Gap(partition, len(read), 50, "lost"),
        Revoked(frozenset([partition, Partition(name, 1)])),
    ]
    assert values_of(seen) == numbered(80, b"new-")


def test_a_topic_made_again_while_nobody_looked_is_read_from_its_front(broker: Broker) -> None:
    """Paused, so that no fetch is told of it; longer than the position, so that none could be."""
    name = unique()
    broker.create(name)
    broker.produce(name, numbered(20))
    partitions = frozenset([Partition(name, 0)])
    with reading(broker, name) as source:
        gather(source, at_end(*partitions))
        source.pause(partitions)
        # Time stands still from here on, so that no look at the topic is due any more: only what
        # is asked after each fetch can tell. A second for fetches and looks that are under way.
        still = time.time() + 100
        for _ in range(10):
            source.poll(0.1, still)
        make_again(broker, name, 60)
        source.resume(partitions)
        seen = gather(source, records(60), lambda: still)
    assert values_of(seen) == numbered(60, b"new-")
    assert [type(value) for value in told(seen)] == [Revoked, Assigned]


@pytest.mark.parametrize("count", [3, 200], ids=["shorter", "longer"])
def test_a_topic_made_again_while_away_is_read_from_its_front(broker: Broker, count: int) -> None:
    name = unique()
    broker.create(name, partitions=2)
    broker.produce(name, numbered(20))
    with reading(broker, name) as source:
        first = topic_id(gather(source, at_end(Partition(name, 0))), name)
    make_again(broker, name, count)
    with reading(broker, name, start="latest") as source:
        source.remember(name, first)
        source.seek(Partition(name, 0), 20)
        source.seek(Partition(name, 1), 0)
        seen = gather(source, records(count))
    assert told(seen) == [
        Revoked(frozenset([Partition(name, 0), Partition(name, 1)])),
        Assigned({Partition(name, 0): 0}, {name: topic_id(seen, name)}),
    ]
    assert values_of(seen) == numbered(count, b"new-")


def test_a_remembered_topic_that_is_the_same_goes_on(broker: Broker) -> None:
    name = unique()
    broker.create(name)
    broker.produce(name, numbered(20))
    with reading(broker, name) as source:
        known = topic_id(gather(source, at_end(Partition(name, 0))), name)
    with reading(broker, name) as source:
        source.remember(name, known)
        source.seek(Partition(name, 0), 15)
        seen = gather(source, at_end(Partition(name, 0)))
    assert told(seen) == [Assigned({Partition(name, 0): 15}, {name: known})]
    assert offsets_of(seen, Partition(name, 0)) == [15, 16, 17, 18, 19]


def test_a_deleted_topic_holds_nothing_back_and_is_read_when_it_comes_again(
    broker: Broker,
) -> None:
    gone, stays = unique(), unique()
    broker.create(gone)
    broker.create(stays)
    broker.produce(gone, numbered(5))
    with reading(broker, gone, stays) as source:
        gather(source, at_end(Partition(gone, 0), Partition(stays, 0)))
        broker.delete(gone)
        seen = hurried(source, said(Revoked))
        assert told(seen) == [Revoked(frozenset([Partition(gone, 0)]))]
        assert source.lag().keys() == {Partition(stays, 0)}
        broker.produce(stays, [b"x"])
        seen = gather(source, records(1))
        assert not [v for v in seen if isinstance(v, CaughtUp) and v.partition.topic == gone]
        broker.create(gone)
        broker.produce(gone, numbered(3, b"new-"))
        seen = hurried(source, records(3))
    assert [type(value) for value in told(seen)] == [Assigned]
    assert values_of(seen) == numbered(3, b"new-")


def test_a_topic_deleted_while_away_is_revoked(broker: Broker) -> None:
    stays = unique()
    broker.create(stays)
    with reading(broker, stays, "never-made") as source:
        source.seek(Partition("never-made", 0), 7)
        seen = hurried(source, said(Revoked))
    assert Revoked(frozenset([Partition("never-made", 0)])) in seen


def test_an_answer_that_comes_late_does_not_bring_the_old_log_back() -> None:
    topics = Topics(["logs"])
    old, new = TopicState(frozenset([0]), "old"), TopicState(frozenset([0, 1]), "new")
    assert topics.seen({"logs": old}).replaced == []
    assert topics.seen({"logs": new}).replaced == ["logs"]
    assert topics.seen({"logs": old}).replaced == []  # it was asked before
    assert topics["logs"].topic_id == "new"
    assert topics["logs"].partitions == {0, 1}


@pytest.mark.parametrize("first", [60, 100], ids=["in part", "to its end"])
def test_retention_that_overtakes_a_sought_offset_is_an_exact_gap(
    broker: Broker, first: int
) -> None:
    name = unique()
    broker.create(name)
    broker.produce(name, numbered(100))
    broker.cut(name, first)
    with reading(broker, name) as source:
        source.seek(Partition(name, 0), 25)
        seen = gather(source, at_end(Partition(name, 0)))
    assert gaps_of(seen) == [Gap(Partition(name, 0), 25, first, "lost")]
    assert offsets_of(seen, Partition(name, 0)) == list(range(first, 100))


def test_retention_that_overtakes_a_paused_partition_is_an_exact_gap(broker: Broker) -> None:
    name = unique()
    broker.create(name)
    broker.produce(name, numbered(10))
    partitions = frozenset([Partition(name, 0)])
    with reading(broker, name) as source:
        gather(source, at_end(*partitions))
        source.pause(partitions)
        for _ in range(12):  # until the fetch that is under way has come back with nothing
            source.poll(0.1, time.time())
        broker.produce(name, numbered(90))
        broker.cut(name, 40)
        assert not told(list(source.poll(0.1, time.time())))
        source.resume(partitions)
        seen = gather(source, records(60))
    assert gaps_of(seen) == [Gap(Partition(name, 0), 10, 40, "lost")]
    assert offsets_of(seen, Partition(name, 0)) == list(range(40, 100))


class Unconnected:
    """What `Placing` does to a connection, and nothing else."""

    def __init__(self) -> None:
        self.positions: dict[kafka.TopicPartition, int] = {}
        self.fetcher = SimpleNamespace(forget=lambda places: None, witnesses=False)

    def assign(self, places: set[kafka.TopicPartition]) -> None:
        self.positions = {p: at for p, at in self.positions.items() if p in places}

    def seek(self, place: kafka.TopicPartition, offset: int) -> None:
        self.positions[place] = offset


@pytest.mark.parametrize("comes_back_as", ["same", "other"])
def test_a_topic_that_a_broker_did_not_know_for_a_while_goes_on_or_begins_anew(
    comes_back_as: str,
) -> None:
    connection: Any = Unconnected()
    options = KafkaOptions(("127.0.0.1:1",), ("logs",))
    placing = Placing(options, Reminder(log, ["here"]), lambda place: connection.positions[place])
    place, partition = kafka.TopicPartition("logs", 0), Partition("logs", 0)
    there, absent = TopicState(frozenset([0]), "same"), TopicState(None)

    def heard(state: TopicState) -> list[StreamValue]:
        seen = list(placing.seen(connection, {"logs": state}, 0.0))
        return seen + list(placing.hear(connection, 0.0))

    placing.remember("logs", "same")
    placing.seek(place, 5)
    assert heard(there) == [Assigned({partition: 5}, {"logs": "same"})]
    connection.positions[place] = 8
    placing.known_end(place, 9)
    assert heard(absent) == heard(absent) == []  # it may just have started
    assert heard(absent) == [Gap(partition, 8, 9, "lost"), Revoked(frozenset([partition]))]
    assert heard(absent) == []
    back = heard(TopicState(frozenset([0]), comes_back_as))
    if comes_back_as == "same":
        assert back == [Assigned({partition: 8}, {"logs": "same"})]
    else:
        assert back == []  # nothing is left to revoke; where the new one begins is asked first
        assert placing.topic_id("logs") == "other"
        assert placing.sought == {}
