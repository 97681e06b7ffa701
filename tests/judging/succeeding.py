"""References accepted while a daemon of `living.py` goes on, and the moment when it has seen it."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pandas as pd

from monitor.references.accepting import Folders, accept
from monitor.references.building import Built
from monitor.references.carrying import Columns
from monitor.references.in_force import Change
from monitor.references.span import Span
from tests.judging.living import BEGIN, JUDGED, Life, Row
from tests.references.making import task


def later(hours: float) -> pd.Timestamp:
    return BEGIN + pd.Timedelta(f"{hours}h")


def us(time: pd.Timestamp) -> int:
    return time.value // 1_000


def accepted(
    folder: Path,
    begin: float,
    end: float,
    *features: str,
    output: bool = False,
    models: str = JUDGED,
    now: float = 30 * 24,
) -> tuple[Built, Change]:
    """The hours from `begin` up to `end` after `BEGIN` are accepted."""
    asked = task(folder, models, now=us(later(now)), span=Span(us(later(begin)), us(later(end))))
    folders = Folders(folder / "state")
    out = folders.references / "m.accepted"
    return accept(replace(asked, out=out), folders, Columns(frozenset(features), output))


def noticed(life: Life) -> None:
    """The daemon has looked, what it began aside is done, and it has taken that over."""
    for _ in range(3):
        life.harness.now += 1.5
        life.harness.app.pipeline.advance(life.harness.now)
        for thread in threading.enumerate():
            if thread.name == "reference":
                thread.join(60)
    life.harness.app.pipeline.advance(life.harness.now)


def moved(row: Row) -> Row:
    """`a` is another one: by two of its standard deviations."""
    return row | {"a": row["a"] + 20}


def other(row: Row) -> Row:
    """`b` is another one."""
    return row | {"b": row["b"] * 3}
