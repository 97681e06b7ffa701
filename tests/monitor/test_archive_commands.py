"""`inferwatch archive compact`, as a person types it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from monitor.disk import Lock
from tests.support.compacting import START, Book, names, pane
from tests.support.harness import HEAD
from tests.support.lives import MODEL

COMMAND = str(Path(sys.executable).with_name("inferwatch"))


def call(folder: Path, code: int) -> str:
    done = subprocess.run(
        [COMMAND, "archive", "compact", "--config", "inferwatch.yml"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_archive_is_compacted_at_once_unless_a_daemon_has_it(tmp_path: Path) -> None:
    (tmp_path / "inferwatch.yml").write_text(HEAD + MODEL)
    sentence = "inferwatch archive compact: there is no archive in state; nothing to compact\n"
    assert call(tmp_path, 1) == sentence
    folder = tmp_path / "state" / "archive"
    folder.mkdir(parents=True)
    book = Book(folder)
    book.write([pane(hour) for hour in range(10)])
    book.write([pane(24 * 25)])
    book.grow_old(round(time.time() * 1e6) - 2 * 3_600_000_000)
    before = names(folder)
    lock = Lock(tmp_path / "state")
    lock.take()
    said = call(tmp_path, 1)
    assert f"is in use by process {os.getpid()}" in said
    assert names(folder) == before
    lock.give_back()
    size = sum(path.stat().st_size for path in folder.rglob("*.parquet"))
    said = call(tmp_path, 0)
    left = sum(path.stat().st_size for path in folder.rglob("*.parquet"))
    assert left < size
    assert said == (f"10 files became 1, 0 days were too old; 2 files of {left:,} bytes are left\n")
    book.check()
    assert call(tmp_path, 0).startswith("0 files became 0, ")
    # The lock is free again, and what is long gone goes.
    for path in folder.rglob("*.parquet"):
        os.utime(path, (START / 1e6, START / 1e6))
    assert "1 days were too old; 1 files of" in call(tmp_path, 0)


def test_what_is_damaged_is_named_and_it_ends_with_1(tmp_path: Path) -> None:
    (tmp_path / "inferwatch.yml").write_text(HEAD + MODEL)
    folder = tmp_path / "state" / "archive"
    folder.mkdir(parents=True)
    book = Book(folder)
    book.write([pane(hour) for hour in (1, 2, 25, 26)])
    book.write([pane(24 * 25)])
    one, _, other, *_ = sorted(folder.glob("panes/*/*/*.parquet"))
    one.write_bytes(one.read_bytes()[:-20])  # one pane of the day, and the others are compacted
    (other.parent / "compact.parquet").write_bytes(b"none")
    book.grow_old(round(time.time() * 1e6) - 2 * 3_600_000_000)
    said = call(tmp_path, 1)
    for path in (one, other.parent):
        where = path.relative_to(tmp_path)
        assert f"inferwatch archive compact: damaged, and left as it is: {where}: " in said
