"""From what a source hands over to the models: routed, settled, decoded, counted."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from collectors.family import Statistic
from collectors.schema import SchemaError, SchemaMismatch
from collectors.sources import (
    Assigned,
    CaughtUp,
    Gap,
    Partition,
    Records,
    Revoked,
    StreamValue,
)
from collectors.summaries.state import State, StateError, Stored
from monitor.archive import Event
from monitor.board import Board
from monitor.dead_letters import DeadLetters
from monitor.event_clock import SECOND, EventClock
from monitor.judging.first import FirstPanes
from monitor.judging.judging import Judging
from monitor.model import Keeping, Model, ModelRules, Outcome, PaneListener, Settled
from monitor.routing import Router, subset
from monitor.settling import ENOUGH_BYTES, ENOUGH_ROWS, LONGEST_WAIT, Settling
from monitor.windows import check_pane

log = logging.getLogger(__name__)

MakeJudging = Callable[[Settled, Board], Judging | FirstPanes | None]

MOST_HELD = 4
"""How many times what is enough to settle a model may be held where it cannot be settled."""


@dataclass(slots=True)
class _Entry:
    """A model on its way: before it is settled records are held, afterwards handled."""

    rules: ModelRules
    settling: Settling
    topic: str | None
    judging: MakeJudging
    clock: EventClock
    model: Model | None = None
    held: list[Records] = field(default_factory=list)
    held_rows: int = 0
    held_bytes: int = 0
    held_since: float = 0.0
    retry_at: float = 0.0
    taken: dict[Partition, int] = field(default_factory=dict)
    restored: State | None = None

    def positions(self, everything: Mapping[Partition, int]) -> dict[Partition, int]:
        """Next offset of this model in each partition, given that of the pipeline.

        What is held is not taken yet. What lies before `taken` is: a restart began further back,
        for the sake of what another model held.
        """
        positions = {p: max(offset, self.taken.get(p, offset)) for p, offset in everything.items()}
        for records in self.held:
            first = int(records.offsets[0])
            positions[records.partition] = min(positions.get(records.partition, first), first)
        return positions

    def new_to(self, records: Records) -> Records | None:
        """The records that the model has not taken before."""
        taken = self.taken.get(records.partition)
        if taken is None:
            return records
        if int(records.offsets[-1]) >= taken:
            del self.taken[records.partition]
        fresh = np.flatnonzero(records.offsets >= taken)
        return subset(records, fresh.tolist()) if len(fresh) else None


@dataclass(frozen=True, slots=True)
class ModelPart:
    """One model as the pipeline needs it: its settings, and how its schema is chosen.

    Attributes:
        topic: where it is; None where it may be in any.
        judging: makes what its windows are judged by, once it is settled; None for nothing.
    """

    rules: ModelRules
    settling: Settling
    topic: str | None
    judging: MakeJudging


class Pipeline:
    """Takes in the stream of one source. `now` is wall time in seconds.

    Attributes:
        positions: next offset by partition, of everything taken in.
        assigned: the partitions that are read now.
        ready: whether partitions were assigned.
    """

    def __init__(
        self,
        parts: Sequence[ModelPart],
        router: Router,
        board: Board,
        dead_letters: DeadLetters,
        keeping: Keeping,
        listeners: Sequence[PaneListener] = (),
    ) -> None:
        self.positions: dict[Partition, int] = {}
        self.assigned: set[Partition] = set()
        self.ready = False
        self._router = router
        self._board = board
        self._dead_letters = dead_letters
        self._keeping = keeping
        self._listeners = listeners
        self._entries = {
            part.rules.name: _Entry(
                part.rules, part.settling, part.topic, part.judging, EventClock(part.rules.time)
            )
            for part in parts
        }
        for entry in self._entries.values():
            settled = entry.settling.load()
            if settled is not None:
                entry.model = self._model(entry, settled)

    @property
    def models(self) -> Mapping[str, Model]:
        """The models that are settled, by name."""
        return {name: e.model for name, e in self._entries.items() if e.model is not None}

    @property
    def full(self) -> bool:
        """Whether a model that cannot be settled holds so much that nothing more may be read."""
        return any(
            entry.held_rows >= MOST_HELD * ENOUGH_ROWS
            or entry.held_bytes >= MOST_HELD * ENOUGH_BYTES
            for entry in self._entries.values()
        )

    def handle(self, value: StreamValue, now: float) -> None:
        """Take in one value of the stream."""
        match value:
            case Records():
                self._records(value, now)
            case Assigned(offsets):
                self.ready = True
                begun = {
                    partition: offset
                    for partition, offset in offsets.items()
                    if partition not in self.assigned or self.positions.get(partition) != offset
                }
                if begun:
                    self._dead_letters.resume(begun)
                self.positions.update(offsets)
                self.assigned.update(offsets)
                for partition in offsets:
                    for entry in self._of(partition):
                        entry.clock.assign(partition)
            case Revoked(partitions):
                self.assigned -= partitions
                for partition in partitions:
                    self.positions.pop(partition, None)
                    for entry in self._entries.values():
                        if any(records.partition == partition for records in entry.held):
                            self._settle(entry, now)
                        entry.clock.revoke(partition)
                        entry.taken.pop(partition, None)
            case CaughtUp(partition, _, final):
                for entry in self._of(partition):
                    entry.clock.caught_up(partition, round(now * SECOND), final)
            case Gap(partition, start, end, reason):
                self._count(partition.topic, Counter({reason: end - start}))
                self.positions[partition] = end
                self._note_gap(value, now)

    def advance(self, now: float) -> None:
        """Settle what has waited long enough, and close the panes that may close."""
        for entry in self._entries.values():
            if entry.held and now - entry.held_since >= LONGEST_WAIT:
                self._settle(entry, now)
            if entry.model is not None:
                entry.model.advance(round(now * SECOND))

    def set_back(self, now: float) -> None:
        """The wall clock was set back to `now`: what waits for a time waits from here on."""
        for entry in self._entries.values():
            entry.held_since = min(entry.held_since, now)
            entry.retry_at = min(entry.retry_at, now)
            entry.clock.set_back(round(now * SECOND))
            if entry.model is not None:
                entry.model.set_back(round(now * SECOND))

    def warm(self) -> bool:
        """Fetch one closed pane from the archive that a window will need; whether there was any."""
        return any(e.model.windows.warm() for e in self._entries.values() if e.model is not None)

    def finish(self, now: float) -> None:
        """Close everything that is open: the source will give no more."""
        for entry in self._entries.values():
            if entry.held:
                self._settle(entry, now)
            if entry.model is not None:
                entry.model.finish(round(now * SECOND))

    def restart_positions(self) -> dict[Partition, int]:
        """Where a restart has to begin: before the first record that some model has not taken."""
        positions = dict(self.positions)
        for entry in self._entries.values():
            for partition, offset in entry.positions(self.positions).items():
                positions[partition] = min(offset, positions.get(partition, offset))
        return positions

    def state(self) -> State:
        """All that it holds; the caller owns it. It is of the moment between two values."""
        positions = self.restart_positions()
        models: State = {}
        for name, entry in self._entries.items():
            own = entry.positions(self.positions)
            models[name] = {
                "taken": [[*p, offset] for p, offset in own.items() if offset > positions[p]],
                "clock": entry.clock.state(),
                "model": entry.restored if entry.model is None else entry.model.state(),
            }
        return {"positions": [[*p, offset] for p, offset in positions.items()], "models": models}

    def restore(self, stored: Stored) -> None:
        """Become what the state was taken of; models that are not in the config are let go.

        Raises:
            StateError: it is damaged, or does not fit a model's config and schema.
        """
        try:
            for topic, number, offset in stored.rows("positions"):
                self.positions[Partition(topic, number)] = offset
            models = stored.part("models")
            for name in models:
                if name in self._entries:
                    self._restore(self._entries[name], models.part(name))
                else:
                    log.warning(
                        "the state of a model that is not in the config is let go",
                        extra={"model": name},
                    )
        except (TypeError, ValueError) as error:  # rows of another length than they should have
            raise StateError(f"{stored.place}: {error}") from error

    def _restore(self, entry: _Entry, stored: Stored) -> None:
        entry.clock.restore(stored.part("clock"))
        for topic, number, offset in stored.rows("taken"):
            entry.taken[Partition(topic, number)] = offset
        if not stored.given("model"):
            return
        if entry.model is not None:
            entry.model.restore(stored.part("model"))
        elif entry.settling.extends:
            check_pane(stored.part("model").part("windows"), entry.rules.time.pane)
            entry.restored = stored.part("model").whole_state()
        else:
            raise StateError(
                f"{entry.settling.path} is gone, and the state of model {entry.rules.name} rests "
                "on it; restore it from a backup, or move the state folder away to begin anew"
            )

    def _model(self, entry: _Entry, settled: Settled) -> Model:
        judging = entry.judging(settled, self._board)
        parts = (entry.rules, settled, entry.clock, self._board, self._keeping, self._listeners)
        return Model(*parts, judging)

    def _note_gap(self, gap: Gap, now: float) -> None:
        for entry in self._entries.values():
            if entry.taken.get(gap.partition, gap.end + 1) <= gap.end:
                del entry.taken[gap.partition]
        where = {"topic": gap.partition.topic, "partition": gap.partition.number}
        what = {"from": gap.start, "to": gap.end, "reason": gap.reason}
        log.warning("records could not be read", extra=where | what)
        at = round(now * SECOND)
        subject = f"{gap.partition.topic}/{gap.partition.number}"
        self._keeping.note(Event(at, at, "gap", "", subject, where | what))

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
            fresh = entry.new_to(part)
            if fresh is None:
                continue
            if entry.model is None:
                self._hold(entry, fresh, now)
            else:
                self._handle(entry.model, fresh, now)
        self.positions[records.partition] = int(records.offsets[-1]) + 1

    def _hold(self, entry: _Entry, records: Records, now: float) -> None:
        if not entry.held:
            entry.held_since = now
        entry.held.append(records)
        entry.held_rows += len(records)
        entry.held_bytes += sum(len(value) for value in records.values if value is not None)
        enough = entry.held_rows >= ENOUGH_ROWS or entry.held_bytes >= ENOUGH_BYTES
        if enough and now >= entry.retry_at:
            self._settle(entry, now)

    def _settle(self, entry: _Entry, now: float) -> None:
        try:
            chosen = entry.settling.choose(entry.held)
            model = self._model(entry, chosen) if isinstance(chosen, Settled) else None
            if model is not None and entry.restored is not None:
                model.restore(Stored(entry.restored, entry.rules.name))
        except (OSError, SchemaError, SchemaMismatch, StateError) as error:
            # Without its schema on disk nothing may be counted: it waits, and so do its records.
            log.warning(
                "the schema cannot be chosen and written: it is tried again",
                extra={"model": entry.rules.name, "why": str(error)},
            )
            entry.held_since, entry.retry_at = now, now + LONGEST_WAIT
            return
        held, entry.held, entry.held_rows, entry.held_bytes = entry.held, [], 0, 0
        if isinstance(chosen, Settled):
            entry.model, entry.restored = model, None
            for records in held:
                self._handle(self.models[entry.rules.name], records, now)
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
