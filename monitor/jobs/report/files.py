"""Where reports lie: `reports/MODEL/START-END.html` in the state folder, with numbers as JSON."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from monitor.disk import PARTIAL, sync_folders

NEW = ".new"
"""Ending of a file that is made, and not yet in its place."""

_MODEL = re.compile(r"(?!\.{1,2}$)[a-zA-Z0-9_.-]{1,100}")
_NAME = re.compile(r"([0-9]{8}T[0-9]{6}Z)-([0-9]{8}T[0-9]{6}Z)\.(html|json)")
_MADE = re.compile(rf"(\.[0-9]+)?{re.escape(NEW)}$")
_STAMP = "%Y%m%dT%H%M%SZ"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Stored(NamedTuple):
    """One report: of what, from `start` up to `end` (us, event time), and its page."""

    model: str
    start: int
    end: int
    path: Path

    @property
    def numbers(self) -> Path:
        """The JSON beside the page."""
        return self.path.with_suffix(".json")


class Reports:
    """The reports of one state folder; what is there under other names is left alone."""

    def __init__(self, state: Path) -> None:
        self.folder = state / "reports"

    def place(self, model: str, start: int, end: int) -> Stored:
        """Where the report of a span belongs, whether it is there or not."""
        return Stored(
            model, start, end, self.folder / model / f"{_stamp(start)}-{_stamp(end)}.html"
        )

    def all(self) -> Iterator[Stored]:
        """Every report, by model, the newest first."""
        models = [path.name for path in self.folder.glob("*") if _MODEL.fullmatch(path.name)]
        for model in sorted(models):
            yield from self.of(model)

    def of(self, model: str) -> list[Stored]:
        """The reports of a model, the newest first."""
        named = [(_span(path.name), path) for path in (self.folder / model).glob("*.html")]
        found = [Stored(model, *span, path) for span, path in named if span is not None]
        return sorted(found, key=lambda one: (one.end, one.start), reverse=True)

    def file(self, model: str, name: str) -> Path | None:
        """The file that is asked for by name; None for every name that no report has."""
        if not _MODEL.fullmatch(model) or _span(name) is None:
            return None
        path = self.folder / model / name
        return path if path.is_file() and not path.is_symlink() else None

    def sweep(self, before: float) -> int:
        """Remove the files that were written before this wall time (s); how many there were.

        Raises:
            OSError: one of them cannot be removed.
        """
        removed = 0
        for path in self.folder.glob("*/*"):
            name = _MADE.sub("", path.name.removesuffix(PARTIAL))
            try:
                if _span(name) is not None and path.stat().st_mtime < before:
                    path.unlink()
                    removed += 1
            except FileNotFoundError:
                continue  # made and put in its place, or removed, meanwhile
        return removed


def made_at(path: Path) -> Path:
    """Where this process makes a file before it takes its place; another may make the same."""
    return path.with_name(f"{path.name}.{os.getpid()}{NEW}")


def take_place(stored: Stored) -> None:
    """Put what was made where it belongs: the page last, for it is what is listed.

    Raises:
        OSError: it cannot be done.
    """
    for path in (stored.numbers, stored.path):
        made_at(path).replace(path)
    sync_folders([stored.path.parent])


def clear(stored: Stored) -> None:
    """Take away what was begun, and is not in its place."""
    for path in (stored.path, stored.numbers):
        made = made_at(path)
        made.unlink(missing_ok=True)
        made.with_name(made.name + PARTIAL).unlink(missing_ok=True)


def _span(name: str) -> tuple[int, int] | None:
    """From when to when the report of this name is; None where no report has it."""
    found = _NAME.fullmatch(name)
    try:
        return None if found is None else (_time(found[1]), _time(found[2]))
    except ValueError:  # digits that are no date
        return None


def _stamp(time: int) -> str:
    return (_EPOCH + timedelta(microseconds=time)).strftime(_STAMP)


def _time(stamp: str) -> int:
    moment = datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(microseconds=1)
