"""Files as a source: three kinds, plain and gzip, read once and followed."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest

from collectors.sources import Assigned, CaughtUp, Gap, Partition, Records, StreamValue
from collectors.sources.files import HEAD, FilesOptions, FilesSource

ROWS = [{"a": i, "b": f"text {i}", "c": None if i % 3 else 1.5} for i in range(12_000)]


def read(source: FilesSource, polls: int = 20) -> list[StreamValue]:
    """What comes in a few polls, an hour of wall time apart."""
    return [value for n in range(polls) for value in source.poll(0.0, n * 3600.0)]


def values(seen: list[StreamValue]) -> list[Any]:
    return [value for batch in seen if isinstance(batch, Records) for value in batch.values]


def source_of(*paths: Path, **options: Any) -> FilesSource:
    return FilesSource(FilesOptions(tuple(map(str, paths)), **options))


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


@pytest.mark.parametrize("name", ["log.jsonl", "log.jsonl.gz"])
def test_json_lines_are_read_once(name: str, tmp_path: Path) -> None:
    lines = [json.dumps(row).encode() for row in ROWS]
    seen = read(source_of(write(tmp_path / name, b"\n".join(lines) + b"\r\n")))
    assert values(seen) == lines
    assert isinstance(seen[0], Assigned)
    assert seen[0].offsets == {Partition("files", 0): 0}
    assert CaughtUp(Partition("files", 0), 12_000, final=True) in seen
    offsets = [o for v in seen if isinstance(v, Records) for o in v.offsets.tolist()]
    assert offsets == list(range(12_000))


@pytest.mark.parametrize("name", ["log.csv", "log.csv.gz"])
def test_csv_rows_become_json(name: str, tmp_path: Path) -> None:
    text = '\ufeffa,b,c\n1,"x, y",\n2,"quoted ""word""",3.5\nonly,two\n\n3,z,4\n'
    seen = read(source_of(write(tmp_path / name, text.encode())))
    assert values(seen) == [
        b'{"a":"1","b":"x, y","c":""}',
        b'{"a":"2","b":"quoted \\"word\\"","c":"3.5"}',
        b"only,two",
        b'{"a":"3","b":"z","c":"4"}',
    ]


def test_parquet_rows_become_json(tmp_path: Path) -> None:
    frame = pd.DataFrame(ROWS).assign(t=pd.Timestamp("2026-01-05T12:00", tz="UTC"))
    frame.to_parquet(tmp_path / "log.parquet")
    found = [json.loads(value) for value in values(read(source_of(tmp_path / "log.parquet")))]
    assert len(found) == len(ROWS)
    assert found[0] == {"a": 0, "b": "text 0", "c": 1.5, "t": "2026-01-05T12:00:00Z"}


def test_a_followed_file_grows_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    source = source_of(path, follow=True)
    assert values(read(source, 2)) == []
    path.write_bytes(b'{"n": 1}\n{"n": ')
    seen = [*source.poll(0, 1e6), *source.poll(0, 2e6)]
    assert values(seen) == [b'{"n": 1}']
    assert [v.final for v in seen if isinstance(v, CaughtUp)] == [False]
    with path.open("ab") as file:
        file.write(b"2}\n")
    seen = list(source.poll(0, 3e6))
    assert values(seen) == [b'{"n": 2}']
    path.rename(tmp_path / "log.1")
    path.write_bytes(b'{"n": 3}\n')
    seen = [*source.poll(0, 4e6), *source.poll(0, 5e6)]
    assert values(seen) == [b'{"n": 3}']
    assert [v.offsets.tolist() for v in seen if isinstance(v, Records)] == [[2]]
    path.write_bytes(b"")
    source.poll(0, 6e6)
    path.write_bytes(b"{}\n")
    assert values([*source.poll(0, 7e6), *source.poll(0, 8e6)]) == [b"{}"]
    source.close()


def test_rotation_costs_no_record_and_brings_its_own_header(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(b'{"a": 1}\n{"a": 2}')
    source = source_of(path, follow=True)
    seen = list(source.poll(0, 1e6))
    path.rename(tmp_path / "log.1")
    path.write_bytes(b'{"a": 3}\n{"a": 4}\n')
    seen += [value for n in range(2, 6) for value in source.poll(0, n * 1e6)]
    assert values(seen) == [b'{"a": 1}', b'{"a": 2}', b'{"a": 3}', b'{"a": 4}']
    source.close()
    table = tmp_path / "log.csv"
    table.write_bytes(b"a,b\n1,2\n")
    source = source_of(table, follow=True)
    seen = list(source.poll(0, 1e6))
    table.rename(tmp_path / "log.2")
    table.write_bytes(b"b,a\n3,4\n")
    seen += [value for n in range(2, 6) for value in source.poll(0, n * 1e6)]
    assert values(seen) == [b'{"a":"1","b":"2"}', b'{"b":"3","a":"4"}']
    source.close()


def test_a_file_of_no_known_kind_is_passed_over_and_the_others_read(tmp_path: Path) -> None:
    write(tmp_path / "y.txt", b"1\n")
    write(tmp_path / "y.jsonl", b"2\n")
    assert values(read(source_of(tmp_path / "y*"))) == [b"2"]


def test_new_files_of_a_pattern_are_found(tmp_path: Path) -> None:
    source = source_of(tmp_path / "*.jsonl", follow=True)
    write(tmp_path / "a.jsonl", b"1\n")
    assert values(read(source, 2)) == [b"1"]
    write(tmp_path / "b.jsonl", b"2\n")
    seen = list(source.poll(0, 1e7))
    assert values(seen) == [b"2"]
    assert {Partition("files", 1): 0} in [v.offsets for v in seen if isinstance(v, Assigned)]
    source.close()


def test_a_sought_line_is_where_reading_begins(tmp_path: Path) -> None:
    source = source_of(write(tmp_path / "log.jsonl", b"0\n1\n2\n3\n"))
    source.seek(Partition("files", 0), 2)
    assert values(read(source)) == [b"2", b"3"]
    source.seek(Partition("files", 0), 3)
    assert values(read(source)) == [b"3"]


def test_a_line_without_end_is_measured_and_not_held(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    with path.open("wb") as file:
        file.write(b'{"before": 1}\n' + b"x" * 10)
        file.seek(512 << 20, os.SEEK_CUR)  # 512 MiB of a sparse file
        file.write(b'\n{"after": 1}\n')
    before = psutil.Process().memory_info().rss
    seen = read(source_of(path, max_record_bytes=1 << 20))
    assert psutil.Process().memory_info().rss - before < 64 << 20
    batches = [batch for batch in seen if isinstance(batch, Records)]
    assert [dict(batch.oversized) for batch in batches] == [{1: (512 << 20) + 10}]
    found = values(seen)
    assert (found[0], len(found[1]), found[2]) == (b'{"before": 1}', HEAD, b'{"after": 1}')


def test_a_damaged_gzip_is_a_gap_and_not_an_end_of_all(tmp_path: Path) -> None:
    whole = gzip.compress(b'{"n": 1}\n' * 1000)
    (tmp_path / "a.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    write(tmp_path / "b.jsonl", b"2\n")
    seen = read(source_of(tmp_path / "*.jsonl*"))
    assert [v.reason for v in seen if isinstance(v, Gap)] == ["undecodable"]
    assert b"2" in values(seen)
    assert {v.partition.number for v in seen if isinstance(v, CaughtUp) and v.final} == {0, 1}


def test_what_cannot_be_read_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="say which by `format:`"):
        source_of(tmp_path / "log.txt")
    with pytest.raises(ValueError, match="cannot be followed"):
        source_of(tmp_path / "log.parquet", follow=True)


def test_a_paused_file_gives_nothing(tmp_path: Path) -> None:
    source = source_of(write(tmp_path / "log.jsonl", b"1\n"))
    here = frozenset({Partition("files", 0)})
    source.pause(here)
    assert values(read(source)) == []
    source.resume(here)
    assert values(read(source)) == [b"1"]
