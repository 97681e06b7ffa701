"""How long reading stops for a checkpoint, and how long the keeper's thread then works on it.

Run as `python -m benchmarks.checkpoint`. Each model has a topic of its own, and one open pane of a
thousand rows when the state is taken; the median of so many takings is printed.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median

import msgspec
import numpy as np

from collectors.sources import Assigned, Partition, Records
from monitor.app import App
from monitor.checkpoint import Checkpoint, pack
from monitor.config import load

ROWS = 1_000
TIMES = 21


def config(models: int, features: int, state: str) -> str:
    """Three of four features are numbers, the others categories."""
    kinds = ("number", "number", "number", "category")
    lines = "".join(f"      f{i}: {{kind: {kinds[i % 4]}}}\n" for i in range(features))
    topics = ", ".join(f"t{i}" for i in range(models))
    return (
        f'source: {{kafka: {{bootstrap_servers: ["127.0.0.1:1"], topics: [{topics}]}}}}\n'
        f'state: {{dir: "{state}"}}\nweb: {{listen: "127.0.0.1:0"}}\nmodels:\n'
    ) + "".join(
        f"  - name: m{i}\n    match: {{topic: t{i}}}\n"
        f"    fields: {{time: t, features: x, prediction: y}}\n"
        f"    features:\n{lines}    output: {{kind: number}}\n"
        for i in range(models)
    )


def batch(topic: str, features: int, now: float, rng: np.random.Generator) -> Records:
    """A thousand rows of this hour."""
    numbers = rng.normal(50, 20, (ROWS, features)).round(3).tolist()
    values: list[bytes | None] = []
    for row in numbers:
        x = {f"f{i}": f"c{int(v) % 30}" if i % 4 == 3 else v for i, v in enumerate(row)}
        values.append(msgspec.json.encode({"t": now, "x": x, "y": row[0]}))
    return Records(
        partition=Partition(topic, 0),
        offsets=np.arange(ROWS, dtype=np.int64),
        values=values,
        keys=[None] * ROWS,
        headers=[()] * ROWS,
        timestamps=np.full(ROWS, -1, dtype=np.int64),
    )


def measure(models: int, features: int) -> tuple[float, float, int]:
    """Seconds to take the state, seconds to encode it, and the bytes it makes."""
    rng, now = np.random.default_rng(1), time.time()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "inferwatch.yml"
        path.write_text(config(models, features, f"{folder}/state"))
        app = App(load(path))
        for model in range(models):
            partition = Partition(f"t{model}", 0)
            app.pipeline.handle(Assigned({partition: 0}), now)
            app.pipeline.handle(batch(partition.topic, features, now, rng), now)
        app.pipeline.advance(now + 10)
        taken, packed, size = [], [], 0
        for _ in range(TIMES):
            began = time.perf_counter()
            state = app.pipeline.state()
            taken.append(time.perf_counter() - began)
            began = time.perf_counter()
            size = len(pack(Checkpoint(1, state)))
            packed.append(time.perf_counter() - began)
    return median(taken), median(packed), size


def main() -> None:
    """Measure, and print a line for each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=100)
    parser.add_argument("--features", type=int, default=50)
    options = parser.parse_args()
    for models in sorted({1, options.models}):
        pause, encoding, size = measure(models, options.features)
        print(
            f"{models} models of {options.features} features, an open pane of {ROWS:,} rows each: "
            f"reading stops for {pause * 1e3:.1f} ms; encoding takes another thread "
            f"{encoding * 1e3:.0f} ms, {size / 2**20:.2f} MiB"
        )


if __name__ == "__main__":
    main()
