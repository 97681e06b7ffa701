"""From what a source hands over to the models: routed, settled, decoded, counted."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from collectors.family import Statistic
from collectors.sources import (
    Assigned,
    CaughtUp,
    Gap,
    Partition,
    Records,
    Revoked,
    StreamValue,
)
from monitor.board import Board
from monitor.dead_letters import DeadLetters
from monitor.event_clock import SECOND, EventClock
from monitor.model import Model, ModelRules, Outcome, PaneListener, Settled
from monitor.routing import Router
from monitor.settling import ENOUGH_ROWS, LONGEST_WAIT, Settling

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Entry:
    """A model on its way: before it is settled records are held, afterwards handled."""

    rules: ModelRules
    settling: Settling
    topic: str | None
    clock: EventClock
    model: Model | None = None
    held: list[Records] = field(default_factory=list)
    held_rows: int = 0
    held_since: float = 0.0


@dataclass(frozen=True, slots=True)
class ModelPart:
    """One model as the pipeline needs it: its settings, and how its schema is chosen.

    `topic` None: it may be in any.
    """

    rules: ModelRules
    settling: Settling
    topic: str | None


class Pipeline:
    """Takes in the stream of one source. `now` is wall time in seconds.

    Attributes:
        positions: next offset by partition, of everything taken in.
        ready: whether partitions were assigned.
    """

    def __init__(
        self,
        parts: Sequence[ModelPart],
        router: Router,
        board: Board,
        dead_letters: DeadLetters,
        listeners: Sequence[PaneListener] = (),
    ) -> None:
        self.positions: dict[Partition, int] = {}
        self.ready = False
        self._router = router
        self._board = board
        self._dead_letters = dead_letters
        self._listeners = listeners
        self._entries = {
            part.rules.name: _Entry(
                part.rules, part.settling, part.topic, EventClock(part.rules.time)
            )
            for part in parts
        }
        for entry in self._entries.values():
            settled = entry.settling.load()
            if settled is not None:
                entry.model = Model(entry.rules, settled, entry.clock, board, listeners)

    @property
    def models(self) -> Mapping[str, Model]:
        """The models that are settled, by name."""
        return {name: e.model for name, e in self._entries.items() if e.model is not None}

    def handle(self, value: StreamValue, now: float) -> None:
        """Take in one value of the stream."""
        match value:
            case Records():
                self._records(value, now)
            case Assigned(offsets):
                self.ready = True
                self.positions.update(offsets)
                for partition in offsets:
                    for entry in self._of(partition):
                        entry.clock.assign(partition)
            case Revoked(partitions):
                for partition in partitions:
                    self.positions.pop(partition, None)
                    for entry in self._of(partition):
                        entry.clock.revoke(partition)
            case CaughtUp(partition, _, final):
                for entry in self._of(partition):
                    entry.clock.caught_up(partition, round(now * SECOND), final)
            case Gap(partition, start, end, reason):
                self._count(partition.topic, Counter({reason: end - start}))
                self.positions[partition] = end
                log.warning(
                    "records could not be read",
                    extra={
                        "topic": partition.topic,
                        "partition": partition.number,
                        "from": start,
                        "to": end,
                        "reason": reason,
                    },
                )

    def advance(self, now: float) -> None:
        """Settle what has waited long enough, and close the panes that may close."""
        for entry in self._entries.values():
            if entry.held and now - entry.held_since >= LONGEST_WAIT:
                self._settle(entry, now)
            if entry.model is not None:
                entry.model.advance(round(now * SECOND))

    def finish(self, now: float) -> None:
        """Close everything that is open: the source will give no more."""
        for entry in self._entries.values():
            if entry.held:
                self._settle(entry, now)
            if entry.model is not None:
                entry.model.finish(round(now * SECOND))

    def _of(self, partition: Partition) -> list[_Entry]:
        return [e for e in self._entries.values() if e.topic in {None, partition.topic}]

    def _records(self, records: Records, now: float) -> None:
        if not len(records):
            return
        for name, part in self._router.route(records):
            if name is None:
                self._count(records.partition.topic, Counter(unmatched=len(part)))
                continue
            entry = self._entries[name]
            if entry.model is None:
                self._hold(entry, part, now)
            else:
                self._handle(entry.model, part, now)
        self.positions[records.partition] = int(records.offsets[-1]) + 1

    def _hold(self, entry: _Entry, records: Records, now: float) -> None:
        if not entry.held:
            entry.held_since = now
        entry.held.append(records)
        entry.held_rows += len(records)
        if entry.held_rows >= ENOUGH_ROWS:
            self._settle(entry, now)

    def _settle(self, entry: _Entry, now: float) -> None:
        held, entry.held, entry.held_rows = entry.held, [], 0
        chosen = entry.settling.choose(held)
        if isinstance(chosen, Settled):
            entry.model = Model(entry.rules, chosen, entry.clock, self._board, self._listeners)
            for records in held:
                self._handle(entry.model, records, now)
            return
        log.warning(
            "no record so far is an inference that can be read: see the dead letters",
            extra={"model": entry.rules.name, "records": sum(map(len, held))},
        )
        for records, rejected in zip(held, chosen, strict=True):
            outcome = Outcome()
            outcome.reject(rejected)
            self._bury(records, outcome, now)

    def _handle(self, model: Model, records: Records, now: float) -> None:
        self._bury(records, model.handle(records, round(now * SECOND)), now)

    def _bury(self, records: Records, outcome: Outcome, now: float) -> None:
        self._count(records.partition.topic, outcome.counts)
        for index, item, reason in outcome.dead:
            offset = int(records.offsets[index])
            value = records.values[index]
            self._dead_letters.add(records.partition, offset, item, reason, value, now)

    def _count(self, topic: str, counts: Counter[str]) -> None:
        for outcome, number in counts.items():
            if number:
                labels = {"topic": topic, "outcome": outcome}
                self._board.add(Statistic("records", number, labels))
