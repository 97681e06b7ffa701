"""What is asked of brokers beside records, without ever waiting for the answer.

kafka-python runs its connections on a thread of its own. A `Question` is put there, and looked at
again when the source is polled next: a broker that does not answer holds nobody up.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kafka import TopicPartition, errors
from kafka.protocol.metadata import MetadataRequest

from collectors.sources.kafka.options import ANSWER

NO_ID = "00000000-0000-0000-0000-000000000000"


class Question:
    """One question that is under way, or answered.

    Args:
        reading: makes something of the answer.
    """

    def __init__(self, future: Any, reading: Callable[[Any], Any] | None = None) -> None:
        self._future = future
        self._reading = reading
        self._done = threading.Event()
        future.add_both(lambda _: self._done.set())

    @property
    def done(self) -> bool:
        """Whether there is an answer, or will never be one."""
        return bool(self._future.is_done)

    def wait(self, seconds: float) -> None:
        """Wait for the answer, so long at most."""
        self._done.wait(seconds)

    def answer(self) -> Any:
        """The answer.

        Raises:
            KafkaError, OSError: there is none.
        """
        if self._future.exception is not None:
            raise self._future.exception
        value = self._future.value
        return value if self._reading is None else self._reading(value)


@dataclass(frozen=True, slots=True)
class TopicState:
    """What a broker says of one topic.

    Attributes:
        partitions: their numbers; None where the topic does not exist.
        topic_id: empty where the broker gives none.
    """

    partitions: frozenset[int] | None
    topic_id: str = ""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The first offsets and the ends of partitions, and then what their topics were."""

    firsts: Mapping[TopicPartition, int]
    ends: Mapping[TopicPartition, int]
    topics: Mapping[str, TopicState]


@dataclass(frozen=True, slots=True)
class Beginnings:
    """Where partitions may begin; what may not be used of one was not asked for."""

    firsts: Mapping[TopicPartition, int]
    ends: Mapping[TopicPartition, int]
    committed: Mapping[TopicPartition, int]


def topics_request(topics: Sequence[str]) -> Any:
    """The request that asks for partitions and ids of these; it never makes a topic."""
    return MetadataRequest(
        topics=[MetadataRequest.MetadataRequestTopic(name=topic) for topic in topics],
        allow_auto_topic_creation=False,
        include_cluster_authorized_operations=False,
        include_topic_authorized_operations=False,
    )


def topic_states(answer: Any) -> dict[str, TopicState]:
    """What the answer says; topics of which it says nothing sure are not in it."""
    found: dict[str, TopicState] = {}
    for topic in answer.topics:
        kind = errors.for_code(topic.error_code)
        if kind is errors.UnknownTopicOrPartitionError:
            found[topic.name] = TopicState(None)
        elif kind is errors.NoError:
            named = "" if topic.topic_id is None else str(topic.topic_id)
            numbers = frozenset(part.partition_index for part in topic.partitions)
            found[topic.name] = TopicState(numbers, "" if named == NO_ID else named)
    return found


class Desk:
    """Puts questions for one consumer."""

    def __init__(self, consumer: Any) -> None:
        self._manager = consumer._manager
        self._fetcher = consumer._fetcher
        self._coordinator = consumer._coordinator

    def topics(self, topics: Sequence[str]) -> Question:
        """Which partitions and ids topics have: {topic: TopicState}."""
        return Question(self._manager.call_soon(self._topics, topics))

    def ends(self, places: Collection[TopicPartition]) -> Question:
        """The ends of partitions: `Bounds` without first offsets."""
        return Question(self._manager.call_soon(self._bounds, places, False))

    def bounds(self, places: Collection[TopicPartition]) -> Question:
        """First offsets and ends of partitions, and of which topic they are: `Bounds`."""
        return Question(self._manager.call_soon(self._bounds, places, True))

    def beginnings(
        self, old: Collection[TopicPartition], new: Collection[TopicPartition], latest: bool
    ) -> Question:
        """`Beginnings`: for `old` ones the first offset, for `new` ones also what is committed,
        and the end where `latest`."""
        return Question(self._manager.call_soon(self._beginnings, old, new, latest))

    async def _topics(self, topics: Sequence[str]) -> dict[str, TopicState]:
        sent = self._manager.send(topics_request(topics))
        return topic_states(await self._manager.wait_for(sent, ANSWER))

    async def _offsets(
        self, places: Collection[TopicPartition], which: int
    ) -> dict[TopicPartition, int]:
        if not places:
            return {}
        asked = dict.fromkeys(places, which)
        found = await self._fetcher._fetch_offsets_by_times_async(asked, ANSWER)
        return {place: answer.offset for place, answer in found.items()}

    async def _bounds(self, places: Collection[TopicPartition], both: bool) -> Bounds:
        firsts = await self._offsets(places if both else (), -2)
        ends = await self._offsets(places, -1)
        # Last: an id that is still the same says that the offsets are of the same log.
        topics = await self._topics(sorted({place.topic for place in places}))
        return Bounds(firsts, ends, topics)

    async def _beginnings(
        self, old: Collection[TopicPartition], new: Collection[TopicPartition], latest: bool
    ) -> Beginnings:
        firsts = await self._offsets([*old, *(() if latest else new)], -2)
        ends = await self._offsets(new if latest else (), -1)
        committed: Mapping[TopicPartition, Any] = {}
        if new:
            committed = await self._coordinator.fetch_committed_offsets_async(list(new), ANSWER)
        known = {place: found.offset for place, found in committed.items() if found.offset >= 0}
        return Beginnings(firsts, ends, known)
