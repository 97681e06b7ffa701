"""Compaction: a day of the archive that is settled becomes one file, and one that is old goes.

It runs beside the thread that writes the archive, and shares no lock with it. That thread only adds
files, and each under a name that was never there; this one removes no file but those that it has
read and written again, and takes none that a start may still have to remove. What comes late for a
compacted day lies beside the compact file as a newer revision, counts, and goes into it the next
time. At whatever point it ends, nothing is lost and nothing counts twice (`monitor.archive_days`).
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from collectors.summaries.state import StateError
from monitor.archive_days import EVENTS, read_event_day
from monitor.archive_files import (
    COMPACT,
    PaneFile,
    Place,
    days,
    event_files,
    models,
    own_files,
    pane_files,
    panes_folder,
    unsettled,
)
from monitor.archive_table import DAMAGE, read_table
from monitor.compacted import CompactPanes, CompactWriter, EventsHeld, PanesHeld, check_pane
from monitor.disk import Whole, remove, sync_folders, whole
from monitor.event_clock import DAY, SECOND

log = logging.getLogger(__name__)

SAFETY = DAY
"""How long after the last late row of a day could come its files are left as they are, us."""

QUIET = 3_600 * SECOND
"""Nothing may have been written into a day for so long: a log of long ago may be read now, us."""

_NS = 1_000


@dataclass(frozen=True, slots=True)
class Reach:
    """How far rows and windows of a model reach, us.

    Attributes:
        late: how long after a day's end rows of it still make revisions.
        needed: how far back from its newest pane its windows go, and what may come late for them.
    """

    late: int = 0
    needed: int = 0


@dataclass(slots=True)
class Done:
    """What a run did.

    Attributes:
        days: days that became one file each.
        files: files that went into them.
        removed: days that were too old.
        whole: whether it came to its end.
        failed: days with which something could not be done.
        why: of the first of them, in the words of the disk.
        damaged: what is damaged and was left as it is, each with its path and why.
    """

    days: int = 0
    files: int = 0
    removed: int = 0
    whole: bool = False
    failed: int = 0
    why: str = ""
    damaged: list[str] = field(default_factory=list)


class _Stopped(Exception):
    """The daemon wants to stop."""


@dataclass(frozen=True, slots=True)
class _Run:
    now: int
    stopping: Callable[[], bool]
    done: Done

    def look(self) -> None:
        """Whether to go on.

        Raises:
            _Stopped: no.
        """
        if self.stopping():
            raise _Stopped


@dataclass(frozen=True, slots=True)
class Compaction:
    """Compacts one archive. One process does that at a time, and in it one thread.

    Attributes:
        keep: how long a day is kept after it was written, and after it was, us.
        reach: by model; one that is not among them has no rows any more.
    """

    folder: Path
    keep: int
    reach: Mapping[str, Reach]

    def run(self, now: int, stopping: Callable[[], bool] = lambda: False) -> Done:
        """Do what is due at `now` (wall time, us), until `stopping` says so."""
        run = _Run(now, stopping, Done())
        try:
            for model in models(self.folder):
                reach = self.reach.get(model, Reach())
                self._days(panes_folder(self.folder, model), self._panes, reach, run)
            latest = max((reach.late for reach in self.reach.values()), default=0)
            self._days(self.folder / "events", self._events, Reach(late=latest), run)
        except _Stopped:
            return run.done
        run.done.whole = True
        return run.done

    def _days(
        self, folder: Path, compact: Callable[[Path, _Run], int], reach: Reach, run: _Run
    ) -> None:
        now, done = run.now, run.done
        found = days(folder)
        for begin, day in found:
            run.look()
            end, newest = begin + DAY, found[-1][0] + DAY
            try:
                if end <= min(now - self.keep, newest - reach.needed) and self._remove(day, now):
                    done.removed += 1
                elif end + reach.late + SAFETY <= now and (files := compact(day, run)):
                    done.days, done.files = done.days + 1, done.files + files
            except StateError as error:
                what = "a day of the archive is damaged: its files are left as they are"
                log.warning(what, extra={"day": str(day), "why": str(error)})
                done.damaged.append(f"{day}: {error}")
            except OSError as error:
                done.failed, done.why = done.failed + 1, done.why or f"{day}: {error}"

    def _panes(self, day: Path, run: _Run) -> int:
        """Make one file of the panes of a day; how many files went into it.

        Raises:
            StateError: the compact file is damaged.
            OSError: it cannot be done; the day is as it was, or the next run finishes it.
        """
        files = pane_files(day)
        compact = day / COMPACT
        if not files or not self._settled([file.path for file in files], run.now):
            return 0
        old = CompactPanes(compact) if compact.exists() else None
        if old is None and len(files) == 1:
            return 0
        try:
            held = _held(files, old)
            if held is None:
                with whole(compact) as file:
                    held = _write_panes(file, files, old, run)
                    file.date(_written([one.path for one in files], compact))
                sync_folders([day])
        finally:
            if old is not None:
                old.close()
        return _remove_files(
            day, [one.path for one in files if one.revision <= held.get(one.place, -1)]
        )

    def _events(self, day: Path, run: _Run) -> int:
        """Make one file of the events of a day; how many files went into it.

        Raises:
            StateError: a file of them is damaged.
            OSError: it cannot be done; the day is as it was, or the next run finishes it.
        """
        files = event_files(day)
        compact = day / COMPACT
        if not files or not self._settled([file.path for file in files], run.now):
            return 0
        if len(files) == 1 and not compact.exists():
            return 0
        held = read_event_day(day, files)
        if held.fresh:
            with whole(compact) as file:
                writer = CompactWriter(file, EVENTS)
                writer.add(held.table)
                writer.finish(EventsHeld(held.upto))
                file.date(_written([one.path for one in files], compact))
            sync_folders([day])
        return _remove_files(day, [one.path for one in files])

    def _settled(self, files: Sequence[Path], now: int) -> bool:
        """Whether these files stay, and nothing was written beside them of late.

        They were found before what is unsettled is asked for: a file is named there before it is
        there.
        """
        newest = max(path.stat().st_mtime_ns for path in files) // _NS
        return newest + QUIET <= now and unsettled(self.folder).isdisjoint(files)

    def _remove(self, day: Path, now: int) -> bool:
        """Remove a day, if it was written so long ago too; whether it was.

        Raises:
            OSError: it cannot be removed; the next run goes on.
        """
        files = own_files(day)
        newest = max((path.stat().st_mtime_ns for path in files), default=0) // _NS
        if newest + self.keep > now or not unsettled(self.folder).isdisjoint(files):
            return False
        for path in files:
            remove(path)
        with contextlib.suppress(OSError):  # what is not of this program's making stays
            day.rmdir()
        sync_folders([day.parent])
        return bool(files)


def size(archive: Path) -> tuple[int, int]:
    """How many Parquet files an archive has, and their bytes together."""
    sizes = []
    for path in archive.glob("*/**/*.parquet"):
        try:
            sizes.append(path.stat().st_size)
        except FileNotFoundError:
            continue  # undone or compacted meanwhile
    return len(sizes), sum(sizes)


def _held(files: Sequence[PaneFile], old: CompactPanes | None) -> dict[Place, int] | None:
    """The revisions of these panes that `old` has, which are readable; None where one of the files
    is newer."""
    held = {}
    for file in files:
        if old is None or file.place not in old.held or file.revision > old.held[file.place][0]:
            return None
        if file.place not in held:
            old.table(file.place)
            held[file.place] = old.held[file.place].revision
    return held


def _write_panes(
    to: Whole, files: Sequence[PaneFile], old: CompactPanes | None, run: _Run
) -> dict[Place, int]:
    """Write the newest revision of each pane, from these files and from `old`; what was written.

    A file that is damaged is passed over, and stays for what it says of its revision.
    """
    newest = {file.place: file for file in files}
    had = {} if old is None else old.held
    writer, held = CompactWriter(to), dict[Place, int]()
    for place in sorted({*newest, *had}):
        run.look()
        file, before = newest.get(place), had.get(place)
        table = None
        if file is not None and (before is None or file.revision > before.revision):
            table, held[place] = _table(file, run.done), file.revision
        if table is None:
            held.pop(place, None)
        if table is None and old is not None and before is not None:
            table, held[place] = old.table(place), before.revision
        if table is not None:
            writer.add(table)
    writer.finish(PanesHeld([(*place, revision) for place, revision in held.items()]))
    return held


def _table(file: PaneFile, done: Done) -> Any:
    """The rows of a pane, from its own file; None, and a word of it, where it is damaged.

    Raises:
        OSError: it cannot be read.
    """
    data = file.path.read_bytes()
    try:
        table = read_table(data)
        check_pane(table, file.place, file.revision)
    except (StateError, *DAMAGE) as error:
        what = "a closed pane is damaged: its file is left as it is"
        log.warning(what, extra={"file": str(file.path), "why": str(error)})
        done.damaged.append(f"{file.path}: {error}")
        return None
    return table


def _written(files: Sequence[Path], compact: Path) -> int:
    """When the newest of them, and of what was compacted before, was written (ns)."""
    before = [compact] if compact.exists() else []
    return max(path.stat().st_mtime_ns for path in (*files, *before))


def _remove_files(day: Path, files: Sequence[Path]) -> int:
    """Remove the files of a day that its compact file holds, older revisions first."""
    for path in files:
        remove(path)
    if files:
        sync_folders([day])
    return len(files)
