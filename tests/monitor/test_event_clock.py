"""Which rows are accepted, and when panes may close."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.sources import Partition
from monitor.event_clock import DAY, FOREVER, NEVER, SECOND, EventClock, TimeRules

HOUR = 3600 * SECOND
MINUTE = 60 * SECOND
NOW = 1_800_000_000 * SECOND
ONE, TWO = Partition("t", 0), Partition("t", 1)
RULES = TimeRules(
    pane=HOUR, lateness=5 * MINUTE, keep_late=DAY, max_future=5 * MINUTE, idle_timeout=MINUTE
)


def admit(
    clock: EventClock, times: list[int], broker: int = -1, partition: Partition = ONE
) -> list[str]:
    array = np.array(times, dtype=np.int64)
    masks = clock.admit(partition, array, np.full(len(array), broker), NOW)
    names = np.select(list(masks), ["accepted", "late", "future"], "none")
    return [str(name) for name in names]


def test_a_row_is_late_by_the_rows_before_it_in_its_own_partition_alone() -> None:
    clock = EventClock(RULES)
    start = NOW // HOUR * HOUR - 40 * DAY
    newest = start + 10 * DAY
    assert admit(clock, [newest], partition=TWO) == ["accepted"]
    assert admit(clock, [start]) == ["accepted"]
    edge = newest - 5 * MINUTE - DAY  # the watermark less keep_late
    pane_that_just_counts = (edge // HOUR) * HOUR
    assert admit(clock, [newest, pane_that_just_counts, pane_that_just_counts - 1]) == [
        "accepted",
        "accepted",
        "late",
    ]


def test_the_newest_row_counts_from_the_next_row_on() -> None:
    clock = EventClock(RULES)
    old = NOW - 30 * DAY
    assert admit(clock, [old, NOW - HOUR, old]) == ["accepted", "accepted", "late"]


def test_a_row_of_the_future_is_left_out_and_moves_no_watermark() -> None:
    clock = EventClock(RULES)
    stamped = NOW - DAY
    assert admit(clock, [stamped + 6 * MINUTE], broker=stamped) == ["future"]
    assert admit(clock, [stamped + 5 * MINUTE], broker=stamped) == ["accepted"]
    year_9999 = 253_370_764_800 * SECOND
    assert admit(clock, [year_9999, stamped]) == ["future", "accepted"]
    assert clock.closable(NOW) == stamped


def test_without_a_believable_broker_time_a_day_ahead_is_the_future() -> None:
    clock = EventClock(RULES)
    assert admit(clock, [NOW + DAY - 1, NOW + DAY + 1]) == ["accepted", "future"]
    skewed = NOW + 2 * DAY
    assert admit(clock, [NOW + DAY + 1], broker=skewed) == ["future"]


def test_panes_close_with_the_slowest_partition() -> None:
    clock = EventClock(RULES)
    clock.assign(ONE)
    clock.assign(TWO)
    admit(clock, [NOW - HOUR])
    assert clock.closable(NOW) < 0
    admit(clock, [NOW - 3 * HOUR], partition=TWO)
    assert clock.closable(NOW) == NOW - 3 * HOUR - 5 * MINUTE


def test_an_idle_partition_holds_nothing_back_once_its_end_is_freshly_confirmed() -> None:
    clock = EventClock(RULES)
    clock.assign(ONE)
    clock.assign(TWO)
    admit(clock, [NOW - HOUR])
    clock.caught_up(TWO, NOW, final=False)
    assert clock.closable(NOW + MINUTE - 1) < 0
    clock.caught_up(TWO, NOW + MINUTE, final=False)
    assert clock.closable(NOW + MINUTE) == NOW - HOUR - 5 * MINUTE


def test_a_partition_that_stalls_with_a_backlog_is_never_idle() -> None:
    clock = EventClock(RULES)
    clock.assign(ONE)
    clock.assign(TWO)
    admit(clock, [NOW - HOUR])
    clock.caught_up(TWO, NOW, final=False)
    # Nothing confirms its end any more: the broker may hold records that nobody can see.
    assert clock.closable(NOW + 100 * DAY) < 0


def test_the_wall_clock_closes_when_all_are_idle() -> None:
    clock = EventClock(RULES)
    admit(clock, [NOW - HOUR])
    for moment in (NOW, NOW + 2 * MINUTE):
        clock.caught_up(ONE, moment, final=False)
    assert clock.closable(NOW + 2 * MINUTE) == NOW + 2 * MINUTE - 5 * MINUTE


def test_files_that_ended_close_everything() -> None:
    clock = EventClock(RULES)
    assert clock.closable(NOW) == NEVER
    admit(clock, [NOW - HOUR])
    clock.caught_up(ONE, NOW, final=True)
    assert clock.closable(NOW) == FOREVER
    clock.assign(TWO)
    assert clock.closable(NOW) < 0
    clock.revoke(TWO)
    assert clock.closable(NOW) == FOREVER


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(-3 * DAY, 2 * DAY), min_size=1, max_size=40),
    st.lists(st.integers(0, 40), max_size=5),
)
def test_acceptance_does_not_depend_on_the_batches(offsets: list[int], cuts: list[int]) -> None:
    times = [NOW + offset for offset in offsets]
    whole = admit(EventClock(RULES), times)
    clock, parts = EventClock(RULES), []
    edges = [0, *sorted(cuts), len(times)]
    for begin, end in pairwise(edges):
        parts += admit(clock, times[begin:end])
    assert parts == whole


@pytest.mark.parametrize("moment", [0, -(62_135_596_800 * SECOND)])
def test_times_of_1970_and_of_the_year_1_are_rows_like_others(moment: int) -> None:
    clock = EventClock(RULES)
    assert admit(clock, [moment, NOW, moment]) == ["accepted", "accepted", "late"]
