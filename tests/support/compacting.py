"""Archives to be compacted, what is in them, and what DuckDB finds."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from collectors.family import Statistic
from monitor.archive import Archive, Event
from monitor.archive_table import ClosedPane
from monitor.compaction import Compaction, Done, Reach
from monitor.event_clock import DAY, SECOND

START = 1_360_281_600 * SECOND  # 8 February 2013
HOUR = 3_600 * SECOND
NOW = START + 30 * DAY
KEEP = 400 * DAY
REACH = {"m": Reach(late=DAY + 300 * SECOND, needed=8 * DAY)}

PAGE = Path(__file__).parents[2] / "docs" / "archive.md"


Place = tuple[str, str, int]


def pane(
    hours: int, revision: int = 0, rows: int = 3, version: str = "v1", model: str = "m"
) -> ClosedPane:
    start = START + hours * HOUR
    state: dict[str, Any] = {
        "inputs": {
            "rows": rows,
            "cells": np.arange(rows, dtype=np.int32) - hours,
            "hashes": np.array([2**64 - 1 - hours], np.uint64),
            "none yet": np.zeros(0, np.int64),
            "total": rows / 3,
        },
        "samples": {"kept": [[hours, version, None, 2.5]]},
    }
    statistics = [Statistic("input.mean", rows / 3, {"feature": "a"}), Statistic("input.n", rows)]
    published = start + 2 * HOUR
    return ClosedPane(
        *(model, version, "", start, start + HOUR, revision, rows),
        *(published, "id", state, statistics),
    )


def event(hours: float, subject: str, kind: str = "verdict") -> Event:
    time = START + round(hours * HOUR)
    return Event(time, time + 5, kind, "m", subject, {"score": 2.5, "of": subject})


def plain(value: Any) -> Any:
    """A state as lists and numbers, which can be compared."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    return value.tolist() if isinstance(value, np.ndarray) else value


def facts(one: ClosedPane) -> tuple[Any, ...]:
    """All of a pane, as a value that can be compared."""
    return (one.revision, one.end, one.rows, one.published, plain(one.state), list(one.statistics))


class Book:
    """An archive that is written checkpoint by checkpoint, and what it has to hold by then."""

    def __init__(self, folder: Path) -> None:
        self.archive = Archive(folder)
        self.sequence = 0
        self.panes: dict[Place, ClosedPane] = {}
        self.events: list[Event] = []

    def write(self, panes: Iterable[ClosedPane] = (), events: Iterable[Event] = ()) -> None:
        """What one checkpoint counts on; the one before is settled by it."""
        panes, events = list(panes), list(events)
        self.sequence += 1
        self.archive.store(self.sequence, panes, events)
        self.archive.settle(self.sequence)
        self.panes |= {(one.model, one.version, one.start): one for one in panes}
        self.events = sorted([*self.events, *events], key=lambda one: one.time)

    def grow_old(self, at: int = START + 20 * DAY) -> None:
        """All files were written at `at` (us)."""
        for path in self.archive.folder.rglob("*.parquet"):
            os.utime(path, ns=(at * 1_000, at * 1_000))

    def check(self) -> None:
        """Whoever asks the archive is told all of it, each pane in its last revision."""
        archive = Archive(self.archive.folder)
        found: dict[Place, ClosedPane] = {}
        for model in {model for model, _, _ in self.panes}:
            panes = list(archive.panes(model))
            assert [one.start for one in panes] == sorted(one.start for one in panes)
            assert len({(one.version, one.start) for one in panes}) == len(panes)
            found |= {(model, one.version, one.start): one for one in panes}
        assert found.keys() == self.panes.keys()
        for (model, version, start), wanted in self.panes.items():
            assert facts(found[model, version, start]) == facts(wanted)
            # One that was asked before knows no more of it than one that is new.
            for one in (archive, self.archive):
                last = one.last(model, version, "", start)
                assert last is not None
                assert facts(last) == facts(wanted)
        assert archive.last("m", "none such", "", START) is None
        assert archive.last("m", "v1", "", START + 99 * DAY) is None
        assert list(archive.events()) == self.events
        assert list(archive.events("alarm")) == [e for e in self.events if e.kind == "alarm"]


def compact(folder: Path, now: int = NOW, keep: int = KEEP) -> Done:
    return Compaction(folder, keep, REACH).run(now)


def names(folder: Path) -> list[str]:
    """All Parquet files, and all that are half written."""
    return sorted(
        str(path.relative_to(folder)) for path in folder.rglob("*") if ".parquet" in path.name
    )


def counted(folder: Path) -> dict[Place, tuple[int, int]]:
    """How many rows say `input.n` of each pane, and the revision, as DuckDB finds them."""
    query = f"""
        SELECT model, version, epoch_us(start), count(*), max(revision)
        FROM read_parquet('{folder}/panes/*/*/*.parquet')
        WHERE name = 'input.n' GROUP BY ALL
    """
    return {(m, v, s): (n, r) for m, v, s, n, r in duckdb.execute(query).fetchall()}


def once(panes: dict[Place, ClosedPane]) -> dict[Place, tuple[int, int]]:
    """What `counted` finds where each pane is there once, in its last revision."""
    return {place: (1, one.revision) for place, one in panes.items()}


def query_of_docs(folder: Path) -> str:
    """The query that the docs give, which finds each pane once at any instant."""
    (found,) = re.findall(r"```sql\n(.*?);\n```", PAGE.read_text(), re.DOTALL)
    return str(found).replace("state/archive", str(folder))


def counted_carefully(folder: Path) -> dict[Place, tuple[int, int]]:
    """What `counted` finds, by the query of the docs."""
    query = query_of_docs(folder).replace("value\n", "value, revision\n", 1)
    query = f"""
        SELECT model, version, epoch_us(start), count(*), max(revision) FROM ({query})
        WHERE feature = 'a' GROUP BY ALL
    """
    return {(m, v, s): (n, r) for m, v, s, n, r in duckdb.execute(query).fetchall()}


def last_revisions(folder: Path) -> pd.DataFrame:
    """All rows of the last revision of each pane, in order, as pandas finds them in the files."""
    frames = [pd.read_parquet(path) for path in sorted(folder.glob("panes/*/*/*.parquet"))]
    frame = pd.concat(frames, ignore_index=True)
    newest = frame.groupby(["version", "slice", "start"])["revision"].transform("max")
    frame = frame[frame["revision"] == newest].reset_index(drop=True)
    return frame.sort_values(["start", "version"], kind="stable", ignore_index=True)
