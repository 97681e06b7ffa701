"""Memory does not grow with traffic: 2 million records of 20 features through the whole daemon.

Run as `python -m benchmarks.memory`. Records are made by seed, hourly panes close as they pass and
go to the archive, checkpoints are written, and the process's own memory is read at one tenth and at
the end.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np
import psutil

from collectors.sources import Assigned, Partition, Records, StreamValue
from monitor.app import App
from monitor.config import load

NUMBERS, CATEGORIES = 15, 5
BATCH = 2_000
PER_HOUR = 5_000

CONFIG = """\
source: {{kafka: {{bootstrap_servers: ["127.0.0.1:1"], topics: [t]}}}}
models:
  - name: m
    fields: {{time: t, latency: latency_ms, features: x, prediction: y}}
    features:
{features}    output: {{kind: number}}
    windows: [1h, 1d]
state: {{dir: {state}}}
web: {{listen: "127.0.0.1:0"}}
"""


def make_batch(number: int) -> Records:
    """2,000 records, another draw for each number; 2% of the values are null."""
    rng = np.random.default_rng(number)
    numbers = rng.normal(0, 3, (BATCH, NUMBERS)).round(6).astype(object)
    numbers[rng.random((BATCH, NUMBERS)) < 0.02] = None
    categories = rng.integers(0, 20, (BATCH, CATEGORIES))
    start = 1_700_000_000 // 3600 * 3600 + number * BATCH / PER_HOUR * 3600
    encode = msgspec.json.Encoder().encode
    values: list[bytes | None] = []
    for i in range(BATCH):
        x = {f"number_{j}": value for j, value in enumerate(numbers[i])}
        x |= {f"category_{j}": f"value-{c}" for j, c in enumerate(categories[i])}
        t = start + i * 3600 / PER_HOUR
        values.append(encode({"t": t, "latency_ms": 5.0, "x": x, "y": float(i % 97)}))
    return Records(
        partition=Partition("t", 0),
        offsets=np.arange(number * BATCH, (number + 1) * BATCH, dtype=np.int64),
        values=values,
        keys=[None] * BATCH,
        headers=[()] * BATCH,
        timestamps=np.full(BATCH, -1, dtype=np.int64),
    )


class MadeSource:
    """A source of so many batches, each made as it is asked for."""

    def __init__(self, batches: int) -> None:
        self.batches = batches
        self.handed = 0
        self._begun = False

    def poll(self, timeout: float, now: float) -> Sequence[StreamValue]:
        """See `Source.poll`."""
        if not self._begun:
            self._begun = True
            return [Assigned({Partition("t", 0): 0})]
        self.handed += 1
        return [make_batch(self.handed - 1)]

    def remember(self, topic: str, topic_id: str) -> None:
        """Nothing: there is one log."""

    def seek(self, partition: Partition, offset: int) -> None:
        """Nothing: it is read once."""

    def pause(self, partitions: frozenset[Partition]) -> None:
        """Nothing."""

    def resume(self, partitions: frozenset[Partition]) -> None:
        """Nothing."""

    def commit(self, offsets: Mapping[Partition, int]) -> None:
        """Nothing."""

    def lag(self) -> Mapping[Partition, int]:
        """Nothing."""
        return {}

    def close(self) -> None:
        """Nothing."""


def measure(records: int) -> tuple[float, float, float]:
    """MiB of memory at one tenth and at the end, and records a second, making them included."""
    process = psutil.Process()
    features = "".join(f"      number_{j}: {{kind: number}}\n" for j in range(NUMBERS))
    features += "".join(f"      category_{j}: {{kind: category}}\n" for j in range(CATEGORIES))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "inferwatch.yml"
        path.write_text(CONFIG.format(features=features, state=f"{folder}/state"))
        source = MadeSource(records // BATCH)
        app = App(load(path), sources=lambda _config: source)
        app.start()
        began, early = time.perf_counter(), 0.0
        while source.handed < source.batches:
            app.turn()
            if source.handed == source.batches // 10:
                early = process.memory_info().rss / 2**20
        late = process.memory_info().rss / 2**20
        speed = records / (time.perf_counter() - began)
        app.stop()
    return early, late, speed


def main() -> None:
    """Measure, and print one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=2_000_000)
    options = parser.parse_args()
    early, late, speed = measure(options.records)
    print(
        f"{options.records:,} records of {NUMBERS + CATEGORIES} features: "
        f"{early:.0f} MiB at one tenth, {late:.0f} MiB at the end ({late / early - 1:+.1%}); "
        f"{speed:,.0f} records/s, making them included"
    )


if __name__ == "__main__":
    main()
