"""A pipeline without a source or a server: records in, metrics out, time by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from collectors.sources import Assigned, CaughtUp, Partition, Records
from monitor.app import App
from monitor.config import load
from monitor.exporter import Snapshot
from monitor.settling import LONGEST_WAIT
from monitor.windows import Pane
from tests.support.records import records
from tests.support.scripted import Logs, ScriptedSource

NOW = 1_700_000_000.0 // 3600 * 3600 + 1800
"""The wall clock of these tests, half past an hour (epoch, s)."""

HEAD = """\
source: {kafka: {bootstrap_servers: ["127.0.0.1:1"], topics: [inferences]}}
state: {dir: state}
web: {listen: "127.0.0.1:0"}
models:
"""


class Harness:
    """One configuration, fed by hand.

    `models` is the YAML of the list of models.
    """

    def __init__(self, folder: Path, models: str, head: str = HEAD, now: float = NOW) -> None:
        path = folder / "inferwatch.yml"
        path.write_text(head + models)
        self.panes: list[Pane] = []
        self.folder = folder
        self.source = ScriptedSource(Logs([]), seed=0)
        self.app = App(
            load(path),
            clock=lambda: self.now,
            listeners=[lambda _, pane: self.panes.append(pane)],
            reread=lambda: load(path),
            sources=lambda _config: self.source,
        )
        self.now = now
        self._next: dict[Partition, int] = {}
        self._snapshot = Snapshot(self.app.board, interval=0.0)
        self._text = ""

    def feed(
        self, values: list[Any], number: int = 0, topic: str = "inferences", **more: Any
    ) -> None:
        """Hand over one batch of one partition."""
        partition = Partition(topic, number)
        first = self._next.get(partition)
        if first is None:
            first = 0
            self.app.pipeline.handle(Assigned({partition: 0}), self.now)
        batch: Records = records(values, topic=topic, partition=number, first_offset=first, **more)
        self._next[partition] = first + len(batch)
        self.app.pipeline.handle(batch, self.now)

    def start(self) -> None:
        """Go on from what the state folder has; the log is handed over by `feed` from there."""
        self.app.start()
        self._next = dict(self.app.pipeline.positions)
        self.app.pipeline.handle(Assigned(dict(self._next)), self.now)

    def catch_up(self) -> None:
        """Every partition is at its end."""
        for partition, offset in self._next.items():
            self.app.pipeline.handle(CaughtUp(partition, offset), self.now)

    def settle(self) -> None:
        """Wait until a schema is chosen even from a few rows."""
        self.now += LONGEST_WAIT
        self.app.pipeline.advance(self.now)

    def finish(self) -> None:
        """Close every pane."""
        self.app.pipeline.finish(self.now)

    def text(self) -> str:
        """What `/metrics` says."""
        return self._snapshot.get(self.now).body.decode()

    def metrics(self) -> dict[str, float]:
        """Every sample, by `name{label=value,...}` with labels in order and empty ones left out."""
        found = {}
        for family in text_string_to_metric_families(self.text()):
            for sample in family.samples:
                labels = ",".join(f"{k}={v}" for k, v in sorted(sample.labels.items()) if v)
                found[f"{sample.name}{{{labels}}}"] = sample.value
        return found
