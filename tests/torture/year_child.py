"""Hours of event time by an injected clock, as fast as they go, in a process of its own.

`python -m tests.torture.year_child SPEC`, SPEC a JSON object; prints one JSON object.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import psutil

from collectors.sources import Records
from tests.support.records import records
from tests.support.scripted import Hand
from tests.torture.times_daemon import ByHand, daemon

HOUR = 3_600.0
ROWS = 5
"""Rows a pane."""

MODEL = """\
  - name: m{number}
    match: {{field: m, equals: "{number}"}}
    fields: {{time: t, version: v, latency: l, features: x, prediction: y}}
    features:
{features}    output: {{kind: number}}
    windows: [1h, 6h]
    lateness: 1m
    keep_late: 3h
"""
HEAD = """\
source: {kafka: {bootstrap_servers: ["127.0.0.1:1"], topics: [inferences]}}
state: {dir: state, checkpoint_interval: 10s}
web: {listen: "127.0.0.1:0"}
models:
"""


def config(models: int, features: int) -> str:
    """Half of the features are numbers, half categories."""
    kinds = ("number", "category")
    lines = "".join(f"      f{j}: {{kind: {kinds[j % 2]}}}\n" for j in range(features))
    return HEAD + "".join(MODEL.format(number=m, features=lines) for m in range(models))


def hours(spec: dict[str, int], begin: float) -> Iterator[tuple[float, Records]]:
    """One batch an hour, with a few rows of each model; each week has a version of its own."""
    rng = np.random.default_rng(spec["seed"])
    offset = 0
    encode = msgspec.json.Encoder().encode
    for hour in range(spec["hours"]):
        start = begin + hour * HOUR
        values: list[bytes | None] = []
        for model in range(spec["models"]):
            numbers = rng.normal(0, 10, (ROWS, spec["features"])).round(3).tolist()
            for row in numbers:
                x = {f"f{j}": v if j % 2 == 0 else f"c{int(v) % 30}" for j, v in enumerate(row)}
                one = {"m": str(model), "t": start + 60, "v": f"week-{hour // 168}", "l": 0.01}
                values.append(encode(one | {"x": x, "y": row[0]}))
        stamps = [round((start + 61) * 1000)] * len(values)
        yield start + 61, records(values, "inferences", 0, offset, stamps)
        offset += len(values)


def live(folder: Path, spec: dict[str, int]) -> dict[str, Any]:
    """Play them, and say what the process held, four times a day."""
    begin = 1_700_000_000.0 // HOUR * HOUR
    process, hand = psutil.Process(), Hand()
    hand.assign(1)
    held: dict[str, list[int]] = {"rss": [], "threads": [], "files": []}
    with daemon(folder, hand, config(spec["models"], spec["features"])) as one:
        for hour, (now, batch) in enumerate(hours(spec, begin)):
            one.now = now
            hand.give(batch)
            one.turn()
            one.now += 10  # a schema is chosen, revisions are published, the state is due
            one.turn()
            while one.app.keeper.unsaved > 200:
                one.app.keeper.wait(0.25)
                one.turn()
            one.panes.clear()
            if hour % 6 == 5:
                with process.oneshot():
                    held["rss"].append(process.memory_info().rss)
                    held["threads"].append(process.num_threads())
                    held["files"].append(process.num_fds())
        one.app.pipeline.finish(one.now)
        outcomes = one.outcomes()
        settled = _saved(one)
    panes = list((folder / "state" / "archive" / "panes").glob("*/*/*.parquet"))
    return held | {"outcomes": outcomes, "panes": len(panes), "saved": settled}


def _saved(one: ByHand) -> bool:
    for _ in range(100):
        if one.app.save(10.0) and not one.app.keeper.unsaved:
            return True
        threading.Event().wait(0.05)
    return False


def main() -> None:
    spec = json.loads(sys.argv[2])
    print(json.dumps(live(Path(sys.argv[1]), spec)))


def outcome(folder: Path, **spec: int) -> dict[str, Any]:
    """Run it, and take what it printed."""
    command = [sys.executable, "-m", "tests.torture.year_child", str(folder), json.dumps(spec)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=7_200)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    main()
