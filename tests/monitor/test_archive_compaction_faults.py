"""Compaction that is killed, or whose disk fails, at each of its steps; and who is there then."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from monitor import archive_days
from monitor.archive import Archive
from monitor.archive_files import COMPACT, event_files, pane_files
from monitor.compacted import CompactPanes, read_events
from monitor.disk import PARTIAL
from monitor.event_clock import DAY
from tests.support.compacting import (
    HOUR,
    KEEP,
    NOW,
    START,
    Book,
    compact,
    counted,
    counted_carefully,
    event,
    names,
    once,
    pane,
)
from tests.support.faults import DyingOs, FailingOs, Killed, WatchedOs

LATER = NOW + DAY


def make(folder: Path) -> Book:
    """A day that was compacted, with late revisions beside it, a fresh one, and events of both."""
    book = Book(folder)
    book.write([pane(hour) for hour in (0, 1, 2)], [event(0, "a"), event(2, "b", "alarm")])
    book.write([pane(24 * 25)], [event(1, "c")])
    book.write([pane(24 * 25 + 1)])
    book.grow_old()
    compact(folder)
    late = [pane(1, revision=1, rows=4), pane(1, rows=8, version="v2")]
    book.write(late, [event(1, "d"), event(0, "e")])
    book.write([pane(1, revision=2, rows=5), pane(25), pane(26)], [event(25, "f", "alarm")])
    book.write([pane(25, revision=1, rows=6)], [event(25, "g")])
    book.write([pane(24 * 25 + 2)], [event(24 * 25, "now")])
    book.grow_old()
    return book


def steps(folder: Path) -> int:
    """How many writes, fsyncs, renames and removals a compaction of it takes."""
    copy = folder.with_name("counting")
    shutil.copytree(folder, copy)
    counting = FailingOs(0, 0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("monitor.disk.os", counting)
        compact(copy)
    shutil.rmtree(copy)
    return counting.calls


def moved(book: Book, folder: Path) -> Book:
    """The same in a copy of its folder."""
    shutil.copytree(book.archive.folder, folder)
    other = Book(folder)
    other.sequence, other.panes, other.events = book.sequence, dict(book.panes), list(book.events)
    return other


def finish(book: Book) -> None:
    """Another run comes to its end, and leaves each pane once, and nothing beside."""
    folder = book.archive.folder
    assert compact(folder, LATER).failed == 0
    book.check()
    assert counted(folder) == once(book.panes)
    left = [name for name in names(folder) if "-02-0" in name]
    assert {name.rpartition("/")[2] for name in left} == {COMPACT}
    assert len(left) == 4
    assert not [name for name in names(folder) if PARTIAL in name]


@pytest.mark.slow
def test_killed_at_each_step_nothing_is_lost_or_double(tmp_path: Path) -> None:
    book = make(tmp_path / "whole")
    total = steps(book.archive.folder)
    assert total > 30
    for at in range(1, total + 1):
        one = moved(book, tmp_path / "one")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("monitor.disk.os", DyingOs(at))
            with pytest.raises(Killed):
                compact(one.archive.folder)
        one.check()
        assert counted_carefully(one.archive.folder) == once(one.panes)
        # Another process begins, writes the next checkpoint, and compacts at its hour.
        assert Archive(one.archive.folder).undo(one.sequence) == 0
        one.check()
        one.write([pane(24 * 25 + 3)])
        finish(one)
        shutil.rmtree(one.archive.folder)


def test_killed_at_each_step_a_start_from_the_checkpoint_before_is_right_too(
    tmp_path: Path,
) -> None:
    book = make(tmp_path / "whole")
    for at in range(1, steps(book.archive.folder) + 1, 3):
        one = moved(book, tmp_path / "one")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("monitor.disk.os", DyingOs(at))
            with pytest.raises(Killed):
                compact(one.archive.folder)
        assert Archive(one.archive.folder).undo(one.sequence - 1) == 2
        del one.panes["m", "v1", START + (24 * 25 + 2) * HOUR]
        one.events.pop()
        one.check()
        shutil.rmtree(one.archive.folder)


@pytest.mark.slow
@pytest.mark.parametrize("times", [1, 1_000])
def test_a_disk_that_fails_at_each_step_is_said_and_tried_again(tmp_path: Path, times: int) -> None:
    book = make(tmp_path / "whole")
    for at in range(1, steps(book.archive.folder) + 1):
        one = moved(book, tmp_path / "one")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("monitor.disk.os", FailingOs(at, times))
            done = compact(one.archive.folder)
        assert done.whole
        assert done.failed == 1 if times == 1 else done.failed >= 1
        assert "No space left" in done.why
        assert not [name for name in names(one.archive.folder) if PARTIAL in name]
        one.check()
        finish(one)
        shutil.rmtree(one.archive.folder)


def during(book: Book, do: Callable[[int], None]) -> None:
    """Compact it, and before each step do something else."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("monitor.disk.os", WatchedOs(do))
        compact(book.archive.folder)


def test_who_reads_at_any_instant_is_told_all_of_it_once(tmp_path: Path) -> None:
    book = make(tmp_path / "whole")
    folder = book.archive.folder

    def read(step: int) -> None:
        book.check()
        assert counted_carefully(folder) == once(book.panes)
        assert counted(folder).keys() == book.panes.keys()

    during(book, read)
    finish(book)


def test_who_just_reads_all_files_finds_panes_twice_while_the_small_ones_are_removed_alone(
    tmp_path: Path,
) -> None:
    book = Book(tmp_path)
    book.write([pane(hour) for hour in range(6)])
    book.write([pane(24 * 25)])
    book.grow_old()
    twice = []
    during(book, lambda _: twice.append(sum(n - 1 for n, _ in counted(tmp_path).values())))
    # A write a pane and one of the footer, fsync; rename and fsync of the folder; the removals.
    assert twice == [0] * 7 + [0, 0, 6, 6, 5, 4, 3, 2, 1, 0]


@pytest.mark.slow
def test_what_is_written_at_any_instant_counts(tmp_path: Path) -> None:
    book = make(tmp_path / "whole")
    for at in range(1, steps(book.archive.folder) + 1):
        one = moved(book, tmp_path / "one")
        fresh = [pane(1, revision=3, rows=9), pane(25, revision=2, rows=9), pane(27)]

        def write(step: int, at: int = at, one: Book = one, fresh: Any = fresh) -> None:
            if step == at:
                with pytest.MonkeyPatch.context() as patch:
                    patch.setattr("monitor.disk.os", FailingOs(0, 0))
                    one.write(fresh, [event(1, "fresh"), event(25, "fresher", "alarm")])

        before = dict(one.panes), list(one.events), one.sequence
        during(one, write)
        one.check()
        if at % 2:  # the checkpoint that counts on it never came to be
            one.panes, one.events, sequence = before
            assert Archive(one.archive.folder).undo(sequence) == 5
            one.check()
        one.write([pane(24 * 25 + 3)])
        one.write([pane(24 * 25 + 4)])
        one.grow_old()
        finish(one)
        shutil.rmtree(one.archive.folder)


def _rows_of_last(archive: Archive) -> int | None:
    last = archive.last("m", "v1", "", START + 25 * HOUR)
    return None if last is None else last.rows


LOOKS: dict[str, Callable[[Archive], Any]] = {
    "panes": lambda archive: {(one.version, one.start): one.rows for one in archive.panes("m")},
    "last": _rows_of_last,
    "events": lambda archive: list(archive.events()),
}


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("when", ["listed", "while it is listed", "before they are read"])
def test_a_reader_whose_files_go_away_while_it_looks_finds_them_in_the_compact_one(
    tmp_path: Path, when: str, look: str
) -> None:
    """A list of a folder may have what was removed since, and lack what came while it was made."""
    book = make(tmp_path)
    wanted = LOOKS[look](book.archive)
    once_only = iter([True])

    def listed(real: Callable[[Path], Any]) -> Callable[[Path], Any]:
        def look(day: Path) -> Any:
            before = real(day)
            if when == "before they are read" or not next(once_only, False):
                return before
            compact(tmp_path)
            return before if when == "listed" else real(day)

        return look

    def opened(real: Callable[..., Any]) -> Callable[..., Any]:
        def look(path: Path, *more: Any) -> Any:
            try:
                return real(path, *more)
            finally:
                if "02-09" in str(path) and next(once_only, False):
                    compact(tmp_path)

        return look

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(archive_days, "pane_files", listed(pane_files))
        patch.setattr("monitor.archive.event_files", listed(event_files))
        if when == "before they are read":
            patch.setattr(archive_days, "CompactPanes", opened(CompactPanes))
            patch.setattr(archive_days, "read_events", opened(read_events))
        assert LOOKS[look](Archive(tmp_path)) == wanted
    assert next(once_only, None) is None
    book.check()


def test_a_reader_that_reads_on_while_the_day_is_compacted_gets_each_pane_once(
    tmp_path: Path,
) -> None:
    book = make(tmp_path / "whole")
    for after in range(8):
        one = moved(book, tmp_path / "one")
        panes = Archive(one.archive.folder).panes("m")
        found = [next(panes) for _ in range(after)]
        compact(one.archive.folder)
        found += panes
        places = [("m", each.version, each.start) for each in found]
        assert len(set(places)) == len(places)
        assert set(places) == one.panes.keys()
        assert {p: each.rows for p, each in zip(places, found, strict=True)} == {
            p: each.rows for p, each in one.panes.items()
        }
        shutil.rmtree(one.archive.folder)


def test_files_that_are_gone_for_good_are_an_error(tmp_path: Path) -> None:
    book = make(tmp_path / "whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            archive_days,
            "pane_files",
            lambda day: [one._replace(path=day / "gone") for one in pane_files(day)],
        )
        archive = Archive(book.archive.folder)
        with pytest.raises(FileNotFoundError):
            archive.last("m", "v1", "", START + 25 * HOUR)
        with pytest.raises(FileNotFoundError):
            list(archive.panes("m"))


def test_a_removal_that_is_killed_at_each_step_goes_on_the_next_time(tmp_path: Path) -> None:
    book = make(tmp_path / "whole")
    old = NOW + KEEP
    total = 0
    for at in range(1, 40):
        one = moved(book, tmp_path / "one")
        with pytest.MonkeyPatch.context() as patch:
            dying = DyingOs(at)
            patch.setattr("monitor.disk.os", dying)
            try:
                compact(one.archive.folder, old)
            except Killed:
                total = at
        # What is left of a day is no older revision than was there.
        for left in Archive(one.archive.folder).panes("m"):
            assert left.revision == one.panes["m", left.version, left.start].revision
        compact(one.archive.folder, old)
        assert not [name for name in names(one.archive.folder) if "date=2013-02-0" in name]
        assert not list(one.archive.folder.glob("*/**/date=2013-02-0*"))
        shutil.rmtree(one.archive.folder)
        if total < at:
            break
    assert 10 < total < 39
