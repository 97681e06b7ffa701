"""Files that cannot be looked at, opened or read for a while: nothing raised, no row lost."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from collectors.sources import Partition, Revoked
from collectors.sources.files import FilesSource
from collectors.sources.files.lines import LineReader
from tests.support.file_logs import TOPIC, again, certain, numbers, options_of, row_numbers, rows

PASSING = [errno.EACCES, errno.EPERM, errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.ETIMEDOUT]
"""What an administrator, a disk, or a mount over a network says before it is well again."""


@pytest.fixture
def barred(monkeypatch: pytest.MonkeyPatch) -> dict[Path, int]:
    """Paths that can be neither looked at nor opened while they are in it, and the error's number.

    No modes, which do not stop the superuser.
    """
    barred: dict[Path, int] = {}
    for name in ("stat", "open"):
        real = getattr(Path, name)

        def call(path: Path, *rest: Any, _real: Any = real, **more: Any) -> Any:
            if path in barred:
                raise OSError(barred[path], os.strerror(barred[path]), str(path))
            return _real(path, *rest, **more)

        monkeypatch.setattr(Path, name, call)
    return barred


@pytest.mark.parametrize("most_open", [1, 256], ids=["rested", "open"])
@pytest.mark.parametrize("number", PASSING, ids=errno.errorcode.get)
def test_a_file_out_of_reach_costs_no_row_and_holds_no_other_up(
    number: int,
    most_open: int,
    barred: dict[Path, int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("collectors.sources.files.source.MOST_OPEN", most_open)
    paths = [tmp_path / f"{n}.jsonl" for n in range(3)]
    writers = [path.open("ab", buffering=0) for path in paths]

    def write(first: int) -> None:
        for n, writer in enumerate(writers):
            writer.write(rows(3, 100 * n + first))

    write(0)
    reader = certain(tmp_path, "*.jsonl")
    reader.poll(6)
    barred |= dict.fromkeys(paths[:2], number)
    reader.poll(3)
    write(3)
    reader.poll(6)
    assert row_numbers(reader)[-6:] == numbers((200, 206))
    again(reader)
    write(6)
    reader.poll(6)
    assert row_numbers(reader)[-9:] == numbers((200, 209))
    barred.clear()
    reader.poll(6)
    assert sorted(row_numbers(reader)) == sorted(numbers((0, 9), (100, 109), (200, 209)))
    assert not reader.gaps
    reader.die()
    for writer in writers:
        writer.close()


def test_a_path_that_cannot_be_looked_at_is_not_taken_for_one_with_nothing_under_it(
    barred: dict[Path, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("collectors.sources.files.source.MOST_GONE", 1)
    paths = [tmp_path / f"{n}.jsonl" for n in range(4)]
    for number, path in enumerate(paths):
        path.write_bytes(rows(2, number))
    source = FilesSource(options_of(tmp_path, "*.jsonl"))
    seen = [value for now in range(3) for value in source.poll(0.0, 2.0 * now)]
    barred[paths[0]] = errno.EACCES
    for path in paths[1:]:
        path.unlink()
    seen += [value for now in range(3, 6) for value in source.poll(0.0, 2.0 * now)]
    revoked = [value.partitions for value in seen if isinstance(value, Revoked)]
    # Of three that are gone the newest is waited for, and so is the one that nobody knows of.
    assert revoked == [frozenset({Partition(TOPIC, 1), Partition(TOPIC, 2)})]
    source.close()


@pytest.mark.parametrize("most_open", [1, 256], ids=["rested", "open"])
@pytest.mark.parametrize("restarts", [False, True])
def test_a_file_that_stands_where_the_folder_was_costs_no_row(
    restarts: bool, most_open: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("collectors.sources.files.source.MOST_OPEN", most_open)
    folder, aside = tmp_path / "logs", tmp_path / "aside"
    folder.mkdir()
    for number in range(2):
        (folder / f"{number}.jsonl").write_bytes(rows(3, 100 * number))
    reader = certain(tmp_path, "logs/0.jsonl", "logs/1.jsonl")
    reader.poll(6)
    folder.rename(aside)
    folder.write_bytes(b"")
    for number in range(2):
        with (aside / f"{number}.jsonl").open("ab") as file:
            file.write(rows(3, 100 * number + 3))
    if restarts:
        again(reader)
    reader.poll(6)
    folder.unlink()
    aside.rename(folder)
    reader.poll(6)
    assert sorted(row_numbers(reader)) == sorted(numbers((0, 6), (100, 106)))
    assert not reader.gaps
    reader.die()


@pytest.mark.parametrize("follow", [False, True], ids=["once", "followed"])
@pytest.mark.parametrize("stays", [False, True], ids=["once failed", "stale"])
@pytest.mark.parametrize("first", range(1, 7))
def test_a_read_that_fails_costs_no_row_and_moves_no_offset(
    first: int, stays: bool, follow: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One read of a chunk fails; where it `stays`, so do all others of the file opened then."""
    lines = [b'{"row": %d, "more": "%s"}' % (n, b"m" * 180) for n in range(9_000)]
    (tmp_path / "a.jsonl").write_bytes(b"\n".join(lines) + b"\n")  # four chunks a batch, or so
    chunk, reads, stale = LineReader._chunk, 0, set[int]()

    def failing(self: LineReader) -> bytes:
        nonlocal reads
        reads += 1
        if reads == first or self._number in stale:
            stale.update([self._number] if stays else [])
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
        return chunk(self)

    close = LineReader.close

    def closing(self: LineReader) -> None:
        stale.discard(self._number)
        close(self)

    monkeypatch.setattr(LineReader, "_chunk", failing)
    monkeypatch.setattr(LineReader, "close", closing)
    reader = certain(tmp_path, "a.jsonl", follow=follow)
    reader.poll(20)
    assert reads > 6
    assert reader.lines() == lines
    assert not reader.gaps
    reader.die()
