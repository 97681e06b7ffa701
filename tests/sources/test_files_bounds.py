"""Files as a source, in bounds: what a restart reads, what is open, and what is remembered."""

from __future__ import annotations

import json
from pathlib import Path

import psutil
import pytest

from collectors.sources import Assigned, Partition, Revoked
from collectors.sources.files import FilesSource
from collectors.sources.files.lines import LineReader
from tests.support.file_logs import (
    TOPIC,
    again,
    certain,
    numbers,
    options_of,
    row_numbers,
    rows,
)


def test_a_restart_goes_to_the_last_mark_and_reads_no_more_than_it_must(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("collectors.sources.files.stretches.MARK_EVERY", 1 << 20)
    path = tmp_path / "app.csv"
    path.write_bytes(b"row,more\n" + b"".join(b"%d,%s\n" % (n, b"m" * 90) for n in range(60_000)))
    reader = certain(tmp_path, "app.csv", kind="csv")
    reader.commits = False
    reader.poll(40)
    assert reader.positions == {Partition(TOPIC, 0): 60_000}
    passed: list[int] = []
    pass_over = LineReader.pass_over

    def count(self: LineReader, lines: int) -> bool:
        passed.append(lines)
        return pass_over(self, lines)

    monkeypatch.setattr(LineReader, "pass_over", count)
    for held in (0, 1, 777, 30_000):
        passed.clear()
        reader.saved[Partition(TOPIC, 0)] = 60_000 - held
        reader.die()
        reader.live()
        reader.poll(4)
        assert sum(passed) < 2 * (1 << 20) / 96 + 2
        reader.poll(20)
        assert [int(json.loads(line)["row"]) for line in reader.lines()] == list(range(60_000))
    reader.commits = True
    reader.poll(3)
    path.rename(tmp_path / "app.csv.1")
    path.write_bytes(b"row\n1\n")
    reader.poll(3)
    kept = json.loads(reader.text)["files"]["0"]["stretches"]
    assert [len(marks) for *_, marks in kept] == [1, 0]  # no restart needs the others
    reader.die()


def opened(folder: Path) -> int:
    """Files below a folder that this process has open; others may come and go meanwhile."""
    return sum(Path(one.path).is_relative_to(folder) for one in psutil.Process().open_files())


def test_more_files_than_may_be_open_are_followed_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("collectors.sources.files.source.MOST_OPEN", 7)
    paths = [tmp_path / f"{n}.jsonl" for n in range(50)]
    for number, path in enumerate(paths):
        path.write_bytes(rows(2, 100 * number))
    reader = certain(tmp_path, "*.jsonl")
    for turn in range(1, 4):
        for _ in range(20):
            reader.poll()
            assert opened(tmp_path) <= 7
        for number, path in enumerate(paths):
            with path.open("ab") as file:
                file.write(rows(2, 100 * number + 2 * turn))
    paths[3].rename(tmp_path / "3.jsonl.1")
    paths[3].write_bytes(rows(1, 308))
    reader.poll(20)
    wanted = numbers(*((100 * n, 100 * n + 8 + (n == 3)) for n in range(50)))
    assert sorted(row_numbers(reader)) == sorted(wanted)
    assert not reader.gaps
    reader.die()


def test_of_paths_with_nothing_under_them_only_so_many_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("collectors.sources.files.source.MOST_GONE", 3)
    source = FilesSource(options_of(tmp_path, "*.jsonl"))
    revoked: set[int] = set()
    for number in range(10):
        path = tmp_path / f"{number}.jsonl"
        path.write_bytes(rows(2, number))
        for now in range(4):
            for value in source.poll(0.0, 10.0 * number + 2 * now):
                if isinstance(value, Revoked):
                    revoked |= {partition.number for partition in value.partitions}
                if isinstance(value, Assigned):
                    text = value.topic_ids[TOPIC]
        path.unlink()
    source.poll(0.0, 1e6)
    assert revoked == set(range(6))
    assert len(json.loads(text)["files"]) <= 5
    source.close()


def test_paths_that_are_asked_for_no_more_are_kept_and_not_read(tmp_path: Path) -> None:
    for name in ("a.jsonl", "b.jsonl"):
        (tmp_path / name).write_bytes(rows(3))
    reader = certain(tmp_path, "*.jsonl")
    reader.poll(3)
    reader.options = options_of(tmp_path, "b.jsonl")
    with (tmp_path / "a.jsonl").open("ab") as file:
        file.write(rows(2, 3))
    again(reader)
    assert reader.positions == dict.fromkeys((Partition(TOPIC, 0), Partition(TOPIC, 1)), 3)
    reader.options = options_of(tmp_path, "*.jsonl")
    again(reader)
    assert row_numbers(reader) == numbers((0, 5), (0, 3))
    reader.die()


def test_a_text_that_says_no_files_is_refused_with_a_sentence(tmp_path: Path) -> None:
    source = FilesSource(options_of(tmp_path, "app.log"))
    for text in ("no json", "[]", '{"next": 1}', '{"next":1,"files":{"0":{"path":"a"}}}'):
        with pytest.raises(ValueError, match="move the state folder away"):
            source.remember(TOPIC, text)
    source.remember("another", "no json")
    source.close()
