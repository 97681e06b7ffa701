"""Partitions that were answered with an error: whether to wait, to jump, or to begin anew."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kafka import TopicPartition, errors

from collectors.sources import Gap, Partition, StreamValue
from collectors.sources.kafka.connection import Connection
from collectors.sources.kafka.options import REST, RETRY
from collectors.sources.kafka.pending import Pending, Reminder, Timer
from collectors.sources.kafka.placing import Placing
from collectors.sources.kafka.questions import Bounds


class Doubts:
    """Decides about partitions whose offset is not, or may not be, in their log.

    They rest until it is known where the log begins and ends, and which log it is.
    """

    def __init__(self, placing: Placing, reminder: Reminder) -> None:
        self._placing = placing
        self._reminder = reminder
        self._places: dict[TopicPartition, int | None] = {}  # the log is cut there, or None
        self._bounds = Pending()
        self._due = Timer()

    def note(self, connection: Connection, now: float) -> None:
        """Take in what brokers answered instead of records."""
        for place, trouble in connection.troubles().items():
            if place not in self._placing.places:
                continue
            if isinstance(trouble.error, errors.OffsetOutOfRangeError):
                self._places.setdefault(place, None)
                connection.rest(place, None)
                continue
            connection.rest(place, now + REST)
            if isinstance(trouble.error, errors.UnknownTopicOrPartitionError):
                self._placing.hurry()
            elif not isinstance(trouble.error, errors.InvalidMetadataError):
                fields = {"topic": place.topic, "partition": str(place.partition)}
                self._reminder.say(
                    now, "a partition cannot be had: waiting", trouble.error, **fields
                )
        if self._places and self._bounds.free and self._due.due(now, RETRY):
            self._bounds.put(connection.desk.bounds(sorted(self._places)), now)

    def diverged(self, connection: Connection, offsets: Mapping[TopicPartition, Any]) -> None:
        """The logs of these are others from the offsets given on (KIP-320)."""
        for place, offset in offsets.items():
            self._places[place] = None if offset is None else int(offset.offset)
            connection.rest(place, None)

    def settle(self, place: TopicPartition) -> None:
        """Somebody else said where to go on."""
        self._places.pop(place, None)

    def drop(self) -> None:
        """The connection is gone; what is still doubtful will show itself again."""
        self._places.clear()
        self._bounds.drop()

    def hear(self, connection: Connection, now: float) -> Iterator[StreamValue]:
        """What follows from the answers that have come."""
        bounds = self._bounds.take(now)
        if bounds is None:
            if self._bounds.error is not None:
                self._reminder.say(now, "offsets cannot be had: waiting", self._bounds.error)
            return
        yield from self._placing.seen(connection, bounds.topics, now)
        for place, cut in list(self._places.items()):
            if place not in self._placing.places:
                del self._places[place]
            elif not self._placing.current(bounds.topics, place.topic):
                continue
            elif place in bounds.firsts and place in bounds.ends:
                del self._places[place]
                yield from self._decide(connection, place, cut, bounds)
                connection.wake(place)

    def _decide(
        self, connection: Connection, place: TopicPartition, cut: int | None, bounds: Bounds
    ) -> Iterator[StreamValue]:
        offset, first, end = connection.position(place), bounds.firsts[place], bounds.ends[place]
        if offset is None or place not in self._placing.places:
            return
        if offset < first:
            # Retention overtook us.
            connection.seek(place, first)
            yield Gap(Partition(*place), offset, first, "lost")
        elif offset > end and not self._placing.topic_id(place.topic):
            # No id says whether it is the same log; an offset beyond its end says that it is not.
            yield from self._placing.replaced(connection, place.topic)
        elif cut is not None or offset > end:
            yield from self._placing.cut(connection, place, end if cut is None else cut)
