"""Panes open, close, roll up, and are revised."""

from __future__ import annotations

from typing import Any

from collectors.family import Statistic
from collectors.schema import Schema
from collectors.software import Software
from monitor.collection import Collection
from monitor.event_clock import DAY, NEVER, SECOND
from monitor.windows import PaneKey, Windows
from tests.support.events import HOUR, events

V1, V2 = PaneKey("v1"), PaneKey("v2")
START = 1_357_000_000 * SECOND // HOUR * HOUR
LONG_AFTER = START + 4_000 * DAY


def windows(lengths: tuple[int, ...] = (HOUR, 3 * HOUR)) -> Windows:
    schema = Schema(
        "m", {}, None, resources=dict.fromkeys(_resources(), Schema("m", {}, None).latency)
    )
    collection = Collection("m", [Software(schema, (0.1,))], timer=lambda: 0.0)
    return Windows(collection, lengths, shelf=lambda _start, _key: None)


def _resources() -> tuple[str, ...]:
    from collectors.events import RESOURCES

    return RESOURCES


def rows(found: Any) -> dict[PaneKey, int]:
    return {key: pane.rows for key, pane in found.items()}


def test_a_pane_closes_when_time_passes_its_end() -> None:
    panes = windows()
    panes.observe("v1", events([START, START + HOUR - 1, START + HOUR]))
    assert panes.advance(START + HOUR - 1, LONG_AFTER, revise=True).closed == ()
    published = panes.advance(START + HOUR, LONG_AFTER, revise=True)
    assert [(p.start, p.rows, p.revision) for p in published.closed] == [(START, 2, 0)]
    assert published.end == START + HOUR
    assert rows(panes.current(HOUR)) == {V1: 2}


def test_a_longer_window_is_the_merge_of_its_panes_and_rolls() -> None:
    panes = windows()
    for hour in range(5):
        panes.observe("v1", events([START + hour * HOUR + 1] * (hour + 1)))
        panes.advance(START + (hour + 1) * HOUR, LONG_AFTER, revise=True)
    assert rows(panes.current(HOUR)) == {V1: 5}
    assert rows(panes.current(3 * HOUR)) == {V1: 3 + 4 + 5}
    assert panes.current(3 * HOUR)[V1].summaries["software"].rows == 12


def test_a_version_without_rows_in_the_newest_pane_has_no_window() -> None:
    panes = windows()
    panes.observe("v1", events([START]))
    panes.observe("v2", events([START, START + HOUR]))
    panes.advance(START + HOUR, LONG_AFTER, revise=True)
    assert rows(panes.current(HOUR)) == {V1: 1, V2: 1}
    panes.advance(START + 2 * HOUR, LONG_AFTER, revise=True)
    assert rows(panes.current(HOUR)) == {V2: 1}
    assert rows(panes.current(3 * HOUR)) == {V1: 1, V2: 2}


def test_a_row_accepted_after_the_close_makes_a_revision() -> None:
    panes = windows()
    panes.observe("v1", events([START]))
    panes.advance(START + HOUR, LONG_AFTER, revise=True)
    panes.observe("v1", events([START + 5]))
    assert panes.advance(START + HOUR, LONG_AFTER, revise=False).closed == ()
    published = panes.advance(START + HOUR, LONG_AFTER, revise=True)
    assert [(p.rows, p.revision) for p in published.closed] == [(2, 1)]
    assert published.moved
    assert rows(panes.current(HOUR)) == {V1: 2}


def test_a_row_of_a_pane_long_gone_is_a_revision_that_no_window_shows() -> None:
    panes = windows()
    for hour in (0, 30):
        panes.observe("v1", events([START + hour * HOUR]))
        panes.advance(START + (hour + 1) * HOUR, LONG_AFTER, revise=True)
    panes.observe("v1", events([START + HOUR]))
    published = panes.advance(START + 31 * HOUR, LONG_AFTER, revise=True)
    assert [(p.start, p.revision) for p in published.closed] == [(START + HOUR, 1)]
    assert not published.moved


def test_empty_panes_close_near_the_present_only() -> None:
    panes = windows()
    panes.observe("v1", events([START]))
    panes.advance(START + HOUR, LONG_AFTER, revise=True)
    # A replay of long ago: the wall clock is years ahead of event time.
    assert panes.advance(START + 9 * HOUR, LONG_AFTER, revise=True).end == START + HOUR
    # Live: an hour without rows is an hour that ended.
    published = panes.advance(START + 9 * HOUR, START + 9 * HOUR + 1, revise=True)
    assert published.end == START + 9 * HOUR
    assert published.moved
    assert rows(panes.current(HOUR)) == {}


def test_nothing_closes_before_the_first_row() -> None:
    panes = windows()
    published = panes.advance(START, START, revise=True)
    assert (published.end, published.moved) == (NEVER, False)


def test_finish_closes_what_is_open() -> None:
    panes = windows()
    panes.observe("v1", events([START, START + 7 * HOUR]))
    assert len(panes.finish().closed) == 2
    assert panes.open_panes == 0


def test_memory_is_bounded_by_the_longest_window() -> None:
    panes = windows()
    for hour in range(200):
        panes.observe("v1", events([START + hour * HOUR]))
        panes.advance(START + (hour + 1) * HOUR, LONG_AFTER, revise=True)
    assert len(panes._closed) <= 4


def test_a_failing_collector_costs_only_itself() -> None:
    class Broken:
        name = "broken"

        def empty(self) -> None:
            return None

        def observe(self, summary: object, events: object) -> None:
            raise RuntimeError("no")

        def statistics(self, summary: object, seconds: float) -> list[Statistic]:
            raise RuntimeError("no")

    panes = windows()
    collection = panes.collection
    collection.families = [Broken(), *collection.families]  # type: ignore[list-item]
    collection.seconds["broken"], collection.healthy["broken"] = 0.0, True
    panes.observe("v1", events([START]))
    panes.finish()
    found = collection.statistics(panes.current(HOUR)[V1].summaries, 3600)
    assert Statistic("software.throughput", 1 / 3600) in found
    assert collection.healthy == {"broken": False, "software": True}
