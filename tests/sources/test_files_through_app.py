"""A whole app over files, dying at random or reloaded: its archive is as if it had not been."""

from __future__ import annotations

import gzip
import itertools
import json
import os
import shutil
from collections.abc import Iterator, Set
from pathlib import Path

import numpy as np
import pytest

from monitor.app import App
from monitor.config import load
from tests.support.archives import differences, read
from tests.support.boards import values

NOW = 1_700_000_000.0
CONFIG = """\
source: {files: {paths: ["logs/*.log"], format: jsonl, follow: true}}
models:
  - name: m
    fields: {time: t, version: v, latency: l, features: x, prediction: y}
    features: {a: {kind: number}, c: {kind: category}}
    output: {kind: number}
    windows: [1h, 6h]
    lateness: 5m
    keep_late: 3h
state: {dir: state, checkpoint_interval: 1ms}
web: {listen: "127.0.0.1:0"}
"""
STEPS = 30


def lines_of(rng: np.random.Generator, number: int, first: float) -> list[bytes]:
    """Lines of one log; its times go up, but for some that are late."""
    times = first + np.sort(rng.uniform(0, 3600, number)) - rng.exponential(400, number)
    return [
        json.dumps(
            {
                "t": NOW - 9 * 86_400 + t,
                "v": "one",
                "l": rng.exponential(),
                "x": {"a": rng.normal(), "c": f"c{rng.zipf(1.5) % 20}"},
                "y": float(rng.integers(3)),
            }
        ).encode()
        for t in times.tolist()
    ]


def rotate(path: Path) -> None:
    """app.log becomes app.log.1, app.log.1 becomes app.log.2.gz, and so on."""
    for number in range(30, 1, -1):
        old = path.with_name(f"{path.name}.{number}.gz")
        if old.exists():
            old.rename(path.with_name(f"{path.name}.{number + 1}.gz"))
    first = path.with_name(path.name + ".1")
    if first.exists():
        packed = path.with_name(path.name + ".2.gz")
        packed.write_bytes(gzip.compress(first.read_bytes()))
        times = first.stat()
        os.utime(packed, ns=(times.st_atime_ns, times.st_mtime_ns))
        first.unlink()
    path.rename(first)


def write(logs: Path, seed: int) -> Iterator[bool]:
    """Two logs, and later a third that comes first in order; now and then one is rotated.

    Yields, after each act, whether there is a new log.
    """
    rng = np.random.default_rng(seed)
    lines = np.random.default_rng(1)  # what is in them is always the same
    paths = [logs / "m.log", logs / "n.log"]
    for step in range(STEPS):
        if step == STEPS // 2:
            paths.append(logs / "a.log")
        for path in paths:
            data = b"\n".join(lines_of(lines, 60, step * 1800.0)) + b"\n"
            cut = int(rng.integers(1, len(data)))
            with path.open("ab") as file:
                file.write(data[:cut])
                file.flush()
                yield False
                file.write(data[cut:])
            yield step in {0, STEPS // 2}
            if rng.random() < 0.3:
                rotate(path)
                if rng.random() < 0.5:
                    yield False


def play(folder: Path, seed: int, dies: float) -> int:
    """Follow the logs to their ends; how often a life ended before that."""
    rng = np.random.default_rng(seed)
    (folder / "logs").mkdir(parents=True)
    (folder / "inferwatch.yml").write_text(CONFIG)
    config = load(folder / "inferwatch.yml")
    ticks = itertools.count()

    def begin() -> App:
        app = App(config, clock=lambda: NOW + next(ticks) * 1.1)
        app.start()
        return app

    deaths, app = 0, begin()
    writer = write(folder / "logs", seed)
    for new in writer:
        for _ in range(3 if new else int(rng.integers(3))):
            app.turn()
        if rng.random() < dies:
            app.die()
            deaths += 1
            # It is written on while the app is away; but what was never seen cannot be known.
            away = itertools.islice(writer, int(rng.integers(12)))
            found = any(away)
            app = begin()
            if found:
                app.turn()
    for _ in range(200):
        app.turn()
    assert sum(app.pipeline.positions.values()) == 60 * (2 * STEPS + STEPS // 2)
    app.pipeline.finish(NOW)
    app.stop()
    return deaths


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.app.POLL", 0.0)


def test_the_archive_is_the_same_however_often_the_app_dies(tmp_path: Path) -> None:
    first = tmp_path / "first"
    assert play(first, seed=0, dies=0.0) == 0
    wanted = read(first / "state")
    assert sum(pane["rows"] for pane in wanted.values()) == 60 * (2 * STEPS + STEPS // 2)
    for seed in (1, 2):
        folder = tmp_path / str(seed)
        # The grids are chosen from the first rows, whichever these are: here they are given.
        shutil.copytree(first / "state" / "models", folder / "state" / "models")
        assert play(folder, seed=seed, dies=0.15) > 5
        assert differences(wanted, read(folder / "state")) == []


def play_once(folder: Path, reloads: Set[int], many: int = 20_000) -> tuple[list[int], int]:
    """Read two logs once, a reload after each of these turns, until a while after both have ended.

    Returns:
        After each turn the rows that were read so far, and the inferences that were ever counted.
    """
    (folder / "logs").mkdir(parents=True)
    for name, number in (("a.log", 200), ("b.log", many)):
        lines = lines_of(np.random.default_rng(number), number, first=number * 9.0)
        (folder / "logs" / name).write_bytes(b"\n".join(lines) + b"\n")
    path, ticks = folder / "inferwatch.yml", itertools.count()
    path.write_text(CONFIG.replace("follow: true", "follow: false"))
    app = App(load(path), clock=lambda: NOW + next(ticks), reread=lambda: load(path))
    app.start()
    rows = []
    for turn in range(20):
        app.turn()
        rows.append(sum(app.pipeline.positions.values()))
        if turn in reloads:
            assert app.reload() is None
    counted = sum(float(str(n)) for n in values(app.board, "software.inferences").values())
    app.stop()
    return rows, round(counted)


def test_a_reload_after_a_file_that_is_read_once_has_ended_changes_no_number(
    tmp_path: Path,
) -> None:
    first = tmp_path / "first"
    rows, counted = play_once(first, frozenset())
    # The first has ended after the second turn, and the other not; after some more both have.
    assert 200 < rows[0] < rows[1] < rows[5] == counted == 20_200
    wanted = read(first / "state")
    assert sum(pane["rows"] for pane in wanted.values()) == 20_200  # closed, not only counted
    for reloads in (frozenset(range(20)), *({turn} for turn in range(7))):
        folder = tmp_path / "-".join(map(str, reloads))
        shutil.copytree(first / "state" / "models", folder / "state" / "models")
        assert play_once(folder, reloads) == (rows, counted)
        assert differences(wanted, read(folder / "state")) == []


def test_a_reload_while_all_of_such_files_waits_for_a_schema_changes_no_number(
    tmp_path: Path,
) -> None:
    for turn in (1, 2, 4):
        folder = tmp_path / str(turn)
        folder.mkdir()
        rows, counted = play_once(folder, {turn}, many=300)
        assert rows[0] == rows[-1] == counted == 500
        assert sum(pane["rows"] for pane in read(folder / "state").values()) == 500
