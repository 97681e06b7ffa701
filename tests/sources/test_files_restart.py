"""Any restarts, rotations and new files: each line is taken once, as one life would have taken it.

The writer knows what it wrote. The reader's state is what a checkpoint holds: the topic's id as it
was last said, and for each partition an offset at or behind what was handed over.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from random import Random

import numpy as np
import pandas as pd
import pytest

from collectors.sources import Gap, Partition
from tests.support.file_logs import (
    TOPIC,
    Writer,
    again,
    certain,
    numbers,
    reader_of,
    row_numbers,
    rows,
)


def act(writers: list[Writer], folder: Path, random: Random, kinds: Sequence[str]) -> bool:
    """One thing that writers do; whether there is a new file."""
    writer = random.choice(writers)
    match random.choice(kinds):
        case "add" if len(writers) < 6:
            name = f"{random.choice('bcdef')}{random.randrange(10**6)}.jsonl"
            writers.append(Writer(folder / name, random))
            return True
        case "rotate":
            writer.rotate()
        case "reopen":
            writer.reopen()
        case "compress":
            writer.compress()
        case "truncate":
            writer.truncate()
        case _:
            writer.write()
    return False


ALL = ["write", "write", "write", "rotate", "reopen", "compress", "truncate", "add"]


@pytest.mark.parametrize("names", [("app.log", "*.jsonl"), ("app.log*", "*.jsonl*")])
@pytest.mark.parametrize("seed", range(40))
def test_each_line_is_taken_once_whatever_happens(
    seed: int, names: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = Random(seed)  # noqa: S311
    monkeypatch.setattr("collectors.sources.files.source.MOST_OPEN", random.choice([2, 256]))
    kinds = ALL if names[0] == "app.log" else [kind for kind in ALL if kind != "truncate"]
    writers = [Writer(tmp_path / "app.log", random)]
    reader = reader_of(tmp_path, *names, seed=seed)
    reader.poll(3)
    for _ in range(60):
        for _ in range(random.randrange(4)):
            new = act(writers, tmp_path, random, kinds)
            reader.poll(3 if new else 0)  # what was never seen under its path cannot be known
        reader.poll(random.randrange(3))
        if random.random() < 0.3:
            reader.die()
            for _ in range(random.randrange(4)):
                act(writers, tmp_path, random, kinds[:-1])
            reader.live()
    for writer in writers:
        writer.finish()
    reader.poll(200)
    reader.die()
    for writer in writers:
        writer.close()
    assert not reader.gaps
    assert sorted(reader.lines()) == sorted(line for writer in writers for line in writer.lines)


def test_a_number_stays_with_its_path_whatever_comes_before_it_in_order(tmp_path: Path) -> None:
    (tmp_path / "m.jsonl").write_bytes(rows(5))
    reader = certain(tmp_path, "*.jsonl")
    reader.poll(3)
    (tmp_path / "a.jsonl").write_bytes(rows(3, 100))
    again(reader)
    assert reader.positions == {Partition(TOPIC, 0): 5, Partition(TOPIC, 1): 3}
    (tmp_path / "m.jsonl").unlink()
    (tmp_path / "b.jsonl").write_bytes(rows(2, 200))
    again(reader)
    assert reader.positions == {Partition(TOPIC, n): rows for n, rows in enumerate((5, 3, 2))}
    assert row_numbers(reader) == numbers((0, 5), (100, 103), (200, 202))
    assert not reader.gaps
    reader.die()


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.csv", "a.csv.gz", "a.parquet"])
def test_a_file_that_is_read_once_is_gone_on_with_and_never_read_again(
    name: str, tmp_path: Path
) -> None:
    path = tmp_path / name

    def write(first: int, number: int) -> None:
        if path.suffix == ".parquet":
            frame = pd.DataFrame({"row": np.arange(first, first + number)})
            frame.to_parquet(path, row_group_size=2_000)
            return
        data = rows(number, first)
        if ".csv" in name:
            lines = [b"%d\n" % n for n in range(first, first + number)]
            data = b"row\n" + b"".join(lines)
        path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)

    def found() -> list[int]:
        return [int(json.loads(line)["row"]) for line in reader.lines()]

    write(0, 80_000)
    reader = certain(tmp_path, name, kind="auto", follow=False)
    reader.poll()
    part = len(found())
    assert 0 < part < 80_000
    reader.save()
    for partition, offset in reader.saved.items():
        reader.saved[partition] = offset - 1_234
    reader.die()
    reader.live()
    reader.poll(30)
    assert found() == list(range(80_000))
    assert reader.ended == {Partition(TOPIC, 0)}
    again(reader)
    assert found() == list(range(80_000))
    assert reader.ended == {Partition(TOPIC, 0)}  # so that its panes may close
    path.unlink()
    write(500_000, 10)
    again(reader)
    assert found() == [*range(80_000), *range(500_000, 500_010)]
    assert reader.ended == {Partition(TOPIC, 0), Partition(TOPIC, 1)}
    assert not reader.gaps
    path.unlink()
    again(reader)
    assert reader.ended == {Partition(TOPIC, 0), Partition(TOPIC, 1)}
    reader.die()


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.csv"])
@pytest.mark.parametrize("held", [1, 25, 40])
def test_what_was_held_of_a_file_that_has_ended_is_read_again_and_its_end_said_again(
    name: str, held: int, tmp_path: Path
) -> None:
    data = rows(40) if name != "a.csv" else b"row\n" + b"".join(b"%d\n" % n for n in range(40))
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    reader = certain(tmp_path, name, kind="auto", follow=False)
    reader.poll(4)
    assert reader.ended == {Partition(TOPIC, 0)}
    reader.saved[Partition(TOPIC, 0)] = 40 - held
    reader.die()
    reader.live()
    reader.poll(4)
    assert [int(json.loads(line)["row"]) for line in reader.lines()] == list(range(40))
    assert reader.ended == {Partition(TOPIC, 0)}  # so that its panes may close
    # As after a reload: the same source goes back.
    reader.ended.clear()
    reader.positions[Partition(TOPIC, 0)] = 40 - held
    reader.source.seek(Partition(TOPIC, 0), 40 - held)
    reader.poll(4)
    assert reader.positions == {Partition(TOPIC, 0): 40}
    assert reader.ended == {Partition(TOPIC, 0)}
    assert not reader.gaps
    reader.die()


def test_rotations_while_away_are_read_in_the_order_in_which_they_were_written(
    tmp_path: Path,
) -> None:
    path = tmp_path / "app.log"
    path.write_bytes(rows(4))
    (tmp_path / "app.log.9").write_bytes(rows(9, 900))  # from before it was ever read
    os.utime(tmp_path / "app.log.9", (1, 1))
    reader = certain(tmp_path, "app.log")
    reader.poll(3)
    reader.die()
    with path.open("ab") as file:
        file.write(rows(2, 4) + b'{"row": 6}')
    os.utime(path, (2_000, 2_000))
    path.rename(tmp_path / "app.log-20260103")
    (tmp_path / "app.log-20260102.gz").write_bytes(gzip.compress(rows(3, 7)))
    os.utime(tmp_path / "app.log-20260102.gz", (3_000, 3_000))
    (tmp_path / "app.1.log").write_bytes(rows(2, 10))
    path.write_bytes(rows(3, 12))
    reader.live()
    reader.poll(10)
    assert row_numbers(reader) == numbers((0, 15))
    assert reader.positions == {Partition(TOPIC, 0): 15}
    reader.die()


def test_rotations_that_are_asked_for_are_read_before_their_file_and_as_one_with_it(
    tmp_path: Path,
) -> None:
    for age, name in enumerate(["app.log.10", "app.log.2.gz", "app.log.1", "app.log"]):
        data = rows(5, 5 * age)
        (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        os.utime(tmp_path / name, (age, age))
    reader = certain(tmp_path, "app.log*")
    reader.poll()
    again(reader, 20)
    (tmp_path / "app.log").rename(tmp_path / "app.log.0")
    (tmp_path / "app.log").write_bytes(rows(5, 20))
    reader.poll(6)
    again(reader, 6)
    assert row_numbers(reader) == numbers((0, 25))
    assert reader.positions == {Partition(TOPIC, 0): 25}
    reader.die()


def test_a_file_that_cannot_be_found_is_one_gap_and_the_next_is_read_from_its_front(
    tmp_path: Path,
) -> None:
    path = tmp_path / "app.log"
    path.write_bytes(rows(4))
    reader = certain(tmp_path, "app.log")
    reader.poll(3)
    reader.die()
    path.unlink()
    reader.live()
    reader.poll(4)
    assert reader.positions == {Partition(TOPIC, 0): 4}
    assert not reader.gaps
    path.write_bytes(rows(3, 50))
    reader.poll(6)
    assert reader.gaps == [Gap(Partition(TOPIC, 0), 4, 5, "lost")]
    assert row_numbers(reader) == numbers((0, 4), (50, 53))
    again(reader)
    assert len(reader.gaps) == 1
    assert row_numbers(reader) == numbers((0, 4), (50, 53))
    reader.die()


def test_of_a_file_that_was_left_the_loss_is_exact(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_bytes(rows(40))
    reader = certain(tmp_path, "app.log")
    reader.poll(3)
    path.rename(tmp_path / "app.log.1")
    path.write_bytes(rows(3, 40))
    reader.poll(6)
    reader.save()
    reader.saved[Partition(TOPIC, 0)] = 25  # what a model held begins there
    reader.die()
    (tmp_path / "app.log.1").unlink()
    reader.live()
    reader.poll(6)
    assert reader.gaps == [Gap(Partition(TOPIC, 0), 25, 40, "lost")]
    assert row_numbers(reader) == numbers((0, 25), (40, 43))
    reader.die()


def test_an_empty_new_file_is_not_turned_to_while_the_old_one_is_written(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_bytes(rows(4))
    reader = certain(tmp_path, "app.log")
    reader.poll(3)
    with path.open("ab") as file:  # as a program that gets to know of the rotation later
        path.rename(tmp_path / "app.log.1")
        path.touch()
        reader.poll(3)
        file.write(rows(3, 4))
        file.flush()
        reader.poll(3)
        again(reader)
        file.write(rows(3, 7))
    path.write_bytes(rows(2, 10))
    reader.poll(4)
    assert row_numbers(reader) == numbers((0, 12))
    assert not reader.gaps
    reader.die()


def test_what_comes_to_a_file_after_it_was_left_takes_no_offsets_of_the_next(
    tmp_path: Path,
) -> None:
    path = tmp_path / "app.log"
    path.write_bytes(rows(10))
    reader = certain(tmp_path, "app.log")
    reader.commits = False
    reader.poll(3)
    path.rename(tmp_path / "app.log.1")
    path.write_bytes(rows(5, 10))
    reader.poll(4)
    with (tmp_path / "app.log.1").open("ab") as file:
        file.write(rows(3, 900))
    reader.save()
    reader.saved[Partition(TOPIC, 0)] = 7
    reader.die()
    reader.live()
    reader.poll(4)
    assert row_numbers(reader) == numbers((0, 15))
    reader.die()


def test_files_that_begin_with_the_same_line_are_told_apart_by_their_copies(
    tmp_path: Path,
) -> None:
    path, same = tmp_path / "app.log", rows(1)
    path.write_bytes(same)
    reader = certain(tmp_path, "app.log")
    reader.poll(3)
    reader.die()
    with path.open("ab") as file:
        file.write(b"{}\n")
    shutil.copy2(path, tmp_path / "app.log.1")
    os.truncate(path, 0)
    reader.live()
    reader.poll(4)
    with path.open("ab") as file:
        file.write(same + rows(3, 50))
    reader.poll(6)
    assert reader.lines() == (same + b"{}\n" + same + rows(3, 50)).splitlines()
    assert not reader.gaps
    reader.die()


def test_a_file_truncated_while_away_is_read_from_its_front(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_bytes(rows(40))
    reader = certain(tmp_path, "app.log")
    reader.poll(3)
    reader.die()
    with path.open("r+b") as file:
        file.truncate()
        file.write(rows(60, 100))
    reader.live()
    reader.poll(6)
    assert row_numbers(reader)[-60:] == numbers((100, 160))
    assert reader.gaps == [Gap(Partition(TOPIC, 0), 40, 41, "lost")]
    reader.die()


def test_a_file_that_was_restored_or_mounted_anew_is_still_the_same(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_bytes(rows(400))
    reader = certain(tmp_path, "app.log")
    reader.poll(3)
    reader.die()
    data = path.read_bytes()
    path.rename(tmp_path / "kept")  # so that its inode is not given away
    path.write_bytes(data + rows(5, 400))
    (tmp_path / "kept").unlink()
    reader.live()
    reader.poll(4)
    assert row_numbers(reader) == numbers((0, 405))
    assert not reader.gaps
    reader.die()
