"""A checkpoint that is cut, bent or half written: the damage is found, the one before it serves."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np

from monitor.checkpoint import Checkpoint, Checkpoints, Damaged, pack, unpack
from tests.torture import Outcome, Stage

NUMBER = 2
FAULT = "kill inside the checkpoint's write; truncation at every 64th byte; random bit flips"
BAR = "the newest valid one loads; 100% of damage found"

WRITER = """\
import sys
from pathlib import Path
from monitor.checkpoint import Checkpoints
from tests.torture.row_02_damage import make
checkpoints = Checkpoints(Path(sys.argv[1]))
newest = checkpoints.newest()
number = newest.sequence if newest else 0
while True:
    number += 1
    checkpoints.write(make(number))
    print(number, flush=True)
"""


def make(number: int) -> Checkpoint:
    """A checkpoint of some hundred kilobytes, another one for each number."""
    rng = np.random.default_rng(number)
    columns: dict[str, Any] = {
        f"column {i}": {"cells": rng.integers(-999, 999, 200), "total": float(rng.normal())}
        for i in range(60)
    }
    return Checkpoint(number, {"number": number, "columns": columns})


def _found(data: bytes) -> bool:
    try:
        unpack(data)
    except Damaged:
        return True
    return False


def _killed(folder: Path, kills: int, seed: int) -> tuple[int, int]:
    """Kill a writer at random instants; how often the newest whole one was not good enough, and
    the last number."""
    rng, pause = np.random.default_rng(seed), threading.Event()
    wrong, said = 0, 0
    for _ in range(kills):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(folder)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        process.stdout.readline()
        pause.wait(float(rng.uniform(0, 0.05)))
        process.kill()
        with process:
            lines = process.stdout.read().split()
        said = max(said, int(lines[-1]) if lines else 0)
        newest = Checkpoints(folder).newest()
        same = newest is not None and pack(newest) == pack(make(newest.sequence))
        # What was said to be written is there; the one after it may be.
        wrong += newest is None or not same or newest.sequence < said
    return wrong, said


def _replaced(folder: Path, data: bytes, rng: np.random.Generator) -> bool:
    """Whether the one before it is taken for the newest one, damaged."""
    checkpoints = Checkpoints(folder)
    checkpoints.write(make(1))
    checkpoints.write(make(2))
    path = max(folder.glob("*.checkpoint"))
    bent = bytearray(data)
    bent[int(rng.integers(len(bent)))] ^= 1 << int(rng.integers(8))
    path.write_bytes(bent)
    newest = checkpoints.newest()
    return newest is not None and newest.sequence == 1


def run(stage: Stage) -> Outcome:
    """See the module."""
    rng = np.random.default_rng(stage.seed)
    data = pack(make(2))
    kills = stage.pick(200, 5)
    wrong, written = _killed(stage.folder / "killed", kills, stage.seed)
    cuts = range(0, len(data), 64)
    cut = sum(_found(data[:length]) for length in cuts)
    flips = stage.pick(10_000, 1_000)
    found = 0
    for _ in range(flips):
        bent = bytearray(data)
        bent[int(rng.integers(len(bent)))] ^= 1 << int(rng.integers(8))
        found += _found(bytes(bent))
    longer = _found(data + b"\0")
    before = _replaced(stage.folder / "bent", data, rng)
    return Outcome(
        exact=wrong == 0 and cut == len(cuts) and found == flips and longer and before,
        within=True,
        ran=f"{kills} kills among {written} writes; {len(cuts)} cuts and {flips:,} flips of "
        f"{len(data):,} bytes, seed {stage.seed}",
        printed=f"{kills - wrong} of {kills} starts found the newest whole one; {cut} of "
        f"{len(cuts)} cuts and {found:,} of {flips:,} flips found",
    )
