"""The source itself: what is read, and what has to be said of it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from kafka import TopicPartition, errors

from collectors.sources import CaughtUp, Gap, Partition, Records, StreamValue
from collectors.sources.kafka.batches import Refused, Run
from collectors.sources.kafka.connection import Connection
from collectors.sources.kafka.doubts import Doubts
from collectors.sources.kafka.options import ANSWER, RETRY, KafkaOptions
from collectors.sources.kafka.pending import Pending, Reminder, Timer
from collectors.sources.kafka.placing import Placing
from collectors.sources.kafka.questions import Bounds, Question

log = logging.getLogger(__name__)

RENEW_AFTER = 20
"""Polls in a row that raised, after which the connection is made anew."""


class _Item(NamedTuple):
    """What was read, before it is proven of which log it is."""

    place: TopicPartition
    found: Run | Refused
    witness: Question | None


class KafkaSource:
    """A `Source` over kafka-python.

    Nothing here waits for a broker but `poll`, for as long as it was told to; what is asked beside
    records is asked at one poll and answered at a later one.
    """

    def __init__(self, options: KafkaOptions) -> None:
        self._options = options
        self._reminder = Reminder(log, options.bootstrap_servers)
        self._refusals = Reminder(log, options.bootstrap_servers)
        self._placing = Placing(options, self._reminder, self._where)
        self._doubts = Doubts(self._placing, self._reminder)
        self._connection: Connection | None = None
        self._paused: set[TopicPartition] = set()
        self._items: list[_Item] = []
        self._ends = Pending()
        self._due_try, self._due_ends = Timer(), Timer()
        self._behind: dict[Partition, int] = {}
        self._resume: dict[TopicPartition, int] = {}
        self._failures = 0
        self._commit_failing = False

    def remember(self, topic: str, topic_id: str) -> None:
        """See `Source.remember`."""
        self._placing.remember(topic, topic_id)

    def poll(self, timeout: float, now: float) -> Sequence[StreamValue]:
        """See `Source.poll`. Waits for a broker, and for topics, that are not there yet."""
        if self._connection is None and not self._due_try.due(now, RETRY):
            threading.Event().wait(timeout)
            return []
        connection = self._connection or self._connect(now)
        if connection is None:
            return []
        values = self._hear(connection, now)
        self._placing.ask(connection, now)
        if not self._placing.places:
            if not values and not self._placing.wait(timeout):
                threading.Event().wait(timeout)
            return values + self._hear(connection, now)
        if self._ends.free and self._due_ends.due(now, RETRY):
            self._ends.put(connection.desk.ends(sorted(self._placing.places)), now)
        values += self._read(connection, 0.0 if values else timeout, now)
        if self._connection is connection:
            self._doubts.note(connection, now)
            values += self._caught_up(connection, now)
        return values

    def seek(self, partition: Partition, offset: int) -> None:
        """See `Source.seek`. Before the assignment it says where to begin."""
        place = TopicPartition(*partition)
        self._items = [item for item in self._items if item.place != place]
        if place not in self._placing.places:
            self._placing.seek(place, offset)
        elif self._connection is None:
            self._resume[place] = offset
        else:
            self._doubts.settle(place)
            self._connection.seek(place, offset)
            self._connection.wake(place)

    def pause(self, partitions: frozenset[Partition]) -> None:
        """See `Source.pause`."""
        places = {TopicPartition(*partition) for partition in partitions}
        self._paused |= places
        if self._connection is not None:
            self._connection.hold(places)

    def resume(self, partitions: frozenset[Partition]) -> None:
        """See `Source.resume`."""
        places = {TopicPartition(*partition) for partition in partitions}
        self._paused -= places
        if self._connection is not None:
            self._connection.release(places)

    def commit(self, offsets: Mapping[Partition, int]) -> None:
        """See `Source.commit`."""
        if self._connection is not None and offsets:
            wanted = {TopicPartition(*partition): at for partition, at in offsets.items()}
            self._connection.commit(wanted, self._committed)

    def lag(self) -> Mapping[Partition, int]:
        """See `Source.lag`."""
        for place, end in self._placing.ends.items():
            offset = self._where(place)
            if offset is not None:
                self._behind[Partition(*place)] = max(end - offset, 0)
        read = {Partition(*place) for place in self._placing.places}
        self._behind = {p: behind for p, behind in self._behind.items() if p in read}
        return dict(self._behind)

    def close(self) -> None:
        """See `Source.close`."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _connect(self, now: float) -> Connection | None:
        try:
            connection = Connection(self._options)
        except (errors.KafkaError, OSError) as error:
            self._reminder.say(now, "no broker answers: waiting", error)
            return None
        connection.hold(self._paused)
        if self._placing.places:
            connection.assign(self._placing.places)
            for place, offset in self._resume.items():
                connection.seek(place, offset)
            connection.fetcher.witnesses = self._placing.with_ids
        self._connection = connection
        return connection

    def _renew(self, connection: Connection) -> None:
        """Make the connection anew, and go on where it stands; nothing is said of it."""
        log.warning("reading fails again and again: the connection is made anew")
        offsets = {place: self._where(place) for place in self._placing.places}
        self._resume = {p: offset for p, offset in offsets.items() if offset is not None}
        self._connection, self._items, self._failures = None, [], 0
        self._placing.drop()
        self._doubts.drop()
        self._ends.drop()
        connection.close()

    def _where(self, place: TopicPartition) -> int | None:
        """The next offset of the partition that was not handed over yet."""
        waiting = [item.found.offset for item in self._items if item.place == place]
        if waiting:
            return waiting[0]
        return None if self._connection is None else self._connection.position(place)

    def _hear(self, connection: Connection, now: float) -> list[StreamValue]:
        connection.rested(now)
        values = [*self._placing.hear(connection, now), *self._doubts.hear(connection, now)]
        self._forget_items()
        return values

    def _forget_items(self) -> None:
        """Items of partitions that are read no more are of a log that is gone."""
        self._items = [item for item in self._items if item.place in self._placing.places]

    def _read(self, connection: Connection, timeout: float, now: float) -> list[StreamValue]:
        proof = min(timeout / 4, 0.05)  # seconds of it that the witness may take
        if all(item.place in self._paused for item in self._items):
            try:
                found = connection.read(timeout - proof)
            except errors.LogTruncationError as error:
                self._doubts.diverged(connection, error.divergent_offsets)
                return []
            except Exception as error:
                # Not a matter of one batch, of which nothing raises: there is nothing to pass over.
                self._reminder.say(now, "records cannot be had: waiting", error)
                self._failures += 1
                if self._failures >= RENEW_AFTER:
                    self._renew(connection)
                threading.Event().wait(timeout)
                return []
            self._failures = 0
            witness = connection.fetcher.witness
            self._items += [_Item(place, item, witness(place)) for place, item in found]
        return list(self._prove(connection, proof, now))

    def _prove(self, connection: Connection, seconds: float, now: float) -> Iterator[StreamValue]:
        """Hand over what is surely of the log that it is taken for; keep the rest."""
        for item in list(self._items):
            if item not in self._items or item.place in self._paused:
                continue
            witness, topic = item.witness, item.place.topic
            if witness is not None and self._placing.topic_id(topic):
                witness.wait(seconds)
                if not witness.done:
                    continue
                try:
                    states = witness.answer()
                except Exception:
                    states = {}
                there = {t: state for t, state in states.items() if state.partitions is not None}
                yield from self._placing.seen(connection, there, now)
                self._forget_items()
                if item not in self._items:
                    continue
                if not self._placing.current(there, topic):
                    self._placing.hurry()
                    again = item._replace(witness=connection.desk.topics([topic]))
                    self._items[self._items.index(item)] = again
                    continue
            self._items.remove(item)
            self._placing.known_end(item.place, connection.highwater(item.place))
            yield self._value(item, now)

    def _value(self, item: _Item, now: float) -> StreamValue:
        found, partition = item.found, Partition(*item.place)
        if isinstance(found, Refused):
            fields = {"topic": partition.topic, "partition": str(partition.number)}
            fields |= {"offset": str(found.offset), "until": str(found.end), "why": found.why}
            self._refusals.say(now, "a batch cannot be read", **fields)
            return Gap(partition, found.offset, found.end, found.reason)
        return Records(
            partition=partition,
            offsets=np.array(found.offsets, dtype=np.int64),
            values=found.values,
            keys=found.keys,
            headers=found.headers,
            timestamps=np.array(found.timestamps, dtype=np.int64),
            oversized=found.oversized,
        )

    def _caught_up(self, connection: Connection, now: float) -> list[StreamValue]:
        """Which partitions stand at their end, freshly asked; none where nobody answers."""
        bounds: Bounds | None = self._ends.take(now, ANSWER / 1000)
        if bounds is None:
            return []
        found = list(self._placing.seen(connection, bounds.topics, now))
        self._forget_items()
        for place, end in bounds.ends.items():
            known = self._placing.current(bounds.topics, place.topic)
            if not known or place not in self._placing.places:
                continue
            self._placing.known_end(place, end)
            if self._where(place) == end and not connection.resting(place):
                found.append(CaughtUp(Partition(*place), end))
        return found

    def _committed(self, error: Exception | None) -> None:
        if error is not None and not self._commit_failing:
            log.warning("offsets are not committed", extra={"why": str(error) or repr(error)})
        self._commit_failing = error is not None
