"""A restart with much state: how soon the first scrape is right."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from collectors.sources import Assigned, Partition
from monitor.app import App
from monitor.config import load
from monitor.exporter import Snapshot
from tests.support.daemon import Daemon, samples
from tests.support.records import records
from tests.support.scripted import Logs, ScriptedSource
from tests.torture import Outcome, Stage

NUMBER = 3
FAULT = "restart with state of 100 models x 50 features, 168 closed panes each"
BAR = "first correct scrape within 5 s"

HOUR = 3_600
ROWS = 20


def config(models: int, features: int) -> str:
    """The YAML: each model has a topic of its own, and windows of an hour and of a week."""
    kinds = ["number", "number", "number", "category"]
    fields = "".join(f"      f{i}: {{kind: {kinds[i % 4]}}}\n" for i in range(features))
    topics = ", ".join(f"t{i}" for i in range(models))
    text = (
        f'source: {{kafka: {{bootstrap_servers: ["127.0.0.1:1"], topics: [{topics}]}}}}\n'
        'state: {dir: state}\nweb: {listen: "LISTEN"}\nmodels:\n'
    )
    for i in range(models):
        text += (
            f"  - name: m{i}\n    match: {{topic: t{i}}}\n"
            "    fields: {time: t, latency: l, features: x, prediction: y}\n"
            f"    features:\n{fields}    output: {{kind: number}}\n    windows: [1h, 7d]\n"
        )
    return text


def fill(folder: Path, models: int, features: int, panes: int, seed: int) -> dict[str, float]:
    """Bring the state about; the gauges of windows as they were at the end."""
    rng, now = np.random.default_rng(seed), time.time() // HOUR * HOUR
    path = folder / "inferwatch.yml"
    path.write_text(config(models, features).replace("LISTEN", "127.0.0.1:0"))
    clock = [now]
    source = ScriptedSource(Logs([]), seed=0)
    app = App(load(path), clock=lambda: clock[0], sources=lambda _config: source)
    app.start()
    start = now - panes * HOUR
    for hour in range(panes + 2):
        numbers = rng.normal(50, 20, (ROWS, features)).round(2)
        values: list[Any] = [
            {
                "t": start + hour * HOUR + i,
                "l": 0.01,
                "x": {
                    f"f{j}": f"c{int(v) % 9}" if j % 4 == 3 else v
                    for j, v in enumerate(numbers[i].tolist())
                },
                "y": float(numbers[i, 0]),
            }
            for i in range(ROWS)
        ]
        for model in range(models):
            partition = Partition(f"t{model}", 0)
            if hour == 0:
                app.pipeline.handle(Assigned({partition: 0}), clock[0])
            batch = records(values, topic=f"t{model}", first_offset=hour * ROWS)
            app.pipeline.handle(batch, clock[0])
        clock[0] += 6
        app.turn()
        if app.keeper.unsaved > 500:
            assert app.save(120)
    assert app.save(120)
    shown = samples(Snapshot(app.board, 0.0).get(clock[0]).body.decode())
    app.die()
    return {name: value for name, value in shown.items() if "window=" in name}


def run(stage: Stage) -> Outcome:
    """See the module."""
    models, features = stage.pick(100, 4), stage.pick(50, 8)
    panes = stage.pick(168, 24)
    wanted = fill(stage.folder, models, features, panes, stage.seed)
    daemon = Daemon(stage.folder, config(models, features))
    daemon.start()
    seconds, text = daemon.first_scrape()
    found = {name: value for name, value in samples(text).items() if "window=" in name}
    memory = daemon.rss() / 2**20
    stopped = daemon.stop()
    wrong = sum(found.get(name) != value for name, value in wanted.items()) + len(
        found.keys() - wanted.keys()
    )
    files = sum(1 for _ in (stage.folder / "state" / "archive").rglob("*.parquet"))
    size = max((stage.folder / "state" / "checkpoints").iterdir()).stat().st_size
    return Outcome(
        exact=wrong == 0 and bool(wanted),
        within=seconds <= 5,
        ran=f"{models} models x {features} features, {panes} closed panes of {ROWS} rows each "
        f"({files:,} files), a checkpoint of {size / 2**20:.1f} MiB, seed {stage.seed}",
        printed=f"first scrape {seconds:.1f} s after the start of the process, {len(wanted):,} "
        f"gauges, {wrong} wrong; {memory:.0f} MiB; stopped in {stopped:.1f} s",
    )
