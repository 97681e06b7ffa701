"""The file of a reference: what others read in it, and that nothing of it changes unnoticed."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from collectors.discovery import Discovery, FoundFeature, Place
from collectors.family import Statistic
from collectors.grid import Grid
from collectors.schema import Schema
from collectors.specs import CategorySpec, NumberSpec
from collectors.summaries.state import StateError
from monitor.archive_table import ClosedPane, from_table, to_parquet
from monitor.references.file import Reference, Writer, identify, load
from tests.support.archives import differences

HOUR = 3_600_000_000
START = 1_360_281_600_000_000  # 8 February 2013
HOSTILE = "../../etc/passwd\n\x1b[31m\"'<script>;DROP TABLE" + "v" * 300
SCHEMA = Schema(
    "m",
    {
        "a": NumberSpec(Grid(0.5, -2)),
        HOSTILE: CategorySpec(("x", HOSTILE), seen=b"\x01" * 16, declared=True),
    },
    None,
)
DISCOVERY = Discovery(
    7,
    {"time": Place(("at", 0, "b.c"), "ISO 8601")},
    features=(FoundFeature("a", ("x", "a"), "number", 0.25, -1.0, 2.0, ("x",)),),
)


def pane(hour: int = 0, version: str = "v1", rows: int = 3, **more: Any) -> ClosedPane:
    state: dict[str, Any] = {
        "inputs": {
            "rows": rows,
            "columns": {
                HOSTILE: {
                    "schema": "s",
                    "cells": np.array([-3, 5], np.int32),
                    "total": -0.5,
                    "minimum": float("inf"),
                    "hashes": np.array([2**64 - 1], np.uint64),
                    "none yet": np.zeros(0, np.int64),
                    "yes": True,
                }
            },
            "empty": {},
        },
        "samples": {"kept": [[1, "x", None, 2.5]]},
    }
    statistics = [Statistic("input.mean", 1.5 + hour, {"feature": HOSTILE})]
    start = START + hour * HOUR
    given: dict[str, Any] = {"slice": "", "revision": 0, "published": START + 9 * HOUR}
    given |= {"schema": SCHEMA.id, "state": state, "statistics": statistics}
    return ClosedPane("m", version, start=start, end=start + HOUR, rows=rows, **(given | more))


def write(path: Path, *panes: ClosedPane, schema: Schema = SCHEMA, **more: Any) -> Reference:
    writer = Writer(HOUR)
    for one in panes or (pane(0), pane(0, "v2"), pane(1)):
        writer.add(one)
    said: dict[str, Any] = {"discovery": DISCOVERY, "made_from": "train.csv", "created": 5}
    return writer.finish(path, model="m", schema=schema, **(said | more))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "reference.parquet"


def test_a_reference_survives_its_file(path: Path) -> None:
    panes = [pane(0), pane(0, HOSTILE, slice="s"), pane(0, "v2"), pane(1, rows=2**40)]
    panes.sort(key=lambda one: (one.start, one.version, one.slice))
    wrote = write(path, *panes)
    read = load(path)
    assert read == wrote
    assert (read.model, read.pane, read.made_from, read.created) == ("m", HOUR, "train.csv", 5)
    assert read.schema == SCHEMA
    feature = replace(DISCOVERY.features[0], low=None, high=None, categories=())
    assert read.discovery == replace(DISCOVERY, features=(feature,))  # and no value of a row
    assert len(read.panes) == 4
    for one, again in zip(panes, read.panes, strict=True):
        assert differences(one.state, again.state) == []
        assert replace(again, state={}) == replace(one, state={})
    assert [one.version for one in read.panes[1:3]] == [one.version for one in panes[1:3]]
    assert read.panes[-1].rows == 2**40
    with pytest.raises(IndexError):
        read.panes[4]


def test_pandas_and_duckdb_read_it(path: Path) -> None:
    write(path)
    frame = pd.read_parquet(path)
    means = frame[frame["name"] == "input.mean"]
    assert means["value"].tolist() == [1.5, 1.5, 2.5]
    assert means["version"].tolist() == ["v1", "v2", "v1"]
    assert means["start"].iloc[2] == pd.Timestamp("2013-02-08 01:00", tz="UTC")
    query = f"""
        SELECT version, epoch_us(start), wholes FROM read_parquet('{path}')
        WHERE path[3] = $name AND name = 'cells' ORDER BY start, version
    """
    assert duckdb.execute(query, {"name": HOSTILE}).fetchall() == [
        ("v1", START, [-3, 5]),
        ("v2", START, [-3, 5]),
        ("v1", START + HOUR, [-3, 5]),
    ]
    said = dict(duckdb.execute(f"SELECT key, value FROM parquet_kv_metadata('{path}')").fetchall())
    header = msgspec.json.decode(said[b"inferwatch.reference"])
    assert (header["format"], header["id"], header["model"]) == (1, load(path).id, "m")
    assert Schema.from_json(said[b"inferwatch.schema"]) == SCHEMA


def test_a_row_group_is_the_table_of_the_archives_file(path: Path, tmp_path: Path) -> None:
    write(path)
    alone = tmp_path / "alone.parquet"
    alone.write_bytes(to_parquet(pane(1)))
    file = parquet.ParquetFile(path)
    assert file.num_row_groups == 3
    assert file.read_row_group(2).equals(parquet.read_table(alone))
    assert from_table(file.read_row_group(2), "m").start == pane(1).start


def test_no_byte_changes_unnoticed(path: Path) -> None:
    write(path, pane(0), pane(1))
    whole = path.read_bytes()
    sentence = re.compile(f"{re.escape(str(path))}: .*(damaged|newer).*; .*`inferwatch reference ")
    with path.open("r+b", buffering=0) as file:
        for place, byte in enumerate(whole):
            os.pwrite(file.fileno(), bytes([byte ^ 1 << place % 8]), place)
            with pytest.raises(StateError, match=sentence):
                load(path)
            os.pwrite(file.fileno(), bytes([byte]), place)
    assert load(path).pane == HOUR


@pytest.mark.parametrize("length", [0, 1, 7, 8, 11, 12, 1_000, -1, -8, -9])
def test_a_file_that_is_cut_is_no_reference(path: Path, length: int) -> None:
    write(path)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(StateError, match="not a reference, or damaged; restore it"):
        load(path)


def test_what_another_program_wrote_again_is_no_reference(path: Path) -> None:
    write(path)
    pd.read_parquet(path).to_parquet(path)
    with pytest.raises(StateError, match="not a reference"):
        load(path)


def test_a_file_that_is_not_there_is_said(path: Path) -> None:
    with pytest.raises(
        FileNotFoundError, match=r"reference.parquet: no such file; `inferwatch ref"
    ):
        load(path)


def test_a_newer_format_is_said(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.references.file.FORMAT", 2)
    write(path)
    monkeypatch.undo()
    with pytest.raises(StateError, match=r"of format 2, and this program reads format 1: run the"):
        load(path)


def test_a_file_that_was_replaced_is_not_mixed_with_the_one_before(path: Path) -> None:
    old = write(path)
    first = iter(old.panes)
    next(first)
    write(path, pane(0, rows=4), pane(1), pane(2))
    with pytest.raises(StateError, match=r"another reference .* took the place of"):
        old.panes[0]
    assert [one.start for one in first] == [pane(0).start, pane(1).start]  # it was open already


def test_damage_that_comes_after_it_was_opened_is_found_when_panes_are_read(path: Path) -> None:
    reference = write(path)
    data = bytearray(path.read_bytes())
    file = parquet.ParquetFile(path)
    place = file.metadata.row_group(1).column(13).data_page_offset + 30
    data[place] ^= 0xFF
    path.write_bytes(data)
    assert reference.panes[0].start == START
    with pytest.raises(StateError, match=r"reference.parquet: damaged .*; restore it from a"):
        reference.panes[1]
    with pytest.raises(StateError, match="checksum is of other contents"):
        load(path)


@pytest.mark.parametrize("change", [{"_HEADER": b"another"}, {"FORMAT": "1"}])
def test_a_header_that_is_none_is_said(
    path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    with monkeypatch.context() as patch:
        for name, value in change.items():
            patch.setattr(f"monitor.references.file.{name}", value)
        with suppress(StateError):  # it is read again at once
            write(path)
    with pytest.raises(StateError, match=r"reference.parquet: damaged .*; restore it from a"):
        load(path)


def test_the_id_is_of_the_contents_alone(tmp_path: Path) -> None:
    one = write(tmp_path / "one", pane(0), pane(1))
    same = [pane(0, published=1, revision=4, statistics=[]), pane(1)]
    other = write(tmp_path / "two", *same, created=99, made_from="archive", discovery=None)
    assert one.id == other.id == identify(SCHEMA, [pane(0), pane(1)]) == identify(SCHEMA, one.panes)
    assert re.fullmatch("[0-9a-f]{16}", one.id)
    changed = pane(1)
    changed.state["inputs"]["columns"][HOSTILE]["minimum"] = float("-inf")
    cells = pane(1)
    cells.state["inputs"]["columns"][HOSTILE]["cells"] = np.array([-3, 6], np.int32)
    moved = pane(1)
    moved.state["inputs"]["rest"] = moved.state["inputs"].pop("empty")
    declared = msgspec.structs.replace(SCHEMA, columns={"a": NumberSpec(Grid(0.5, -2), (0, 1))})
    ids = [
        one.id,
        *(identify(SCHEMA, [pane(0), last]) for last in (changed, cells, moved)),
        identify(SCHEMA, [pane(0), pane(2)]),
        identify(SCHEMA, [pane(0), pane(1, "v2")]),
        identify(SCHEMA, [pane(0), pane(1, rows=4)]),
        identify(SCHEMA, [pane(0)]),
        identify(declared, [pane(0), pane(1)]),
    ]
    assert len(set(ids)) == len(ids)


def test_panes_come_in_order_and_are_of_one_length() -> None:
    writer = Writer(HOUR)
    writer.add(pane(1))
    for wrong in (pane(0), pane(1), pane(1, "v0")):
        with pytest.raises(ValueError, match="does not come behind"):
            writer.add(wrong)
    with pytest.raises(ValueError, match="is not 3600000000 us long"):
        writer.add(replace(pane(2), end=pane(2).start + 1))
    writer.add(pane(1, "v2"))
    with pytest.raises(ValueError, match="no pane"):
        Writer(HOUR).finish(
            Path("none"), model="m", schema=SCHEMA, discovery=None, made_from="", created=0
        )


def test_what_cannot_be_written_leaves_the_old_one(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = write(path)

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    for name in ("write", "fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(f"monitor.disk.os.{name}", full)
            with pytest.raises(OSError, match="No space left"):
                write(path, pane(5))
        assert load(path) == old
        assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_it_is_read_pane_by_pane(path: Path) -> None:
    noise = np.random.default_rng(0)
    panes = []
    for hour in range(30):
        one = pane(hour)
        one.state["hashes"] = noise.integers(0, 2**64, 50_000, np.uint64)
        panes.append(one)
    reference = write(path, *panes)
    assert path.stat().st_size > 30 * 50_000 * 8 * 0.9
    before = pa.total_allocated_bytes()
    most = 0
    for one in reference.panes:
        most = max(most, pa.total_allocated_bytes() - before)
        assert len(one.state["hashes"]) == 50_000
    assert most < 5 * 50_000 * 8
