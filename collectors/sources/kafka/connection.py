"""One consumer of kafka-python with a guarded fetcher, and what the source asks of it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Mapping
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError
from kafka.net.compat import KafkaNetClient
from kafka.structs import OffsetAndMetadata

from collectors.sources.kafka.batches import Limits, Refused, Run
from collectors.sources.kafka.fetching import GuardedFetcher, Trouble
from collectors.sources.kafka.options import ANSWER, REST, KafkaOptions
from collectors.sources.kafka.questions import Desk

log = logging.getLogger(__name__)


class Connection:
    """Reads assigned partitions; knows nothing of what they mean.

    A partition is read while it is neither held (by whoever uses the source) nor resting (after an
    answer that was an error).

    Raises (from the constructor):
        KafkaError, OSError: no broker answers.
    """

    def __init__(self, options: KafkaOptions) -> None:
        settings = options.settings()
        self._consumer: Any = _consumer(settings)
        try:
            # kafka-python forgets this setting: its own look at a topic would make the topic.
            self._consumer._cluster.config["allow_auto_create_topics"] = False
            # Nor does it take these: a broker that stands still lets in, and answers nothing, and
            # its patience would grow to half a minute.
            manager = self._consumer._client._manager.config
            manager["socket_connection_setup_timeout_ms"] = ANSWER
            manager["socket_connection_setup_timeout_max_ms"] = ANSWER
            self._consumer.bootstrap(timeout_ms=ANSWER)
            limits = Limits(
                options.max_record_bytes, options.max_batch_bytes, options.max_poll_records
            )
            self.fetcher = GuardedFetcher(
                self._consumer._client, self._consumer._subscription, limits, **settings
            )
            self._consumer._fetcher = self.fetcher
        except BaseException:
            self.close()
            raise
        self.desk = Desk(self._consumer)
        self._held: set[TopicPartition] = set()
        self._resting: dict[TopicPartition, float | None] = {}
        self._committed = threading.Event()
        self._committed.set()

    def read(self, seconds: float) -> list[tuple[TopicPartition, Run | Refused]]:
        """What is next, waiting at most so long.

        Raises:
            KafkaError: of what no pause of one partition cures.
        """
        found = self._consumer.poll(max(round(seconds * 1000), 0))
        return [(place, item) for place, items in found.items() for item in items]

    def troubles(self) -> Mapping[TopicPartition, Trouble]:
        """What was answered instead of records since the last call; those partitions rest."""
        found, self.fetcher.troubles = self.fetcher.troubles, {}
        return found

    def assign(self, places: Collection[TopicPartition]) -> None:
        """Read these, and no others; those that were read before go on where they are."""
        self._consumer.assign(list(places))
        self._resting = {p: until for p, until in self._resting.items() if p in places}

    def seek(self, place: TopicPartition, offset: int) -> None:
        """Go on at `offset`."""
        self._consumer.seek(place, offset)
        self._apply(place)

    def hold(self, places: Collection[TopicPartition]) -> None:
        """Do not read these until `release`, whether or not they are assigned yet."""
        self._held |= set(places)
        for place in places:
            self._apply(place)

    def release(self, places: Collection[TopicPartition]) -> None:
        """Read these again."""
        self._held -= set(places)
        for place in places:
            self._apply(place)

    def rest(self, place: TopicPartition, until: float | None) -> None:
        """Do not ask for this before `until`, or before `wake`."""
        self._resting[place] = until
        self._apply(place)

    def wake(self, place: TopicPartition) -> None:
        """Ask for this again."""
        self._resting.pop(place, None)
        self._apply(place)

    def rested(self, now: float) -> None:
        """Ask again for what has rested; a clock that went back does not prolong it."""
        for place, until in list(self._resting.items()):
            if until is not None and not now < until <= now + REST:
                self.wake(place)

    def resting(self, place: TopicPartition) -> bool:
        """Whether it rests."""
        return place in self._resting

    def position(self, place: TopicPartition) -> int | None:
        """The next offset to be handed over."""
        return self.fetcher.position(place)

    def highwater(self, place: TopicPartition) -> int | None:
        """The end of the partition as the last fetch told it."""
        end: int | None = self._consumer.highwater(place)
        return end

    def commit(
        self, offsets: Mapping[TopicPartition, int], done: Callable[[Exception | None], None]
    ) -> None:
        """Publish next offsets, without waiting."""

        def answered(_offsets: object, answer: object) -> None:
            self._committed.set()
            done(answer if isinstance(answer, Exception) else None)

        wanted = {place: OffsetAndMetadata(offset, "", -1) for place, offset in offsets.items()}
        self._committed.clear()
        try:
            self._consumer.commit_async(wanted, callback=answered)
        except KafkaError as error:
            answered(None, error)

    def close(self) -> None:
        """Give back sockets and the thread; offsets under way are given time to arrive."""
        committed = getattr(self, "_committed", None)
        if committed is not None:
            committed.wait(ANSWER / 1000)
        self._consumer.close(autocommit=False, timeout_ms=ANSWER)

    def _apply(self, place: TopicPartition) -> None:
        if place not in self._consumer.assignment():
            return
        if place in self._held or place in self._resting:
            self._consumer.pause(place)
        else:
            self._consumer.resume(place)


def _consumer(settings: Mapping[str, Any]) -> Any:
    """A consumer; where none can be made, nothing is left of it.

    kafka-python starts a thread before it looks for a broker, and leaves it, with its sockets,
    where it finds none.
    """
    clients: list[Any] = []

    def client(**configs: Any) -> Any:
        clients.append(KafkaNetClient(**configs))
        return clients[0]

    try:
        return KafkaConsumer(**settings, kafka_client=client)
    except BaseException:
        for started in clients:
            started.close()
        raise
