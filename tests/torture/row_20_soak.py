"""Long runs: half an hour at full speed, and a year of hours; what the process holds stays."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import msgspec
import numpy as np

from tests.oracle import windows
from tests.support.daemon import Daemon, Gauge, counted
from tests.support.kafka import unique
from tests.support.traffic import Pump, Sender
from tests.torture import Outcome, Stage, year_child

NUMBER = 20
FAULT = (
    "soak: 30 min at 10 thousand records/s, and a year of hourly pane closes of 20 models x 20 "
    "features at full speed"
)
BAR = (
    "median RSS of the last quarter within 2% of the second quarter's; no thread or file leak; "
    "every record in a window"
)

MOST_MORE = 0.02
MIB = 1 << 20
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
    windows: [1m, 5m]
    lateness: 2s
    idle_timeout: 2s
"""


@dataclass(frozen=True, slots=True)
class Held:
    """What a process held of the machine, sample by sample."""

    rss: Sequence[int]
    threads: Sequence[int]
    files: Sequence[int]

    @property
    def more(self) -> float:
        """Growth of memory, as a share, from the second quarter to the last."""
        return _last(self.rss) / _second(self.rss) - 1

    @property
    def leaks(self) -> bool:
        """Whether threads or files are more in the last quarter than ever in the second."""
        return any(_last(some) > max(_quarter(some, 1)) for some in (self.threads, self.files))

    def said(self) -> str:
        """In a line."""
        threads, files = (f"{_second(s):.0f} to {_last(s):.0f}" for s in (self.threads, self.files))
        return (
            f"RSS {_second(self.rss) / MIB:.1f} to {_last(self.rss) / MIB:.1f} MiB "
            f"({self.more:+.1%}), threads {threads}, files {files}"
        )


def _quarter(some: Sequence[int], number: int) -> Sequence[int]:
    edge = len(some) // 4
    return some[number * edge : (number + 1) * edge]


def _second(some: Sequence[int]) -> float:
    return median(_quarter(some, 1))


def _last(some: Sequence[int]) -> float:
    return median(_quarter(some, 3))


def soak(stage: Stage) -> tuple[list[str], Held, str]:
    """The daemon as a process, under steady traffic; what was wrong, and what it held."""
    broker, topic = stage.broker(), unique("soak")
    # The disk keeps a minute of it, more or less.
    kept = {"retention_bytes": str(64 * MIB), "segment_bytes": str(16 * MIB)}
    broker.create(topic, partitions=3, **kept)
    rate, seconds = stage.pick(10_000, 2_000), stage.pick(1_800, 8)
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


def year(stage: Stage) -> tuple[list[str], Held, str]:
    """The same for hours of event time in a child process."""
    hours, models = stage.pick(8_760, 48), stage.pick(20, 3)
    features = stage.pick(20, 6)
    folder = stage.folder / "year"
    folder.mkdir()
    seen = year_child.outcome(
        folder, hours=hours, models=models, features=features, seed=stage.seed
    )
    problems = []
    rows = hours * models * year_child.ROWS
    if seen["outcomes"] != {"ok": rows}:
        problems.append(f"{seen['outcomes']} counted of {rows:,} rows")
    if seen["panes"] != hours * models or not seen["saved"]:
        problems.append(f"{seen['panes']:,} panes archived of {hours * models:,}")
    held = Held(seen["rss"], seen["threads"], seen["files"])
    return problems, held, f"{hours:,} hours of {models} models x {features} features"


def run(stage: Stage) -> Outcome:
    """See the module."""
    wrong, one, first = soak(stage)
    more, other, second = year(stage)
    wrong += more
    said = f" ({'; '.join(wrong[:3])})" if wrong else ""
    return Outcome(
        exact=not wrong and not one.leaks and not other.leaks,
        within=max(one.more, other.more) <= MOST_MORE,
        ran=f"{first}, scraped all the while; {second}, by an injected clock; seed {stage.seed}",
        printed=f"soak: {one.said()}; year: {other.said()}; {len(wrong)} counts wrong{said}",
    )
