"""What a restart must know of a partition: which files its offsets were read from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from collectors.sources.files.identity import Identity
from collectors.sources.files.rows import Mark

MARK_EVERY = 512 * 1024 * 1024
"""Bytes between the marks of a file: what a restart may have to pass over, at a second a GiB."""


@dataclass(slots=True)
class Stretch:
    """The offsets of a partition that were read from one file.

    Attributes:
        base: offset of the file's first row.
        end: offset after its last; None while more may come.
        marks: offsets that are known to begin at a byte.
        named: whether a path that is looked for still leads to it after it was left.
    """

    identity: Identity
    base: int
    end: int | None = None
    marks: list[Mark] = field(default_factory=list)
    named: bool = True

    def mark_before(self, offset: int) -> Mark:
        """The last mark at or before an offset, its row counted from the file's first."""
        marks = [mark for mark in self.marks if mark.row <= offset]
        return Mark(marks[-1].row - self.base, marks[-1].place) if marks else Mark(0, 0)

    def mark(self, offset: int, place: int | None) -> bool:
        """Note where an offset begins, if the last mark is far before it; whether it was."""
        last = self.marks[-1].place if self.marks else 0
        if place is None or place - last < MARK_EVERY:
            return False
        self.marks.append(Mark(offset, place))
        return True

    def forget_before(self, offset: int) -> None:
        """Let go the marks that no restart needs, which begins at this offset or later."""
        before = sum(mark.row <= offset for mark in self.marks)
        del self.marks[: max(before - 1, 0)]


class Known(NamedTuple):
    """One partition as a text of a topic id tells it."""

    path: str
    stretches: list[Stretch]


def as_text(next_number: int, known: dict[int, Known]) -> str:
    """All of it as a text."""
    files = {
        number: {
            "path": log.path,
            "stretches": [[*s.identity, s.base, s.end, s.marks] for s in log.stretches],
        }
        for number, log in known.items()
    }
    return json.dumps({"next": next_number, "files": files}, separators=(",", ":"))


def from_text(text: str) -> tuple[int, dict[int, Known]]:
    """The same again.

    Raises:
        ValueError: it is no such text.
    """
    try:
        whole = json.loads(text)
        files = {
            int(number): Known(str(log["path"]), [_stretch(row) for row in log["stretches"]])
            for number, log in whole["files"].items()
        }
        return int(whole["next"]), files
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(
            f"the state does not say which files its positions are of ({error!r}); restore the "
            "config that it was made with, or move the state folder away to begin anew"
        ) from error


def _stretch(row: Sequence[object]) -> Stretch:
    device, inode, length, digest, base, end, marks = row
    numbers = (device, inode, length, base, *([] if end is None else [end]))
    if not all(isinstance(n, int) for n in numbers) or not isinstance(marks, list):
        raise ValueError(f"{row!r} is no file")
    return Stretch(
        Identity(device, inode, length, str(digest)),  # type: ignore[arg-type]
        base,  # type: ignore[arg-type]
        end,  # type: ignore[arg-type]
        [Mark(int(offset), int(place)) for offset, place in marks],
    )
