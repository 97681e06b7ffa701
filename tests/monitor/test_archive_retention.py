"""How long the archive is kept: days that are older and were written longer ago go, whole."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from monitor.archive import Archive
from monitor.compaction import Compaction, Reach
from monitor.event_clock import DAY
from tests.support.compacting import (
    HOUR,
    KEEP,
    NOW,
    START,
    Book,
    compact,
    counted,
    event,
    names,
    once,
    pane,
)

LATER = START + 3 * DAY + KEEP
"""When the first two days of `make` are too old, and the third is not."""


def make(folder: Path, written: int = START + 3 * DAY) -> Book:
    """Panes and events of two days, and of a day four weeks later."""
    book = Book(folder)
    book.write([pane(hour) for hour in (0, 1, 24, 25)], [event(0, "a"), event(24, "b", "alarm")])
    book.write([pane(24 * 28), pane(24 * 28 + 1)], [event(24 * 28, "c"), event(24 * 28, "d")])
    book.write([pane(24 * 28 + 2)])
    book.grow_old(written)
    return book


def left(folder: Path) -> set[str]:
    return {name.rpartition("date=")[2][:10] for name in names(folder)}


@pytest.mark.parametrize(
    ("now", "days"),
    [
        (START + DAY + KEEP - 1, {"2013-02-08", "2013-02-09", "2013-03-08"}),
        (LATER - 1, {"2013-02-08", "2013-02-09", "2013-03-08"}),
        (LATER, {"2013-03-08"}),
    ],
)
def test_a_day_goes_once_it_is_old_and_was_written_long_ago(
    tmp_path: Path, now: int, days: set[str]
) -> None:
    book = make(tmp_path)
    done = compact(tmp_path, now)
    assert left(tmp_path) == days
    assert done.removed == (0 if len(days) == 3 else 4)
    assert len(list(tmp_path.glob("*/**/date=*"))) == 2 * len(days)
    if len(days) == 1:
        book.panes = {place: one for place, one in book.panes.items() if place[2] >= NOW - 10 * DAY}
        book.events = book.events[2:]
    book.check()
    assert counted(tmp_path) == once(book.panes)
    assert compact(tmp_path, now).removed == 0


def test_a_log_of_long_ago_that_was_read_of_late_is_kept(tmp_path: Path) -> None:
    now = START + 4_000 * DAY
    book = make(tmp_path, now - KEEP + DAY)
    assert (compact(tmp_path, now).removed, compact(tmp_path, now + DAY - 1).removed) == (0, 0)
    book.check()
    # When it was compacted is not when it was written.
    for path in tmp_path.rglob("compact.parquet"):
        assert path.stat().st_mtime_ns == (now - KEEP + DAY) * 1_000
    # Of the model stays what windows may need.
    assert compact(tmp_path, now + DAY).removed == 2 + 3


def test_what_windows_of_a_model_may_still_need_stays(tmp_path: Path) -> None:
    make(tmp_path)
    reach = {"m": Reach(late=DAY, needed=28 * DAY)}
    assert Compaction(tmp_path, KEEP, reach).run(LATER).removed == 3  # one of panes, two of events
    assert Archive(tmp_path).last("m", "v1", "", START + 25 * HOUR) is not None
    assert Archive(tmp_path).last("m", "v1", "", START) is None


def test_what_a_start_may_still_remove_stays(tmp_path: Path) -> None:
    book = make(tmp_path)
    book.write([pane(1, revision=1)])
    book.grow_old(START + 3 * DAY)
    assert compact(tmp_path, LATER).removed == 3
    assert Archive(tmp_path).undo(book.sequence - 1) == 1
    last = Archive(tmp_path).last("m", "v1", "", START + HOUR)
    assert last is not None
    assert last.revision == 0


def test_what_is_not_of_this_program_stays_in_its_folder(tmp_path: Path) -> None:
    make(tmp_path)
    (day,) = tmp_path.glob("panes/*/date=2013-02-08")
    (day / "notes.txt").write_text("mine")
    (day / "compact.parquet.partial").write_bytes(b"half")
    os.utime(day / "compact.parquet.partial", (0, 0))
    assert compact(tmp_path, LATER).removed == 4
    assert [path.name for path in day.iterdir()] == ["notes.txt"]
    assert compact(tmp_path, LATER).removed == 0
