"""Crashes, damage and disks that fail: letters are kept once, and nothing else suffers."""

from __future__ import annotations

import errno
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.letters import Letters, P, names


@given(
    crashes=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 30), st.integers(0, 200))),
    bad=st.sets(st.integers(0, 59)),
)
def test_any_crashes_leave_each_letter_once(
    crashes: list[tuple[int, int, int]], bad: set[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("letters")
    position = 0
    for until, back, torn in [*crashes, (60, 0, 0)]:
        letters = Letters(folder)
        letters.place.resume({P: position})
        for offset in range(position, max(until, position)):
            if offset in bad:
                letters.add(offset)
        file = folder / "dead-letters.jsonl"
        whole = file.read_bytes() if file.exists() else b""
        if torn and whole.endswith(b"\n"):  # the last append went only so far
            last = whole.rstrip(b"\n").rfind(b"\n") + 1
            # What is torn was written after the checkpoint, else it would have been synced.
            at = json.loads(whole[last:])["offset"]
            if at >= position:
                file.write_bytes(whole[: last + torn % (len(whole) - last)])
                position = min(at, max(until - back, position))
                continue
        position = max(until - back, position)
    assert sorted(names(folder)) == [(0, offset, -1) for offset in sorted(bad)]


@pytest.mark.parametrize(
    "damage",
    [
        b'{"topic":"t","parti',
        b'{"topic":"t","partition":0,"offset":9,"item":-1,"reason":"malformed"',
        b"\x00" * 5_000,
        b"\x00" * 5_000 + b"\n",
        b"\n",
        b'{"topic": 1}\n[]\n',
        b"x" * 1_000_000,
    ],
    ids=["cut", "almost whole", "zeros", "a line of zeros", "empty", "other JSON", "long"],
)
def test_a_damaged_end_is_cut_off(tmp_path: Path, damage: bytes) -> None:
    Letters(tmp_path).add(0)
    file = tmp_path / "dead-letters.jsonl"
    whole = file.read_bytes()
    file.write_bytes(whole + damage)
    letters = Letters(tmp_path)
    letters.place.resume({P: 0})
    letters.add(0)
    letters.add(9)
    assert names(tmp_path) == [(0, 0, -1), (0, 9, -1)]


def test_a_letter_that_lacks_but_its_end_is_kept_again(tmp_path: Path) -> None:
    Letters(tmp_path).add(7)
    file = tmp_path / "dead-letters.jsonl"
    file.write_bytes(file.read_bytes().rstrip(b"\n"))
    letters = Letters(tmp_path)
    letters.place.resume({P: 7})
    letters.add(7)
    assert names(tmp_path) == [(0, 7, -1)]


def test_a_file_of_damage_alone_begins_anew(tmp_path: Path) -> None:
    (tmp_path / "dead-letters.jsonl").write_bytes(b"\x00" * 300_000)
    Letters(tmp_path).add(1)
    assert names(tmp_path) == [(0, 1, -1)]


def test_a_full_disk_costs_letters_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    letters = Letters(tmp_path)
    letters.add(0)
    plain = Path.open

    def full(path: Path, mode: str = "r", *rest: Any, **more: Any) -> Any:
        if mode == "ab":
            with plain(path, mode) as file:
                file.write(b'{"topic":"t","pa')  # so much found room
            raise OSError(errno.ENOSPC, "No space left on device")
        return plain(path, mode, *rest, **more)

    with monkeypatch.context() as broken:
        broken.setattr(Path, "open", full)
        letters.add(1)
        letters.add(2)
    letters.add(3)
    assert names(tmp_path) == [(0, 0, -1), (0, 3, -1)]
    assert letters.counts == {"kept": 2, "dropped": 0, "failed": 2}
    said = [record.getMessage() for record in caplog.records]
    assert said.count("dead letters are not kept") == 1
    assert said[-1] == "dead letters are kept again"


@pytest.mark.parametrize("error", [errno.EROFS, errno.EACCES, errno.EIO])
def test_a_place_that_cannot_be_written_or_read_never_raises(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    Letters(tmp_path).add(0)

    def refuse(*args: Any, **more: Any) -> Any:
        raise OSError(error, "no")

    letters = Letters(tmp_path)
    monkeypatch.setattr(Path, "open", refuse)
    monkeypatch.setattr("os.open", refuse)
    letters.place.resume({P: 0})
    letters.add(0)
    letters.place.sync()
    letters.place.close()
    assert letters.counts == {"kept": 0, "dropped": 0, "failed": 1}


def test_a_file_in_the_way_of_the_folder_never_raises(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    letters = Letters(tmp_path / "state")
    letters.place.resume({P: 0})
    letters.add(0)
    assert letters.counts["failed"] == 1
