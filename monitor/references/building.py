"""What every way to build a reference is given, and what it gives back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.config_model import ModelConfig
from monitor.event_clock import SECOND
from monitor.references.file import Reference
from monitor.references.span import Span

if TYPE_CHECKING:
    from monitor.settling import Known


class CannotBuild(Exception):
    """A reference cannot be built; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be built.

    Attributes:
        known: what was chosen for the model before, from the state folder; None where nothing was.
        out: where the reference is to lie.
        now: wall time, us.
        progress: called with what is counted, and how much of it there is; what it gives is told
            how much of it is done.
    """

    config: ModelConfig
    known: Known | None
    out: Path
    now: int
    span: Span
    progress: Callable[[str, int], Callable[[int], None]]

    @property
    def pane(self) -> int:
        """Length of the model's panes, us."""
        return round(self.config.windows[0] * SECOND)


@dataclass(frozen=True, slots=True)
class Built:
    """A reference that was written.

    Attributes:
        left_out: rows that are not in it, by why.
        notes: what else a person had better know, a line each.
    """

    reference: Reference
    left_out: Counter[str]
    notes: tuple[str, ...]


def counted(rows: Counter[str]) -> str:
    """Counts of rows by reason on one line, the largest first."""
    return ", ".join(f"{number:,} {reason}" for reason, number in rows.most_common() if number)
