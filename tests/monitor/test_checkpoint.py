"""Checkpoints: framed, found damaged, refused when newer; and the lock beside them."""

from __future__ import annotations

import logging
import struct
from pathlib import Path

import crc32c
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.summaries.state import StateError
from monitor.checkpoint import Checkpoint, Checkpoints, Damaged, Refused, pack, unpack
from monitor.disk import Lock
from monitor.encoding import decode, encode

STATE = {"a": np.arange(5), "text": "ü", "nothing": None, "in": {"x": 1.5, "yes": True}}


def reframed(data: bytes, version: int) -> bytes:
    """The same checkpoint, whole, of another format."""
    bent = bytearray(data)
    struct.pack_into("<I", bent, 8, version)
    struct.pack_into("<I", bent, len(bent) - 4, crc32c.crc32c(bytes(bent[:-4])))
    return bytes(bent)


def test_a_state_survives_its_bytes() -> None:
    again = unpack(pack(Checkpoint(7, STATE)))
    assert again.sequence == 7
    assert again.state["a"].tolist() == [0, 1, 2, 3, 4]
    assert {k: v for k, v in again.state.items() if k != "a"} == {
        k: v for k, v in STATE.items() if k != "a"
    }


@pytest.mark.parametrize("dtype", ["i1", "i4", "i8", "u8", "f8"])
def test_arrays_survive_bit_for_bit(dtype: str) -> None:
    values = np.random.default_rng(1).integers(0, 2**63, 99, dtype=np.int64).view(dtype)
    found = decode(encode({"v": values}))["v"]
    assert found.dtype == values.dtype
    assert found.tobytes() == values.tobytes()


def test_nothing_but_plain_values_goes_into_a_state() -> None:
    for value in (object(), np.zeros((2, 2)), np.array(["text"])):
        with pytest.raises(TypeError, match="cannot be in a state"):
            encode({"v": value})


@given(st.binary(max_size=200))
def test_any_bytes_are_a_state_or_refused(data: bytes) -> None:
    for read in (decode, unpack):
        try:
            read(data)
        except (StateError, Damaged):
            continue


def test_a_newer_format_is_refused_and_not_taken_for_damage(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    checkpoints.write(Checkpoint(1, STATE))
    checkpoints.write(Checkpoint(2, STATE))
    path = max(tmp_path.glob("*.checkpoint"))
    path.write_bytes(reframed(path.read_bytes(), 2))
    with pytest.raises(Refused, match=r"2\.checkpoint: it is of format 2.*run the inferwatch that"):
        checkpoints.newest()


def test_the_newest_two_are_kept_and_the_older_serves_for_a_damaged_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    checkpoints = Checkpoints(tmp_path)
    assert checkpoints.newest() is None
    for number in range(1, 5):
        checkpoints.write(Checkpoint(number, STATE))
    assert sorted(int(path.stem) for path in tmp_path.iterdir()) == [3, 4]
    newest = max(tmp_path.iterdir())
    newest.write_bytes(newest.read_bytes()[:-1])
    with caplog.at_level(logging.WARNING):
        found = checkpoints.newest()
    assert found is not None
    assert found.sequence == 3
    assert "checkpoint is damaged: the one before it is taken" in caplog.text
    min(tmp_path.iterdir()).write_bytes(b"")
    with pytest.raises(Refused, match=r"every checkpoint in .* is damaged; restore"):
        checkpoints.newest()


def test_what_was_half_written_is_cleared_away(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    checkpoints.write(Checkpoint(1, STATE))
    (tmp_path / "0000000000000002.checkpoint.partial").write_bytes(b"half")
    assert checkpoints.newest() is not None
    assert [path.suffix for path in tmp_path.iterdir()] == [".checkpoint"]


def test_one_folder_is_for_one_daemon(tmp_path: Path) -> None:
    first, second = Lock(tmp_path), Lock(tmp_path)
    first.take()
    with pytest.raises(OSError, match=r"is in use by process \d+; stop that one, or give this"):
        second.take()
    first.give_back()
    second.take()
    second.give_back()
