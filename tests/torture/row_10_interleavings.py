"""Any order of partitions, any batches, any crashes: the archive is the same."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from monitor.app import App
from monitor.config import load
from monitor.disk import PARTIAL, write_whole
from tests.support.archives import differences, read
from tests.support.scripted import Logs, ScriptedSource
from tests.torture import Outcome, Stage

NUMBER = 10
FAULT = "any interleaving: random orders of partitions, batch sizes and crash points"
BAR = "the same archive"

RECORDS = 3_000
NOW = 1_700_000_000.0
CONFIG = """\
source: {kafka: {bootstrap_servers: ["127.0.0.1:1"], topics: [inferences]}}
models:
  - name: m
    fields: {time: t, version: v, latency: l, features: x, prediction: y}
    features: {a: {kind: number}, c: {kind: category}, s: {kind: text}}
    output: {kind: number}
    windows: [1h, 2h]
    lateness: 5m
    keep_late: 3h
state: {dir: state, checkpoint_interval: 1ms}
web: {listen: "127.0.0.1:0"}
"""


def make_logs(seed: int) -> Logs:
    """Three partitions over two days: out of order, late beyond and within what is kept, of two
    versions, one partition hours behind the others, and one that is silent for a day."""
    rng = np.random.default_rng(seed)
    partitions: list[list[Any]] = []
    for number in range(3):
        times = np.sort(rng.uniform(0, 48 * 3600, RECORDS // 3))
        if number == 2:
            times = times[(times < 8 * 3600) | (times > 32 * 3600)]
        times = times - rng.exponential(400, len(times))
        late = rng.random(len(times)) < 0.3
        times = np.where(late, times - rng.uniform(0, 8 * 3600, len(times)), times)
        rows: list[Any] = [
            {
                "t": NOW - 86_400 * 9 + float(t),
                "v": "two" if t > 20 * 3600 else "one",
                "l": float(rng.exponential(0.1)),
                "x": {
                    "a": None if rng.random() < 0.1 else float(rng.normal(5, 20)),
                    "c": f"c{int(rng.zipf(1.5)) % 40}",
                    "s": "word " * int(rng.integers(0, 6)),
                },
                "y": float(rng.integers(0, 3)),
            }
            for t in times
        ]
        for place in np.flatnonzero(rng.random(len(rows)) < 0.02).tolist():
            rows[place] = b"{broken"
        partitions.append(rows)
    return Logs(partitions)


class DyingDisk:
    """A disk that fails for good after so many writes, in the middle of one."""

    def __init__(self, writes: int) -> None:
        self._left = writes

    def write(self, path: Path, data: bytes) -> None:
        """Stands in for `monitor.disk.write_whole`."""
        self._left -= 1
        if self._left < 0:
            path.with_name(path.name + PARTIAL).write_bytes(data[: len(data) // 2])
            raise OSError("the process has ended in the middle of a write")
        write_whole(path, data)


def play(folder: Path, logs: Logs, seed: int, crashes: int) -> int:
    """Read all of the logs, dying at random turns; how many checkpoints were gone on from."""
    rng = np.random.default_rng(seed)
    (folder / "inferwatch.yml").write_text(CONFIG)
    config = load(folder / "inferwatch.yml")
    restarts, ticks = 0, itertools.count()
    for life in range(crashes + 1):
        source = ScriptedSource(logs, seed * 1_000 + life, most=int(rng.integers(1, 60)))
        last = life == crashes
        disk = DyingDisk(10**9 if last else int(rng.integers(1, 120)))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("monitor.archive.write_whole", disk.write)
            patch.setattr("monitor.checkpoint.write_whole", disk.write)
            app = App(
                config,
                clock=lambda: NOW + next(ticks) * 0.3,
                sources=lambda _config, s=source: s,  # type: ignore[misc]
            )
            app.start()
            restarts += bool(app.pipeline.positions)
            turns = 10**9 if last else int(rng.integers(1, 25))
            while turns and sum(app.pipeline.positions.values()) < logs.total:
                app.turn()
                turns -= 1
            if last:
                app.pipeline.finish(NOW)
                app.stop()
            else:
                app.die()
    return restarts


def run(stage: Stage) -> Outcome:
    """See the module."""
    logs = make_logs(stage.seed)
    first = stage.folder / "first"
    first.mkdir()
    play(first, logs, seed=0, crashes=0)
    wanted = read(first / "state")
    trials, wrong, restarts = stage.pick(200, 5), 0, 0
    example = ""
    for trial in range(1, trials + 1):
        folder = stage.folder / f"trial-{trial}"
        # The grids are chosen from the first rows, whichever these are: here they are given.
        shutil.copytree(first / "state" / "models", folder / "state" / "models")
        restarts += play(folder, logs, seed=stage.seed + trial, crashes=2 + trial % 12)
        found = differences(wanted, read(folder / "state"))
        if found:
            wrong += 1
            example = example or f"; trial {trial}: {found[0][:200]}"
        else:
            shutil.rmtree(folder)
    rows = sum(pane["rows"] for pane in wanted.values())
    return Outcome(
        exact=wrong == 0 and rows > 0,
        within=True,
        ran=f"{trials} orders of {logs.total:,} records in 3 partitions, {restarts} restarts from "
        f"a checkpoint, seed {stage.seed}",
        printed=f"{trials - wrong} of {trials} archives equal, {len(wanted)} panes of {rows:,} "
        f"rows{example}",
    )
