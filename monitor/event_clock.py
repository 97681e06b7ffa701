"""Event time of one model: which rows are accepted, and how far its panes may close.

The two questions are kept apart. What is accepted is a function of the log alone: of the rows that
came before in the same partition. When to publish also looks at the wall clock, at partitions that
have nothing more to say, and at the other partitions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from collectors.events import Ints
from collectors.sources import Partition
from collectors.summaries.state import State, Stored

SECOND = 1_000_000
"""Event times are integers in microseconds."""

DAY = 86_400 * SECOND
NEVER = -(2**62)
FOREVER = 2**62

CONFIRMATION_LASTS = 15 * SECOND
"""How long a confirmed end of a partition is fresh: a broker that went silent confirms nothing."""


@dataclass(frozen=True, slots=True)
class TimeRules:
    """The settings of one model's time, all in microseconds."""

    pane: int
    lateness: int
    keep_late: int
    max_future: int
    idle_timeout: int


class Admission(NamedTuple):
    """Masks over the rows of one batch, bool [n]; a row is in exactly one of the three."""

    accepted: NDArray[np.bool_]
    late: NDArray[np.bool_]
    future: NDArray[np.bool_]


@dataclass(slots=True)
class _PartitionTime:
    newest: int = NEVER  # largest event time in the log so far
    confirmed: int = NEVER  # wall time at which its end was last confirmed
    quiet_since: int = FOREVER  # wall time since which it is at its end without a row
    final: bool = False


class EventClock:
    """Watermarks of one model over its partitions. `now` is wall time in microseconds."""

    def __init__(self, rules: TimeRules) -> None:
        self.rules = rules
        self._partitions: dict[Partition, _PartitionTime] = {}
        self._remembered: dict[Partition, int] = {}

    def assign(self, partition: Partition) -> None:
        """The partition is read from now on, and holds panes open until it is heard of."""
        if partition not in self._partitions:
            newest = self._remembered.pop(partition, NEVER)
            self._partitions[partition] = _PartitionTime(newest)

    def revoke(self, partition: Partition) -> None:
        """The partition is read no more, holds nothing back, and begins anew if it comes again."""
        self._partitions.pop(partition, None)
        self._remembered.pop(partition, None)

    def state(self) -> State:
        """The largest event time in each partition's log so far; the caller owns it."""
        newest = {partition: time.newest for partition, time in self._partitions.items()}
        return {
            "newest": [
                [*partition, time] for partition, time in (self._remembered | newest).items()
            ]
        }

    def restore(self, stored: Stored) -> None:
        """Remember how far each partition was; it counts again once the partition is assigned.

        Raises:
            StateError: the state is damaged.
        """
        for topic, number, newest in stored.rows("newest"):
            self._remembered[Partition(topic, number)] = newest

    def caught_up(self, partition: Partition, now: int, final: bool) -> None:
        """Its end was just confirmed, and everything before it was read."""
        self.assign(partition)
        state = self._partitions[partition]
        state.confirmed = now
        state.final = state.final or final
        if state.quiet_since == FOREVER:
            state.quiet_since = now

    def set_back(self, now: int) -> None:
        """The wall clock was set back to `now`: nothing was confirmed, or quiet, only later."""
        for state in self._partitions.values():
            state.confirmed = min(state.confirmed, now)
            if state.quiet_since != FOREVER:
                state.quiet_since = min(state.quiet_since, now)

    def admit(self, partition: Partition, time: Ints, broker_time: Ints, now: int) -> Admission:
        """Judge rows in the order of the partition's log, and move its watermark.

        A row is late when its pane's end + keep_late is not later than the largest event time
        before it less lateness. It is of the future when it is more than max_future past the
        broker's time for it, or, where there is no such time or it is itself more than a day ahead,
        more than a day past `now`; such a row does not move the watermark.
        """
        self.assign(partition)
        state = self._partitions[partition]
        believable = (broker_time >= 0) & (broker_time <= now + DAY)
        limit = np.where(believable, broker_time + self.rules.max_future, now + DAY)
        future = time > limit
        past = np.where(future, NEVER, time)
        newest = np.maximum.accumulate(np.concatenate(([state.newest], past)))
        pane_end = (time // self.rules.pane + 1) * self.rules.pane
        late = ~future & (pane_end + self.rules.keep_late <= newest[:-1] - self.rules.lateness)
        state.newest = int(newest[-1])
        if len(time):
            state.quiet_since = FOREVER
        return Admission(~(late | future), late, future)

    def closable(self, now: int) -> int:
        """Panes that end at or before this event time may close; `NEVER` while none may.

        The smallest watermark of the partitions that are not idle; where all are idle, the wall
        clock less lateness; where all have ended for good, `FOREVER`.
        """
        states = self._partitions.values()
        if not states:
            return NEVER
        if all(state.final for state in states):
            return FOREVER
        holding = [state.newest for state in states if not self._idle(state, now)]
        return (min(holding) if holding else now) - self.rules.lateness

    def _idle(self, state: _PartitionTime, now: int) -> bool:
        if state.final:
            return True
        fresh = now - state.confirmed <= max(CONFIRMATION_LASTS, self.rules.idle_timeout)
        return fresh and now - state.quiet_since >= self.rules.idle_timeout
