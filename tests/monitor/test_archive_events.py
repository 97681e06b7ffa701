"""Events of the archive, read again."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from pyarrow import parquet

from collectors.summaries.state import StateError
from monitor.archive import Archive, Event
from monitor.disk import PARTIAL
from monitor.event_clock import SECOND

START = 1_360_281_600 * SECOND  # 8 February 2013
HOUR = 3_600 * SECOND
HOSTILE = "v\n\x1b[31m\"'<script>"


def event(hours: int, kind: str = "alarm", subject: str = "1h") -> Event:
    detail = {"score": 9.5, "causes": [{"words": "é\u2028", "rows": 2**60}], "none": None}
    return Event(START + hours * HOUR, START + 99 * HOUR + 1, kind, "m", subject, detail)


def test_events_come_back_as_they_were(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    written = [event(0), event(1, subject=HOSTILE), Event(START + 2 * HOUR, 5, "gap", "", "", {})]
    archive.store(1, [], written)
    assert list(archive.events()) == written


def test_they_come_in_order_of_time_whatever_checkpoint_wrote_them(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    hours = [n * 37 % 120 - 60 for n in range(120)]
    for sequence in range(12):
        some = hours[sequence * 10 : sequence * 10 + 10]
        archive.store(sequence, [], [event(hour) for hour in some])
    assert [(one.time - START) // HOUR for one in archive.events()] == list(range(-60, 60))


def test_at_one_time_they_come_as_they_were_noted(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    archive.store(9, [], [event(0, subject="a"), event(0, subject="b")])
    archive.store(10, [], [event(0, subject="c"), event(-1, subject="first")])
    assert [one.subject for one in archive.events()] == ["first", "a", "b", "c"]


def test_one_kind_is_what_sql_finds_of_it(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    kinds = ["alarm", "verdict", "alarm ended", "alarm", "config"]
    archive.store(1, [], [event(n, kind, subject=str(n)) for n, kind in enumerate(kinds)])
    query = f"""
        SELECT subject FROM read_parquet('{tmp_path}/events/*/*.parquet')
        WHERE kind = 'alarm' ORDER BY time
    """
    found = [(one.subject,) for one in archive.events("alarm")]
    assert found == duckdb.execute(query).fetchall() == [("0",), ("3",)]
    assert list(archive.events("none such")) == []


def test_an_archive_without_events_has_none(tmp_path: Path) -> None:
    assert list(Archive(tmp_path / "archive").events()) == []


def test_what_is_not_of_this_program_is_passed_over(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    archive.store(1, [], [event(0)])
    folder = next(tmp_path.glob("events/date=*"))
    (folder / "notes.parquet").write_bytes(b"mine")
    (folder / f"0000000000000002.parquet{PARTIAL}").write_bytes(b"half")
    assert list(archive.events()) == [event(0)]


def test_every_byte_that_is_damaged_is_told_or_harmless(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    archive.store(1, [], [event(hour) for hour in range(3)])
    (path,) = tmp_path.glob("events/*/*.parquet")
    whole = path.read_bytes()
    told = 0
    for place in range(0, len(whole), 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        try:
            found = list(archive.events())
        except StateError:
            told += 1
        else:
            assert found == [event(hour) for hour in range(3)]
    assert told > len(whole) // 7 // 2
    path.write_bytes(whole[:-9])
    with pytest.raises(StateError, match=f"{path}: damaged"):
        list(archive.events())


def test_another_format_is_refused(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    archive.store(1, [], [event(0)])
    (path,) = tmp_path.glob("events/*/*.parquet")
    table = parquet.read_table(path)
    newer = table.replace_schema_metadata({b"inferwatch.format": b"2"})
    for other in (newer, table.drop_columns(["detail"]), pa.table({"time": [1]})):
        parquet.write_table(other, path)
        with pytest.raises(StateError, match="not a file of events that this inferwatch reads"):
            list(archive.events())


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    archive.store(1, [], [event(0)])
    (path,) = tmp_path.glob("events/*/*.parquet")
    path.unlink()
    path.mkdir()
    with pytest.raises(OSError, match="directory"):
        list(archive.events())
