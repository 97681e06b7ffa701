"""What waits for the disk: closed panes and events alike, and no more of both than a bound."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from collectors.sources import StreamValue
from monitor.archive import Event
from monitor.archive_table import ClosedPane
from monitor.board import Board
from monitor.keeper import MOST_UNSAVED, Keeper
from tests.support.boards import values
from tests.support.faults import FailingOs
from tests.support.lives import begun, row

HOUR = 3_600_000_000


def event(number: int) -> Event:
    return Event(number, number, "gap", "", f"t/{number}", {})


def pane(number: int) -> ClosedPane:
    start = number * HOUR
    return ClosedPane(
        "m", "v1", "", start, start + HOUR, 0, 1, start + 2 * HOUR, "id", {"rows": 1}, []
    )


@pytest.fixture
def board() -> Board:
    return Board()


@pytest.fixture
def keeper(tmp_path: Path, board: Board) -> Iterator[Keeper]:
    """One whose next state is due in an hour, were it not for what waits."""
    keeper = Keeper(tmp_path / "state", 3_600.0, board)
    keeper.open()
    assert keeper.save(dict, {}, now=0.0, timeout=30)
    assert not keeper.due(2.0)
    yield keeper
    keeper.close()


def shown(board: Board) -> float:
    (value,) = values(board, "checkpoint.unsaved_panes").values()
    return float(str(value))


def test_events_wait_for_the_disk_as_panes_do(keeper: Keeper, board: Board) -> None:
    half = MOST_UNSAVED // 2
    for number in range(half - 1):
        keeper.note(event(number))
    assert (keeper.unsaved, keeper.due(2.0), keeper.full) == (half - 1, False, False)
    keeper.note(event(half))
    assert (keeper.unsaved, keeper.due(2.0), keeper.full) == (half, True, False)
    for number in range(half):
        keeper.put(pane(number))
    assert (keeper.unsaved, keeper.full) == (2 * half, True)
    assert keeper.save(dict, {}, now=2.0, timeout=30)
    assert (keeper.unsaved, keeper.due(4.0), keeper.full, shown(board)) == (0, False, False, 0)


def test_what_is_noted_while_a_state_is_written_waits_for_the_next(
    keeper: Keeper, board: Board
) -> None:
    keeper.note(event(0))
    keeper.begin(dict, {}, 2.0)
    keeper.note(event(1))
    keeper.put(pane(1))
    assert keeper.unsaved == 3
    keeper.wait(30)
    assert not keeper.due(2.5)
    assert (keeper.unsaved, shown(board)) == (2, 2)


def test_reading_stops_at_events_alone_while_the_disk_is_full_and_goes_on_after(
    tmp_path: Path,
) -> None:
    one = begun(tmp_path)
    one.feed([row()])
    one.settle()
    assert one.app.save()
    polls: list[float] = []

    def poll(_timeout: float, now: float) -> list[StreamValue]:
        polls.append(now)
        return []

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("monitor.disk.os", FailingOs(1, 10**9))
        patch.setattr("monitor.app.POLL", 0.0)
        patch.setattr(one.source, "poll", poll)
        one.app.turn()
        assert len(polls) == 1
        for number in range(MOST_UNSAVED):
            one.app.keeper.note(event(number))
        for _ in range(3):
            one.app.turn()
        assert len(polls) == 1
        assert not one.app.save()
        assert one.app.keeper.unsaved >= MOST_UNSAVED
        patch.setattr("monitor.disk.os", FailingOs(1, 0))
        assert one.app.save(30)
        one.app.turn()
        assert len(polls) == 2
    one.app.stop()


def test_panes_of_one_start_are_found_written_or_not(keeper: Keeper) -> None:
    keeper.put(pane(1))
    assert keeper.save(dict, {}, now=0.0, timeout=30)
    keeper.put(replace(pane(1), version="v2", rows=2))
    keeper.put(replace(pane(1), revision=1, rows=7))
    keeper.put(pane(2))
    found = {(one.version, one.rows) for one in keeper.starting("m", HOUR)}
    assert found == {("v1", 7), ("v2", 2)}
    assert keeper.starting("m", 3 * HOUR) == []
