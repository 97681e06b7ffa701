"""Kafka as a source: every partition of some topics, read by one consumer that assigns itself.

There is no consumer group at work: committed offsets are for lag displays, and for going on where
an earlier run stopped. kafka-python's `poll()` can hang at full load after a batch that it cannot
read, so whatever it raises is answered by a seek past the offset, which is told as a `Gap`.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import (
    AuthorizationError,
    KafkaError,
    OffsetOutOfRangeError,
    SaslAuthenticationFailedError,
)
from kafka.structs import OffsetAndMetadata

from collectors.sources import (
    Assigned,
    CaughtUp,
    Gap,
    Partition,
    Records,
    StreamValue,
)

log = logging.getLogger(__name__)

RETRY = 1.0
"""Seconds between tries to reach a broker, and between looks at the ends of partitions."""

REMINDER = 30.0
"""Seconds between log lines that say what is still waited for, and between looks for partitions."""

ANSWER = 2_000
"""Milliseconds that a broker is given for one answer."""

HEAD = 1024
"""Bytes handed over of a record that passes the limit."""


@dataclass(frozen=True, slots=True)
class KafkaOptions:
    """How to read.

    Attributes:
        start: where to begin in a partition of which no offset was ever committed.
        client: further settings of kafka-python's consumer (security, api_version).
    """

    bootstrap_servers: tuple[str, ...]
    topics: tuple[str, ...]
    group_id: str = "inferwatch"
    start: Literal["earliest", "latest"] = "latest"
    isolation_level: Literal["read_uncommitted", "read_committed"] = "read_uncommitted"
    max_record_bytes: int = 1024 * 1024
    max_poll_records: int = 5_000
    client: Mapping[str, Any] = field(default_factory=dict)


class KafkaSource:
    """A `Source` over kafka-python."""

    def __init__(self, options: KafkaOptions) -> None:
        self._options = options
        self._consumer: Any = None
        self._sought: dict[Partition, int] = {}
        self._assigned: dict[TopicPartition, Partition] = {}
        self._behind: dict[Partition, int] = {}
        self._next_try = self._next_topics = self._next_ends = self._next_reminder = 0.0
        self._finder = _TopicFinder(options.topics)
        self._first_assignment = True
        self._commit_failing = False
        self._committed = threading.Event()
        self._committed.set()

    def poll(self, timeout: float, now: float) -> Sequence[StreamValue]:
        """See `Source.poll`. Waits for a broker, and for topics, that are not there yet."""
        if self._consumer is None and not self._connect(timeout, now):
            return []
        values: list[StreamValue] = []
        if now >= self._next_topics:
            values += self._assign(now)
        if not self._assigned:
            self._finder.wait(timeout)
            return values
        batches: dict[TopicPartition, list[Any]] = {}
        try:
            batches = self._consumer.poll(round(timeout * 1000))
        except OffsetOutOfRangeError as error:
            values += self._jump(error.args[0])
        except (AuthorizationError, SaslAuthenticationFailedError) as error:
            # Not a matter of one batch: there is nothing to pass over.
            self._remind(now, "records cannot be had: waiting", why=str(error) or repr(error))
        except Exception as error:
            values += self._pass_over(error)
        for place, batch in batches.items():
            values.append(self._records(self._assigned[place], batch))
        if now >= self._next_ends:
            self._next_ends = now + RETRY
            values += self._ends(list(self._assigned))
        return values

    def seek(self, partition: Partition, offset: int) -> None:
        """See `Source.seek`. Before the assignment it says where to begin."""
        place = TopicPartition(*partition)
        if place in self._assigned:
            self._consumer.seek(place, offset)
        else:
            self._sought[partition] = offset

    def pause(self, partitions: frozenset[Partition]) -> None:
        """See `Source.pause`."""
        self._consumer.pause(*(TopicPartition(*p) for p in partitions))

    def resume(self, partitions: frozenset[Partition]) -> None:
        """See `Source.resume`."""
        self._consumer.resume(*(TopicPartition(*p) for p in partitions))

    def commit(self, offsets: Mapping[Partition, int]) -> None:
        """See `Source.commit`."""
        if self._consumer is None or not offsets:
            return

        def done(_offsets: object, answer: object) -> None:
            failed = isinstance(answer, Exception)
            if failed and not self._commit_failing:
                log.warning("offsets are not committed", extra={"why": str(answer)})
            self._commit_failing = failed
            self._committed.set()

        wanted = {
            TopicPartition(*partition): OffsetAndMetadata(offset, "", -1)
            for partition, offset in offsets.items()
        }
        try:
            self._committed.clear()
            self._consumer.commit_async(wanted, callback=done)
        except KafkaError as error:
            done(None, error)

    def lag(self) -> Mapping[Partition, int]:
        """See `Source.lag`."""
        for place, partition in self._assigned.items():
            end = self._consumer.highwater(place)
            position = self._position(place)
            if end is not None and position is not None:
                self._behind[partition] = max(end - position, 0)
        return dict(self._behind)

    def close(self) -> None:
        """See `Source.close`."""
        consumer, self._consumer = self._consumer, None
        self._assigned = {}
        if consumer is not None:
            self._committed.wait(ANSWER / 1000)
            consumer.close(autocommit=False, timeout_ms=ANSWER)

    def _connect(self, timeout: float, now: float) -> bool:
        if now < self._next_try:
            threading.Event().wait(timeout)
            return False
        self._next_try = now + RETRY
        options = self._options
        settings: dict[str, Any] = {
            "bootstrap_servers": list(options.bootstrap_servers),
            "group_id": options.group_id,
            "client_id": "inferwatch",
            "enable_auto_commit": False,
            "auto_offset_reset": "none",
            "isolation_level": options.isolation_level,
            "max_poll_records": options.max_poll_records,
            "allow_auto_create_topics": False,
            "metadata_max_age_ms": round(REMINDER * 1000),
            "bootstrap_timeout_ms": ANSWER,
            "receive_message_max_bytes": 512 * 1024 * 1024,
            "metrics_enabled": False,
            **options.client,
        }
        try:
            self._consumer = KafkaConsumer(**settings)
            self._consumer.bootstrap(timeout_ms=ANSWER)
        except (KafkaError, OSError) as error:
            self.close()
            self._remind(now, "no broker answers: waiting", why=str(error) or repr(error))
            return False
        return True

    def _remind(self, now: float, what: str, **fields: str) -> None:
        if now >= self._next_reminder:
            self._next_reminder = now + REMINDER
            servers = ",".join(self._options.bootstrap_servers)
            log.warning(what, extra={"bootstrap_servers": servers, **fields})

    def _assign(self, now: float) -> list[StreamValue]:
        """Look for partitions that are not read yet, and begin to read them."""
        found = self._finder.look(self._consumer)
        missing = [topic for topic in self._options.topics if not found.get(topic)]
        if missing:
            self._remind(now, "topic does not exist: waiting", topics=",".join(missing))
        places = {
            TopicPartition(topic, number) for topic, numbers in found.items() for number in numbers
        }
        new = sorted(places - self._assigned.keys())
        begun: dict[Partition, int] = {}
        try:
            offsets = self._beginnings(new) if new else {}
        except KafkaError as error:
            self._remind(now, "offsets cannot be had: waiting", why=str(error) or repr(error))
            self._next_topics = now + RETRY
            return []
        if new:
            self._assigned |= {place: Partition(place.topic, place.partition) for place in new}
            self._consumer.assign(list(self._assigned))
            for place in new:
                self._consumer.seek(place, offsets[place])
                begun[self._assigned[place]] = offsets[place]
                self._sought.pop(self._assigned[place], None)
            self._first_assignment = False
        self._next_topics = now + (RETRY if missing else REMINDER)
        return [Assigned(begun)] if begun else []

    def _beginnings(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
        """Where to begin: as sought, else as committed, else at `start`; later ones at 0."""
        consumer = self._consumer
        earliest = self._options.start == "earliest" or not self._first_assignment
        ask = consumer.beginning_offsets if earliest else consumer.end_offsets
        offsets = dict(ask(places, timeout_ms=ANSWER))
        for place in places:
            sought = self._sought.get(Partition(place.topic, place.partition))
            if sought is None:
                sought = consumer.committed(place, timeout_ms=ANSWER)
            if sought is not None:
                offsets[place] = sought
        return offsets

    def _records(self, partition: Partition, batch: Sequence[Any]) -> Records:
        values: list[bytes | None] = [record.value for record in batch]
        limit = self._options.max_record_bytes
        oversized: dict[int, int] = {}
        for index, value in enumerate(values):
            if value is not None and len(value) > limit:
                oversized[index] = len(value)
                values[index] = bytes(value[:HEAD])
        return Records(
            partition=partition,
            offsets=np.array([record.offset for record in batch], dtype=np.int64),
            values=values,
            keys=[record.key for record in batch],
            headers=[record.headers or () for record in batch],
            timestamps=np.array(
                [-1 if record.timestamp is None else record.timestamp for record in batch],
                dtype=np.int64,
            ),
            oversized=oversized,
        )

    def _ends(self, places: list[TopicPartition]) -> list[StreamValue]:
        """Which of these stand at their end, freshly asked; none where nobody answers."""
        quiet = [place for place in places if self._position(place) is not None]
        if not quiet:
            return []
        try:
            ends = self._consumer.end_offsets(quiet, timeout_ms=ANSWER)
        except KafkaError:
            return []
        found: list[StreamValue] = []
        for place, end in ends.items():
            position = self._position(place)
            if position is not None and end is not None:
                self._behind[self._assigned[place]] = max(end - position, 0)
                if position >= end:
                    found.append(CaughtUp(self._assigned[place], position))
        return found

    def _position(self, place: TopicPartition) -> int | None:
        try:
            position: int | None = self._consumer.position(place, timeout_ms=0)
        except KafkaError:
            return None
        return position

    def _jump(self, places: Mapping[TopicPartition, int]) -> list[StreamValue]:
        """Retention overtook these offsets (or the topic was cut): go to the first that is left."""
        gaps: list[StreamValue] = []
        try:
            firsts = self._consumer.beginning_offsets(list(places), timeout_ms=ANSWER)
        except KafkaError:
            return []
        for place, offset in places.items():
            first = firsts[place]
            self._consumer.seek(place, first)
            # An offset beyond the end means another log under the same name: from its front on.
            gaps.append(Gap(self._assigned[place], min(offset, first), first, "lost"))
        return gaps

    def _pass_over(self, error: Exception) -> list[StreamValue]:
        """Find the partition whose next batch cannot be read, and seek past that batch."""
        starts = {place: self._position(place) for place in self._assigned}
        known = {place: start for place, start in starts.items() if start is not None}
        self._drop_fetched(known)
        self._consumer.pause(*self._assigned)
        gaps: list[StreamValue] = []
        try:
            for place, start in known.items():
                end = start if self._readable(place, start) else self._next_readable(place, start)
                self._consumer.seek(place, end)
                if end > start:
                    log.warning(
                        "a batch cannot be read",
                        extra={"topic": place.topic, "partition": place.partition}
                        | {"offset": start, "why": str(error) or repr(error)},
                    )
                    gaps.append(Gap(self._assigned[place], start, end, "undecodable"))
        finally:
            self._consumer.resume(*self._assigned)
        return gaps

    def _next_readable(self, place: TopicPartition, start: int) -> int:
        """The end of the batch at `start`: leap until reading goes well, then halve.

        Never past the partition's end, which needs no reading.
        """
        try:
            ends = self._consumer.end_offsets([place], timeout_ms=ANSWER)
        except KafkaError:
            return start
        end: int = max(ends[place], start + 1)
        bad, leap = start, 1
        while bad + leap < end and not self._readable(place, bad + leap):
            bad, leap = bad + leap, leap * 2
        good = min(bad + leap, end)
        while good - bad > 1:
            middle = (bad + good) // 2
            if self._readable(place, middle):
                good = middle
            else:
                bad = middle
        return good

    def _readable(self, place: TopicPartition, offset: int) -> bool:
        self._consumer.seek(place, offset)
        self._consumer.resume(place)
        try:
            self._consumer.poll(250, max_records=1)
        except OffsetOutOfRangeError:
            return True
        except Exception:
            self._drop_fetched({place: offset})
            return False
        finally:
            self._consumer.pause(place)
        return True

    def _drop_fetched(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Make the consumer forget what it has fetched: a batch that raised once would be taken up
        again for ever, at full load. A seek elsewhere and a look do that."""
        for place, offset in offsets.items():
            self._consumer.seek(place, offset + 1)
        with contextlib.suppress(Exception):
            self._consumer.poll(0)


class _TopicFinder:
    """Asks which partitions topics have, without ever blocking the one who looks.

    kafka-python answers for a topic that it knows at once; for others it asks the broker, and waits
    as long as that takes.
    """

    def __init__(self, topics: Sequence[str]) -> None:
        self._topics = topics
        self._found: dict[str, set[int]] = {}
        self._thread: threading.Thread | None = None
        self._done = threading.Event()

    def look(self, consumer: Any) -> Mapping[str, set[int]]:
        """What is known by now; a further look at the broker is begun."""
        if self._thread is None or not self._thread.is_alive():
            self._done.clear()
            self._thread = threading.Thread(target=self._ask, args=(consumer,), daemon=True)
            self._thread.start()
        self._done.wait(ANSWER / 1000)
        return dict(self._found)

    def wait(self, timeout: float) -> None:
        """Wait for the look that is under way."""
        if self._done.is_set():
            threading.Event().wait(timeout)
        else:
            self._done.wait(timeout)

    def _ask(self, consumer: Any) -> None:
        try:
            for topic in self._topics:
                self._found[topic] = set(consumer.partitions_for_topic(topic))
        except Exception as error:
            log.debug("topics cannot be looked up: %s", error)
        finally:
            self._done.set()
