"""Half an hour at full speed: what the process holds stays what it was."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np

from tests.oracle import windows
from tests.support.daemon import Daemon, Gauge, counted
from tests.support.kafka import unique
from tests.support.traffic import Pump, Sender
from tests.torture import Outcome, Stage
from tests.torture.holding import MIB, MOST_MORE, Held

NUMBER = 20
FAULT = "soak: 30 min at 10 thousand records/s"
BAR = (
    "median RSS of the last quarter within 2% of the second quarter's; no thread or file leak; "
    "every record in a window"
)

POOL = 20_000
FEATURES = 6
SCRAPE = 2.0
CONFIG = """\
source:
  kafka: {bootstrap_servers: ["ADDRESS"], topics: [TOPIC], start: earliest}
state: {dir: state, checkpoint_interval: 1s}
web: {listen: "LISTEN"}
models:
  - name: m
    fields: {time: t, version: v, latency: l, features: x, prediction: y}
    features:
FEATURES    output: {kind: number}
    windows: [10s, 1m]
    lateness: 2s
    idle_timeout: 2s
"""


def soak(stage: Stage) -> tuple[list[str], Held, str]:
    """The daemon as a process, under steady traffic; what was wrong, and what it held."""
    broker, topic = stage.broker(), unique("soak")
    # The disk keeps a minute of it, more or less.
    kept = {"retention_bytes": str(64 * MIB), "segment_bytes": str(16 * MIB)}
    broker.create(topic, partitions=3, **kept)
    rate, seconds = stage.pick(10_000, 2_000), stage.pick(1_800 // stage.share, 8)
    features = "".join(f"      f{j}: {{kind: {kind}}}\n" for j, kind in enumerate(_kinds()))
    config = CONFIG.replace("FEATURES", features).replace("ADDRESS", broker.address)
    sender, problems = Sender(broker.address, topic), list[str]()
    folder = stage.folder / "soak"
    folder.mkdir()
    with Daemon(folder, config.replace("TOPIC", topic)) as daemon:
        daemon.start()
        daemon.until(bool)
        gauge, pump = Gauge(daemon.pid, interval=1.0), Pump(sender, _traffic(stage.seed), rate)
        pump.start()
        gauge.start()
        began, pause = time.monotonic(), threading.Event()
        while time.monotonic() - began < seconds:
            daemon.metrics()
            pause.wait(SCRAPE)
        gauge.stop()
        pump.stop()
        ran = time.monotonic() - began
        sender.flush()
        daemon.until(lambda found: counted(found) >= sender.sent, 120)
        found = daemon.metrics()
        # Silence closes the last pane in its time.
        state = folder / "state"
        daemon.until(lambda _: windows.archived_rows(state) >= sender.sent, 120)
        daemon.stop()
    if found.get(f"inferwatch_records_total{{outcome=ok,topic={topic}}}") != sender.sent:
        problems.append(f"{counted(found):,.0f} records counted of {sender.sent:,}")
    if windows.archived_rows(state) != sender.sent:
        problems.append(f"{windows.archived_rows(state):,} rows in panes of {sender.sent:,}")
    held = Held(gauge.rss, gauge.threads, gauge.files)
    return problems, held, f"{ran:.0f} s at {sender.sent / ran:,.0f} records/s"


def _kinds() -> Iterator[str]:
    return itertools.islice(itertools.cycle(("number", "category")), FEATURES)


def _traffic(seed: int) -> Iterator[tuple[int, bytes]]:
    """Records made once, and sent with the time of their sending."""
    rng = np.random.default_rng(seed)
    numbers = rng.normal(10, 20, (POOL, FEATURES)).round(3).tolist()
    tails = []
    for row in numbers:
        x: dict[str, Any] = {
            f"f{j}": value if kind == "number" else f"c{int(value) % 40}"
            for j, (value, kind) in enumerate(zip(row, _kinds(), strict=True))
        }
        rest = msgspec.json.encode({"v": "1", "l": abs(row[0]) / 100, "x": x, "y": row[1]})
        tails.append(b"," + rest[1:])
    for number in itertools.count():
        yield number % 3, b'{"t":%.3f' % time.time() + tails[number % POOL]


def run(stage: Stage) -> Outcome:
    """See the module."""
    wrong, held, what = soak(stage)
    said = f" ({'; '.join(wrong[:3])})" if wrong else ""
    return Outcome(
        exact=not wrong and not held.leaks,
        within=held.more <= MOST_MORE and stage.share == 1,
        ran=f"{what}, scraped all the while; seed {stage.seed}",
        printed=f"{held.said()}; {len(wrong)} counts wrong{said}",
    )
