"""Faults, one a module, each with the bar it is held to.

A module `row_NN_name` has `NUMBER`, `FAULT`, `BAR` and `run(stage) -> Outcome`. `make torture` runs
them all at full size, prints a table and writes `docs/reliability.md`; `make test` runs a short
form of each, and asserts what was right, never how fast it was.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, cast

from tests.support.kafka import Broker


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one fault.

    Attributes:
        exact: whether every number was right, and nothing was lost or left unsaid.
        within: whether the bar's times and sizes were kept too.
        ran: what was run: numbers, seeds.
        printed: what was measured.
    """

    exact: bool
    within: bool
    ran: str
    printed: str


@dataclass(slots=True)
class Stage:
    """Where a fault is played: an empty folder, a real Kafka, and how much of it to play.

    Attributes:
        full: the bar's own numbers; else a short form, for `make test`.
        broker: starts the shared Kafka at the first call.
        share: a long row plays only one part of so many, says so, and does not hold its bar.
    """

    folder: Path
    broker: Callable[[], Broker]
    full: bool
    seed: int = field(default=20130208)
    share: int = 1

    def pick(self, full: int, short: int) -> int:
        """The number for this size."""
        return full if self.full else short


class Row(Protocol):
    """One module of this package."""

    NUMBER: int
    FAULT: str
    BAR: str

    def run(self, stage: Stage) -> Outcome:
        """Play the fault, and say what came of it."""


def rows() -> list[Row]:
    """Every row, in order."""
    names = [m.name for m in pkgutil.iter_modules(__path__) if m.name.startswith("row_")]
    return [cast(Row, importlib.import_module(f"{__name__}.{name}")) for name in sorted(names)]
