"""Compaction: a day becomes one file, in which everybody finds what was in the many."""

from __future__ import annotations

import threading
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from collectors.summaries.state import StateError
from monitor.archive import Archive, Unreadable
from monitor.archive_files import COMPACT
from monitor.compaction import QUIET, SAFETY, Compaction, Reach, size
from monitor.disk import PARTIAL
from monitor.event_clock import DAY
from tests.support.compacting import (
    HOUR,
    KEEP,
    NOW,
    REACH,
    START,
    Book,
    compact,
    counted,
    counted_carefully,
    event,
    last_revisions,
    names,
    once,
    pane,
)


@pytest.fixture
def book(tmp_path: Path) -> Book:
    """Two days of two versions with revisions, and a third with but one pane; events of two days.

    The newest checkpoint, which nothing counts on yet, is of another day.
    """
    book = Book(tmp_path)
    for hour in (1, 0, 2, 25, 26):
        both = [pane(hour), pane(hour, rows=7, version="v2")]
        book.write(both, [event(hour, f"{hour}h")])
    book.write([pane(1, revision=n, rows=3 + n) for n in range(1, 12)])
    book.write([pane(25, revision=1, rows=9)], [event(0.5, "late", "alarm"), event(0, "at once")])
    book.write([pane(50)])
    book.write([pane(24 * 25)], [event(24 * 25, "now")])
    book.grow_old()
    return book


def test_a_day_becomes_one_file(book: Book) -> None:
    folder = book.archive.folder
    done = compact(folder)
    assert names(folder) == [
        "events/date=2013-02-08/compact.parquet",
        "events/date=2013-02-09/compact.parquet",
        "events/date=2013-03-05/0000000000000009.parquet",
        "panes/model=m/date=2013-02-08/compact.parquet",
        "panes/model=m/date=2013-02-09/compact.parquet",
        # One file is one already.
        *[name for name in names(folder) if "date=2013-02-10" in name],
        *[name for name in names(folder) if "panes/model=m/date=2013-03-05" in name],
    ]
    assert (done.days, done.files, done.removed, done.failed, done.whole) == (
        *(4, 17 + 5 + 4 + 2, 0, 0, True),
    )
    book.check()
    before = {name: (folder / name).stat().st_ino for name in names(folder)}
    assert compact(folder).days == 0
    assert {name: (folder / name).stat().st_ino for name in names(folder)} == before
    assert size(folder)[0] == len(before)


def test_duckdb_and_pandas_find_each_pane_once_and_all_of_it(book: Book) -> None:
    folder = book.archive.folder
    wanted = last_revisions(folder)
    assert counted(folder)["m", "v1", START + HOUR] == (12, 11)  # each of its revisions
    assert counted_carefully(folder) == once(book.panes)
    compact(folder)
    assert counted(folder) == counted_carefully(folder) == once(book.panes)
    pd.testing.assert_frame_equal(last_revisions(folder), wanted)
    found = pd.read_parquet(folder / "panes/model=m/date=2013-02-08/compact.parquet")
    assert found.columns.tolist() == wanted.columns.tolist()
    assert found["start"].is_monotonic_increasing
    query = f"""
        SELECT epoch_us(start), rows, wholes FROM read_parquet('{folder}/panes/*/*/*.parquet')
        WHERE name = 'cells'
    """
    for start, rows, cells in duckdb.execute(query).fetchall():
        hours = (start - START) // HOUR
        assert cells == [number - hours for number in range(rows)]


def test_events_are_in_order_for_everybody(book: Book) -> None:
    folder = book.archive.folder
    compact(folder)
    frame = pd.read_parquet(folder / "events/date=2013-02-08/compact.parquet")
    # At one time, as they were noted.
    assert frame["subject"].tolist() == ["0h", "at once", "late", "1h", "2h"]
    query = f"SELECT subject FROM read_parquet('{folder}/events/*/*.parquet') ORDER BY time"
    found = [subject for (subject,) in duckdb.execute(query).fetchall()]
    assert sorted(found) == sorted(one.subject for one in book.events)


def test_what_comes_late_counts_at_once_and_goes_into_the_file_the_next_time(book: Book) -> None:
    folder = book.archive.folder
    compact(folder)
    late = [pane(1, revision=12, rows=50), pane(3), pane(2, revision=1, rows=8, version="v2")]
    book.write(late, [event(0.5, "later"), event(26, "still later")])
    book.check()
    assert counted_carefully(folder) == once(book.panes)
    book.write([pane(24 * 25 + 1)])
    assert compact(folder).days == 0  # it was written just now
    book.grow_old()
    done = compact(folder)
    assert (done.days, done.files) == (3, 5)
    book.check()
    assert counted(folder) == once(book.panes)
    assert [name for name in names(folder) if "02-08" in name] == [
        "events/date=2013-02-08/compact.parquet",
        "panes/model=m/date=2013-02-08/compact.parquet",
    ]


def test_nothing_is_touched_that_a_start_may_still_remove(tmp_path: Path) -> None:
    book = Book(tmp_path)
    book.write([pane(0), pane(1)], [event(0, "a")])
    book.write([pane(2)], [event(0, "b")])
    book.grow_old()
    before = names(tmp_path)
    assert compact(tmp_path).days == 0
    assert names(tmp_path) == before
    # The checkpoint is damaged, and the one before it has to do.
    assert Archive(tmp_path).undo(1) == 2
    del book.panes["m", "v1", START + 2 * HOUR]
    del book.events[1]
    book.check()


def test_undo_goes_over_compacted_days(book: Book) -> None:
    folder = book.archive.folder
    compact(folder)
    panes, events = dict(book.panes), list(book.events)
    sequence = book.sequence
    book.write([pane(1, revision=12, rows=50), pane(3)], [event(0.5, "later")])
    book.check()
    assert Archive(folder).undo(sequence) == 3
    book.panes, book.events = panes, events
    book.check()


@pytest.mark.parametrize(
    ("now", "days"),
    [
        (START + DAY + REACH["m"].late + SAFETY - 1, 0),
        (START + DAY + REACH["m"].late + SAFETY, 1),
    ],
)
def test_a_day_waits_until_no_row_of_it_can_come(tmp_path: Path, now: int, days: int) -> None:
    book = Book(tmp_path)
    book.write([pane(0), pane(1)])
    book.write([pane(24 * 25)])
    book.grow_old(START)
    assert compact(tmp_path, now).days == days


@pytest.mark.parametrize(("quiet", "days"), [(QUIET - 1, 0), (QUIET, 1)])
def test_a_day_of_long_ago_that_is_read_now_waits_too(
    tmp_path: Path, quiet: int, days: int
) -> None:
    book = Book(tmp_path)
    book.write([pane(0), pane(1)])
    book.write([pane(24 * 25)])
    book.grow_old(NOW - quiet)
    assert compact(tmp_path).days == days


def test_a_model_that_the_config_has_no_more_is_compacted_too(tmp_path: Path) -> None:
    book = Book(tmp_path)
    book.write([pane(hour, model=model) for hour in (0, 1) for model in ("m", "of-before", "m.2")])
    book.write([pane(24 * 25)])
    book.grow_old()
    assert compact(tmp_path).days == 3
    book.check()
    assert counted(tmp_path) == once(book.panes)


def test_between_days_and_panes_it_looks_whether_to_stop(book: Book) -> None:
    folder = book.archive.folder
    before = names(folder)
    for looks in range(30):
        asked = iter([False] * looks)
        stopping = threading.Event()

        def stop(asked: object = asked, stopping: threading.Event = stopping) -> bool:
            if next(asked, True):  # type: ignore[call-overload]
                stopping.set()
            return stopping.is_set()

        done = Compaction(folder, KEEP, REACH).run(NOW, stop)
        assert done.whole != stopping.is_set()
        assert not [name for name in names(folder) if PARTIAL in name]
        book.check()
        if looks == 0:
            assert names(folder) == before
        if done.whole:
            break
    assert done.whole
    assert 5 < looks < 29
    assert counted(folder) == once(book.panes)


def test_a_damaged_file_is_left_as_it_is_and_said(
    book: Book, caplog: pytest.LogCaptureFixture
) -> None:
    folder = book.archive.folder
    (damaged,) = folder.glob("panes/*/date=2013-02-08/*T01*-r11.parquet")
    damaged.write_bytes(damaged.read_bytes()[:-20])
    book.grow_old()
    revisions = [name for name in names(folder) if damaged.name[:20] in name]
    compact(folder)
    # No older revision takes its place.
    left = [name for name in names(folder) if "02-08" in name and COMPACT not in name]
    assert left == revisions
    assert [r.file for r in caplog.records] == [str(damaged)]  # type: ignore[attr-defined]
    with pytest.raises(Unreadable) as caught:
        Archive(folder).last("m", "v1", "", START + HOUR)
    assert caught.value.revision == 11
    assert compact(folder).days == 0
    book.write([pane(1, revision=12, rows=50)])
    book.write([pane(24 * 25 + 1)])
    book.grow_old()
    compact(folder)
    book.check()
    assert counted(folder) == once(book.panes)


def test_a_file_that_holds_another_pane_than_its_name_says_is_damaged(book: Book) -> None:
    folder = book.archive.folder
    one, other = sorted(folder.glob("panes/*/date=2013-02-09/*T02*.parquet"))
    one.write_bytes(other.read_bytes())
    book.grow_old()
    compact(folder)
    assert [name for name in names(folder) if "panes/model=m/date=2013-02-09" in name] == [
        str(one.relative_to(folder)),
        f"panes/model=m/date=2013-02-09/{COMPACT}",
    ]


def test_a_damaged_compact_file_is_said_and_what_comes_then_counts(
    book: Book, caplog: pytest.LogCaptureFixture
) -> None:
    folder = book.archive.folder
    compact(folder)
    path = folder / "panes/model=m/date=2013-02-08" / COMPACT
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(Unreadable, match=f"{path}: damaged") as caught:
        Archive(folder).last("m", "v1", "", START)
    with pytest.raises(StateError, match=f"{path}: damaged"):
        list(Archive(folder).panes("m"))
    book.write([pane(0, revision=caught.value.revision + 1, rows=50)])
    last = Archive(folder).last("m", "v1", "", START)
    assert last is not None
    assert last.rows == 50
    book.write([pane(24 * 25 + 1)])
    book.grow_old()
    before = names(folder)
    caplog.clear()
    assert compact(folder).failed == 0
    assert names(folder) == before
    assert [r.levelname for r in caplog.records] == ["WARNING"]


def test_every_byte_of_a_compact_file_that_is_damaged_is_told_or_harmless(tmp_path: Path) -> None:
    book = Book(tmp_path)
    book.write([pane(0), pane(1)], [event(0, "a"), event(1, "b", "alarm")])
    book.write([pane(2)], [event(2, "c")])
    book.write([pane(24 * 25)])
    book.grow_old()
    compact(tmp_path)
    told = tried = 0
    for path in tmp_path.glob(f"*/**/{COMPACT}"):
        whole = path.read_bytes()
        for place in range(0, len(whole), 31):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
            tried += 1
            try:
                book.check()
            except StateError:
                told += 1
        path.write_bytes(whole)
    assert tried // 2 < told < tried


def test_what_is_not_of_this_program_is_left_alone(book: Book) -> None:
    folder = book.archive.folder
    for day in (*folder.glob("panes/*/date=2013-02-08"), *folder.glob("events/date=2013-02-08")):
        (day / "notes.parquet").write_bytes(b"mine")
        (day / "readme").write_text("mine")
    (folder / "panes" / "model=m" / "date=2013-02-31").mkdir()
    (folder / "panes" / "model=m" / "date=soon").mkdir()
    compact(folder)
    assert sum(1 for path in folder.rglob("*") if path.name in {"notes.parquet", "readme"}) == 4
    book.check()


def test_an_archive_that_is_not_there_is_compacted_in_no_time(tmp_path: Path) -> None:
    done = Compaction(tmp_path / "none", KEEP, {"m": Reach()}).run(NOW)
    assert (done.whole, done.days, done.failed) == (True, 0, 0)
