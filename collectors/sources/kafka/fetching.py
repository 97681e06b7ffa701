"""kafka-python's fetcher, made calm: what it cannot read neither raises nor is asked in a loop.

`GuardedFetcher` takes the place of the consumer's own fetcher. It keeps kafka-python's connections,
sessions and positions, and differs in three things. Its records are `Run`s and `Refused` stretches,
read by `collectors.sources.kafka.batches`. A partition that the broker answers with an error rests,
paused, until the source has decided what to do. And each fetch has a witness: which id its topic
had, asked of the same broker after the fetch was answered. A topic that is deleted and made again
keeps its name, and a fetch at the old offset may well succeed in the new log; the id tells.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

from kafka import TopicPartition, errors
from kafka.consumer.fetcher import Fetcher
from kafka.protocol.consumer import IsolationLevel

from collectors.sources.kafka.batches import (
    NEWEST_MAGIC,
    Batch,
    Limits,
    RecordReader,
    Refused,
    Run,
    Slice,
    slices,
)
from collectors.sources.kafka.legacy import legacy_run
from collectors.sources.kafka.questions import Question, topic_states, topics_request
from collectors.sources.kafka.unfold import Damaged, TooLarge


class Trouble(NamedTuple):
    """What the broker said, instead of records, to a fetch at `offset`."""

    offset: int
    error: Exception


class GuardedFetcher(Fetcher):  # type: ignore[misc]  # kafka-python has no types
    """See the module. Everything but what kafka-python's own loop calls is for the source.

    Attributes:
        troubles: what was answered instead of records; the partitions in it are paused.
        witnesses: whether topics have ids here, so that fetches are to be witnessed.
    """

    def __init__(self, client: Any, subscriptions: Any, limits: Limits, **configs: Any) -> None:
        super().__init__(client, subscriptions, **configs)
        self.troubles: dict[TopicPartition, Trouble] = {}
        self.witnesses = False
        self.PartitionRecords = partial(GuardedRecords, limits, self._known_end)
        self._asked: dict[TopicPartition, Question] = {}
        self._forgets = 0
        self._forgotten_at: dict[TopicPartition, int] = {}

    def position(self, place: TopicPartition) -> int | None:
        """The next offset to be handed over; None where there is none."""
        state = self._subscriptions.assignment.get(place)
        return None if state is None or state.position is None else int(state.position.offset)

    def witness(self, place: TopicPartition) -> Question | None:
        """The question that followed the fetch whose records are handed over now."""
        return self._asked.get(place)

    def forget(self, places: set[TopicPartition]) -> None:
        """Drop what was fetched of these, and what is still on its way: their log is gone."""
        self._forgets += 1
        self._forgotten_at |= dict.fromkeys(places, self._forgets)
        self._drop(places)
        current: GuardedRecords | None = self._next_partition_records
        if current is not None and current.topic_partition in places:
            self._next_partition_records: GuardedRecords | None = None
        for place in places:
            self._paused_completed_fetches.pop(place, None)
            self._paused_partition_records.pop(place, None)
            self._asked.pop(place, None)
            self.troubles.pop(place, None)

    def _drop(self, places: set[TopicPartition]) -> None:
        with contextlib.suppress(IndexError):  # answers come on a thread of kafka-python's own
            for _ in range(len(self._completed_fetches)):
                fetch = self._completed_fetches.popleft()
                if fetch.topic_partition not in places:
                    self._completed_fetches.append(fetch)

    def _known_end(self, place: TopicPartition) -> int | None:
        state = self._subscriptions.assignment.get(place)
        return None if state is None else state.highwater

    def _create_fetch_requests(self) -> Any:
        requests = super()._create_fetch_requests()
        for _, offsets in requests.values():
            offsets[None] = self._forgets  # for `_handle_fetch_response`, beside the partitions
        return requests

    def _handle_fetch_response(
        self, node: int, offsets: Mapping[Any, Any], sent: float, response: Any
    ) -> None:
        super()._handle_fetch_response(node, offsets, sent, response)
        filled = {
            TopicPartition(topic.topic, part.partition_index)
            for topic in response.responses
            for part in topic.partitions
            if part.records
        }
        stale = {p for p in filled if self._forgotten_at.get(p, 0) > offsets[None]}
        self._drop(stale)
        filled -= stale
        if filled and self.witnesses:
            request = topics_request(sorted({place.topic for place in filled}))
            question = Question(self._manager.send(request, node_id=node), topic_states)
            self._asked |= dict.fromkeys(filled, question)

    def _parse_fetched_data(self, fetch: Any) -> Any:
        place, offset = fetch.topic_partition, fetch.fetched_offset
        code = fetch.partition_data.error_code
        raised: Exception | None = None
        parsed = None
        try:
            parsed = super()._parse_fetched_data(fetch)
        except Exception as error:
            raised = error
        if raised is None and code == errors.OffsetOutOfRangeError.errno:
            return parsed  # of an offset that is no longer wanted
        if (raised is not None or code) and self._subscriptions.is_fetchable(place):
            self.troubles[place] = Trouble(offset, raised or errors.for_code(code)())
            self._subscriptions.pause(place)
        return parsed


class GuardedRecords(Fetcher.PartitionRecords):  # type: ignore[misc]
    """The records of one fetch of one partition, as runs and refused stretches; never raises."""

    def __init__(
        self,
        limits: Limits,
        known_end: Callable[[TopicPartition], int | None],
        *arguments: Any,
        **settings: Any,
    ) -> None:
        self._limits = limits
        self._known_end = known_end
        super().__init__(*arguments, **settings)

    def _unpack_records(
        self, place: TopicPartition, records: Any, *_deserializers: object
    ) -> Iterator[Run | Refused]:
        self._run, self._wanted = Run(), self.fetch_offset
        self._end = self._known_end(place)
        data = records._buffer
        sliced = False
        for piece in slices(data):
            sliced = True
            yield from self._batch(piece)
        if data and not sliced:
            # A length that cannot be: where the next batch begins, only the broker can say.
            yield from self._refuse(self._wanted + 1, "undecodable", "a batch without an end")
        yield from self._flush()
        self.next_fetch_offset = self._wanted
        self.drain()

    def _batch(self, piece: Slice) -> Iterator[Run | Refused]:
        if piece.magic < NEWEST_MAGIC:
            yield from self._message_set(piece)
            return
        batch = Batch(piece)
        if not batch.intact():
            end = batch.passed(self._wanted, self._end)
            yield from self._refuse(end, "undecodable", "the checksum is wrong")
            return
        end = batch.last_offset + 1
        try:
            reader = self._reader(batch) if end > self._wanted else None
            while reader is not None:
                try:
                    reader.take(self._run, self._wanted, self._limits)
                finally:
                    self._wanted = max(self._wanted, reader.next_offset)
                if not reader.left:
                    break
                yield from self._flush()
        except TooLarge as error:
            yield from self._refuse(end, "too_large", str(error))
        except Damaged as error:
            yield from self._refuse(end, "undecodable", str(error))
        self._wanted = max(self._wanted, end)

    def _reader(self, batch: Batch) -> RecordReader | None:
        """The batch's records; None where they are of an aborted transaction, or a marker."""
        self.leader_epoch = batch.leader_epoch
        if self.isolation_level == IsolationLevel.READ_COMMITTED and batch.producer_id >= 0:
            self._consume_aborted_transactions_up_to(batch.last_offset)
            if batch.is_control_batch and batch.aborts():
                self.aborted_producer_ids.discard(batch.producer_id)
            elif self._is_batch_aborted(batch):
                return None
        return None if batch.is_control_batch else batch.records(self._limits.batch)

    def _message_set(self, piece: Slice) -> Iterator[Run | Refused]:
        end = piece.base_offset + 1  # of a message set it is the last offset
        if end <= self._wanted:
            return
        yield from self._flush()
        try:
            self._run = legacy_run(piece, self._wanted, self._limits)
        except TooLarge as error:
            yield from self._refuse(end, "too_large", str(error))
        except Damaged as error:
            yield from self._refuse(end, "undecodable", str(error))
        self._wanted = end

    def _flush(self) -> Iterator[Run]:
        run, self._run = self._run, Run()
        if run.offsets:
            self.next_fetch_offset = self._wanted
            self.bytes_read += run.size
            yield run

    def _refuse(self, end: int, reason: str, why: str) -> Iterator[Run | Refused]:
        if end <= self._wanted:
            return
        yield from self._flush()
        begin, self._wanted = self._wanted, end
        self.next_fetch_offset = end
        yield Refused(begin, end, reason, why)
