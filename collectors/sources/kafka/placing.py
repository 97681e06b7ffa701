"""Which partitions are read and from where: topics that grow, go, and come again as another log."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Mapping

from kafka import TopicPartition

from collectors.sources import Assigned, Gap, Partition, Revoked, StreamValue
from collectors.sources.kafka.connection import Connection
from collectors.sources.kafka.options import LOOK, RETRY, KafkaOptions
from collectors.sources.kafka.pending import Pending, Reminder, Timer
from collectors.sources.kafka.questions import Beginnings, TopicState
from collectors.sources.kafka.topics import Topics

log = logging.getLogger(__name__)


class Placing:
    """Keeps the assignment as it should be, and says what changes.

    Args:
        where: the next offset of a partition that its reader has not handed over yet.

    Attributes:
        places: the partitions that are read.
        sought: where to begin in partitions that are not read yet.
        ends: the largest ends of the logs that are read, as far as is known.
    """

    def __init__(
        self,
        options: KafkaOptions,
        reminder: Reminder,
        where: Callable[[TopicPartition], int | None],
    ) -> None:
        self.places: set[TopicPartition] = set()
        self.sought: dict[TopicPartition, int] = {}
        self.ends: dict[TopicPartition, int] = {}
        self._latest = options.start == "latest"
        self._topics = Topics(options.topics)
        self._told_gone: set[str] = set()
        self._reminder = reminder
        self._where = where
        self._look, self._begin = Pending(), Pending()
        self._due, self._due_begin = Timer(), Timer()

    def remember(self, topic: str, topic_id: str) -> None:
        """The id of the log that the sought offsets of the topic are of."""
        self._topics[topic].topic_id = topic_id

    def topic_id(self, topic: str) -> str:
        """The id of the log that is read; empty where unknown."""
        return self._topics[topic].topic_id

    @property
    def with_ids(self) -> bool:
        """Whether the broker gives ids."""
        return self._topics.with_ids

    def seek(self, place: TopicPartition, offset: int) -> None:
        """Begin there, once the partition is found. Its topic was read before, then."""
        self.sought[place] = offset
        self._topics[place.topic].old = True

    def hurry(self) -> None:
        """Look at the topics at the next occasion."""
        self._due.hurry()

    def drop(self) -> None:
        """The connection is gone, with all that was asked of it."""
        self._look.drop()
        self._begin.drop()

    def wait(self, seconds: float) -> bool:
        """Wait for an answer, so long at most; whether there was anything to wait for."""
        return self._begin.wait(seconds) or self._look.wait(seconds)

    def ask(self, connection: Connection, now: float) -> None:
        """Ask what is due."""
        if self._look.free and self._due.due(now, RETRY if self._topics.unsettled else LOOK):
            self._look.put(connection.desk.topics(self._topics.names), now)
        new = [place for place in self._unread() if place not in self.sought]
        if new and self._begin.free and self._due_begin.due(now, RETRY):
            fresh = [place for place in new if not self._topics[place.topic].old]
            old = [place for place in new if self._topics[place.topic].old]
            self._begin.put(connection.desk.beginnings(old, fresh, self._latest), now)

    def hear(self, connection: Connection, now: float) -> Iterator[StreamValue]:
        """What follows from the answers that have come."""
        states = self._look.take(now)
        if states is not None:
            yield from self.seen(connection, states, now)
        elif self._look.error is not None:
            self._reminder.say(now, "topics cannot be looked up: waiting", self._look.error)
        beginnings = self._begin.take(now)
        if beginnings is not None:
            yield from self._read(connection, self._choose(beginnings))
        elif self._begin.error is not None:
            self._reminder.say(now, "offsets cannot be had: waiting", self._begin.error)
        sought = {p: self.sought[p] for p in self._unread() if p in self.sought}
        if sought:
            yield from self._read(connection, sought)

    def seen(
        self, connection: Connection, states: Mapping[str, TopicState], now: float
    ) -> Iterator[StreamValue]:
        """Take in what a broker says of topics."""
        changes = self._topics.seen(states)
        connection.fetcher.witnesses = self._topics.with_ids
        for topic in changes.replaced:
            yield from self.replaced(connection, topic)
        for topic in changes.gone:
            yield from self._gone(connection, topic)
        if changes.missing:
            names = ",".join(changes.missing)
            self._reminder.say(now, "topic does not exist: waiting", topics=names)

    def replaced(self, connection: Connection, topic: str) -> Iterator[StreamValue]:
        """The name stands for another log now: leave the old one, and begin at the front."""
        self._topics[topic].old = True
        told = topic in self._told_gone
        self._told_gone.discard(topic)
        left, gaps = self._leave(connection, topic)
        log.warning(
            "a topic was deleted and made again: it is read from its front",
            extra={"topic": topic, "lost": sum(gap.end - gap.start for gap in gaps)},
        )
        yield from gaps
        if left and not told:
            yield Revoked(partitions(left))

    def cut(self, connection: Connection, place: TopicPartition, end: int) -> Iterator[StreamValue]:
        """The same log, but shorter than it was: what was read beyond `end` is gone from it."""
        log.warning(
            "a partition lost records that were read already: going on at its end",
            extra={"topic": place.topic, "partition": place.partition, "offset": end},
        )
        yield Revoked(partitions([place]))
        self.ends[place] = end
        connection.seek(place, end)
        yield self._assigned({place: end})

    def current(self, states: Mapping[str, TopicState], topic: str) -> bool:
        """Whether these are states of the log that is read now, not of one before it."""
        state = states.get(topic)
        if state is None or state.partitions is None:
            return False
        return state.topic_id in ("", self._topics[topic].topic_id)

    def known_end(self, place: TopicPartition, end: int | None) -> None:
        """Take in an end that is surely of the log that is read."""
        if end is not None and place in self.places:
            self.ends[place] = max(end, self.ends.get(place, 0))

    def _gone(self, connection: Connection, topic: str) -> Iterator[StreamValue]:
        known = self._topics[topic].topic_id
        offsets = {p: self._where(p) for p in self.places if p.topic == topic}
        left, gaps = self._leave(connection, topic)
        if not left:
            return
        log.warning("a topic was deleted: nothing is read of it any more", extra={"topic": topic})
        self._told_gone.add(topic)
        if known:
            # The same id again would mean that the broker was mistaken: then go on there.
            self.sought |= {p: offset for p, offset in offsets.items() if offset is not None}
        yield from gaps
        yield Revoked(partitions(left))

    def _leave(self, connection: Connection, topic: str) -> tuple[set[TopicPartition], list[Gap]]:
        """Read no more of the topic; what was not read of it is lost."""
        read = {place for place in self.places if place.topic == topic}
        gaps = []
        self._begin.drop()  # what is answered to it now may be of the old log
        for place in sorted(read):
            offset, end = self._where(place), self.ends.get(place)
            if offset is not None and end is not None and end > offset:
                gaps.append(Gap(Partition(*place), offset, end, "lost"))
            self.ends.pop(place, None)
        if read:
            self.places -= read
            connection.assign(self.places)
            connection.fetcher.forget(read)
        sought = {place for place in self.sought if place.topic == topic}
        for place in sought:
            del self.sought[place]
        return read | sought, gaps

    def _unread(self) -> list[TopicPartition]:
        found = {
            TopicPartition(name, number)
            for name in self._topics.names
            for number in self._topics[name].partitions
        }
        return sorted(found - self.places)

    def _choose(self, answer: Beginnings) -> dict[TopicPartition, int]:
        """Where to begin: at the front of what came later, else as committed, else at `start`."""
        wanted = [place for place in self._unread() if place not in self.sought]
        offsets: dict[TopicPartition, int] = {}
        for place in wanted:
            ways = (answer.committed, answer.ends, answer.firsts)
            known = [way[place] for way in ways if place in way]
            if known:
                offsets[place] = known[0]
        return offsets

    def _read(
        self, connection: Connection, offsets: Mapping[TopicPartition, int]
    ) -> Iterator[StreamValue]:
        if not offsets:
            return
        self.places |= set(offsets)
        connection.assign(self.places)
        for place, offset in offsets.items():
            connection.seek(place, offset)
            self.sought.pop(place, None)
            self._topics[place.topic].old = True
            self._told_gone.discard(place.topic)
        yield self._assigned(offsets)

    def _assigned(self, offsets: Mapping[TopicPartition, int]) -> Assigned:
        ids = {place.topic: self._topics[place.topic].topic_id for place in sorted(offsets)}
        return Assigned({Partition(*place): offset for place, offset in offsets.items()}, ids)


def partitions(places: Collection[TopicPartition]) -> frozenset[Partition]:
    """The same, as the stream names them."""
    return frozenset(Partition(*place) for place in places)
