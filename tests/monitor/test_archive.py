"""The archive: what others read in it, and what a start removes from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from collectors.family import Statistic
from collectors.summaries.state import StateError
from monitor.archive import Archive, Event
from monitor.archive_table import ClosedPane, from_parquet, to_parquet
from monitor.disk import PARTIAL
from monitor.event_clock import SECOND
from tests.support.lives import begun

START = 1_360_281_600 * SECOND  # 8 February 2013
HOUR = 3_600 * SECOND
HOSTILE = "../../etc/passwd\n\x1b[31m\"'<script>" + "v" * 300


def pane(start: int = START, revision: int = 0, rows: int = 3, version: str = "v1") -> ClosedPane:
    state: dict[str, Any] = {
        "inputs": {
            "rows": rows,
            "columns": {
                "a.b": {
                    "schema": "s",
                    "cells": np.array([-3, 5], np.int32),
                    "total": -0.5,
                    "whole float": 2.0,
                    "hashes": np.array([2**64 - 1], np.uint64),
                    "none yet": np.zeros(0, np.int64),
                    "squares": np.array([0.25]),
                    "yes": True,
                }
            },
            "empty": {},
        },
        "samples": {"kept": [(1, "x", None, 2.5)]},
    }
    statistics = [Statistic("input.mean", 1.5, {"feature": "a.b"}), Statistic("input.n", 2)]
    return ClosedPane(
        "m",
        version,
        "",
        start,
        start + HOUR,
        revision,
        rows,
        START + 2 * HOUR,
        "id",
        state,
        statistics,
    )


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    return value.tolist() if isinstance(value, np.ndarray) else value


def files(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


@pytest.mark.parametrize("version", ["v1", "", HOSTILE])
def test_a_pane_survives_its_file(version: str) -> None:
    one = pane(version=version)
    again = from_parquet(to_parquet(one), "m")
    assert plain(again.state) == plain(one.state) | {"samples": {"kept": [[1, "x", None, 2.5]]}}
    assert again.statistics == one.statistics
    for name in ("version", "slice", "start", "end", "revision", "rows", "published", "schema"):
        assert getattr(again, name) == getattr(one, name), name


def test_damage_is_told_in_a_sentence() -> None:
    with pytest.raises(StateError, match="not a pane of the archive"):
        from_parquet(to_parquet(pane())[:-7], "m")


def test_pandas_and_duckdb_read_it(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    archive.store(1, [pane(), pane(START + HOUR, version="v2")], [])
    path = next(tmp_path.glob("panes/model=m/date=2013-02-08/20130208T000000Z-*-r0.parquet"))
    frame = pd.read_parquet(path)
    mean = frame[frame["name"] == "input.mean"].iloc[0]
    assert (mean["value"], mean["labels"]) == (1.5, '{"feature":"a.b"}')
    assert mean["start"] == pd.Timestamp("2013-02-08", tz="UTC")
    query = f"""
        SELECT version, wholes FROM read_parquet('{tmp_path}/panes/*/*/*.parquet')
        WHERE path[3] = 'a.b' AND name = 'cells' ORDER BY start
    """
    assert duckdb.execute(query).fetchall() == [("v1", [-3, 5]), ("v2", [-3, 5])]


def test_a_version_is_never_part_of_a_path(tmp_path: Path) -> None:
    Archive(tmp_path / "archive").store(1, [pane(version=HOSTILE)], [])
    names = files(tmp_path)
    assert len(names) == 2
    assert all("passwd" not in name and len(name) < 120 for name in names)


def test_the_last_revision_is_the_one_that_counts(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    archive.store(1, [pane(rows=3), pane(version="other", rows=8)], [])
    archive.store(2, [pane(revision=n, rows=3 + n) for n in range(1, 12)], [])
    found = archive.last("m", "v1", "", START)
    assert found is not None
    assert (found.revision, found.rows) == (11, 14)
    assert archive.last("m", "v1", "", START + HOUR) is None
    assert archive.last("none", "v1", "", START) is None
    assert [(p.version, p.rows) for p in archive.panes("m")] in (
        [("v1", 14), ("other", 8)],
        [("other", 8), ("v1", 14)],
    )


def test_what_no_checkpoint_knows_is_removed(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    event = Event(START, START, "version", "m", "v1", {"change": "first seen"})
    archive.store(1, [pane()], [event])
    archive.settle(1)
    archive.store(2, [pane(revision=1), pane(START + HOUR)], [event])
    archive.settle(2)
    kept = files(tmp_path)
    archive.store(3, [pane(revision=2), pane(START + 2 * HOUR)], [event])
    # A second try after a failure names the same files again.
    archive.store(3, [pane(revision=2), pane(START + 2 * HOUR), pane(START + 3 * HOUR)], [event])
    assert Archive(tmp_path).undo(2) == 4
    assert files(tmp_path) == kept
    # Had the second checkpoint been damaged, the first would have to do.
    assert Archive(tmp_path).undo(1) == 3
    left = [name for name in files(tmp_path) if name.endswith(".parquet")]
    assert [name.rpartition("/")[2] for name in left if "panes" in name] == [
        name.rpartition("/")[2] for name in left if "-r0" in name
    ]
    assert Archive(tmp_path).undo(1) == 0


def test_a_note_is_kept_as_long_as_its_checkpoint_may_turn_out_damaged(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    for sequence in (1, 2, 3):
        archive.store(sequence, [pane(START + sequence * HOUR)], [])
        archive.settle(sequence)
    notes = sorted(int(path.stem) for path in (tmp_path / "unsettled").iterdir())
    assert notes == [3]


def note_of(folder: Path, sequence: int) -> Path:
    return folder / "unsettled" / f"{sequence:016d}.json"


@pytest.mark.parametrize(
    "damage",
    [b"", b'["panes/mod', b'{"panes": 1}', b"[1]", b'["\xff"]', bytes(512)],
    ids=["empty", "cut", "an object", "a number", "no text", "zeros"],
)
def test_a_damaged_note_removes_nothing_and_says_what_to_do(tmp_path: Path, damage: bytes) -> None:
    archive = Archive(tmp_path)
    archive.store(1, [pane()], [])
    archive.store(2, [pane(revision=1)], [])
    note_of(tmp_path, 1).write_bytes(b"of no matter: its checkpoint is there")
    note_of(tmp_path, 2).write_bytes(damage)
    before = files(tmp_path)
    sentence = (
        f"^{note_of(tmp_path, 2)}: damaged [(].+[)]; restore the state folder from a backup, or "
        "move it away to begin anew$"
    )
    for _ in range(2):  # also at the next start
        with pytest.raises(OSError, match=sentence):
            Archive(tmp_path).undo(1)
    assert files(tmp_path) == before
    assert Archive(tmp_path).undo(2) == 0


def test_a_start_over_a_damaged_note_is_refused_and_leaves_the_folder_free(tmp_path: Path) -> None:
    begun(tmp_path).app.stop()
    note = note_of(tmp_path / "state" / "archive", 99)
    note.write_bytes(b"[")
    for _ in range(2):
        with pytest.raises(OSError, match=f"^{note}: damaged .* from a backup"):
            begun(tmp_path)
    note.unlink()
    begun(tmp_path).app.stop()


def test_a_note_that_is_half_written_is_cleared_away(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    archive.store(1, [pane()], [])
    archive.settle(1)
    kept = files(tmp_path)
    partial = note_of(tmp_path, 2).with_name(f"{2:016d}.json{PARTIAL}")
    for clear in (lambda: archive.settle(1), lambda: Archive(tmp_path).undo(1)):
        partial.write_bytes(b'["panes/')  # the process ended here
        clear()
        assert files(tmp_path) == kept


@pytest.mark.parametrize("name", ["notes", "3 (copy)", "-3", "+3", "3.5", "\u00b3", "", "0x3"])
def test_what_stands_beside_the_notes_and_is_none_is_left_alone(tmp_path: Path, name: str) -> None:
    archive = Archive(tmp_path)
    archive.store(1, [pane()], [])
    stray = tmp_path / "unsettled" / f"{name}.json"
    stray.write_bytes(b'["panes"]')
    kept = files(tmp_path)
    archive.store(2, [pane(revision=1)], [])
    archive.settle(1)
    assert Archive(tmp_path).undo(1) == 1
    assert files(tmp_path) == kept
    assert stray.read_bytes() == b'["panes"]'


@pytest.mark.parametrize("name", ["\u00b2", "1 (copy)", "", "-1"])
def test_what_stands_beside_the_revisions_of_a_pane_and_is_none_is_passed_over(
    tmp_path: Path, name: str
) -> None:
    archive = Archive(tmp_path)
    archive.store(1, [pane()], [])
    (path,) = tmp_path.glob("panes/*/*/*.parquet")
    path.with_name(path.name.replace("-r0", f"-r{name}")).write_bytes(b"none")
    found = archive.last("m", "v1", "", START)
    assert found is not None
    assert (found.revision, len(list(archive.panes("m")))) == (0, 1)


def test_events_are_read_with_sql(tmp_path: Path) -> None:
    events = [
        Event(START, START + 5, "gap", "", "t/0", {"from": 3, "to": 9, "reason": "lost"}),
        Event(START + 24 * HOUR, START, "version", "m", HOSTILE, {}),
    ]
    Archive(tmp_path).store(4, [], events)
    query = f"""
        SELECT kind, subject, detail->>'to' FROM read_parquet('{tmp_path}/events/*/*.parquet')
        ORDER BY time
    """
    assert duckdb.execute(query).fetchall() == [("gap", "t/0", "9"), ("version", HOSTILE, None)]


def test_all_panes_of_one_start_each_in_its_last_revision(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    later = START + HOUR
    archive.store(1, [pane(), pane(later), pane(later, version="v2")], [])
    archive.store(2, [pane(later, revision=1, rows=4), pane(later, revision=10, rows=5)], [])
    found = {(one.version, one.revision, one.rows) for one in archive.starting("m", later)}
    assert found == {("v1", 10, 5), ("v2", 0, 3)}
    assert list(archive.starting("m", later + HOUR)) == list(archive.starting("n", later)) == []
