"""A daemon whose source and clock are moved by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from monitor.app import App
from monitor.config import load
from monitor.exporter import Snapshot
from monitor.windows import Pane
from tests.support.daemon import samples
from tests.support.harness import NOW
from tests.support.scripted import Hand

CONFIG = """\
source: {kafka: {bootstrap_servers: ["127.0.0.1:1"], topics: [inferences]}}
models:
  - name: m
    fields: {time: t, version: v, features: x, prediction: y}
    features: {a: {kind: number}}
    output: {kind: number}
    windows: [1h, 6h]
    lateness: 5m
    keep_late: 3h
    max_future: 5m
    idle_timeout: 1m
state: {dir: state, checkpoint_interval: 10s}
web: {listen: "127.0.0.1:0"}
"""


@dataclass
class ByHand:
    """The daemon, its clock (epoch, s), and the panes that it closed or revised."""

    app: App
    panes: list[Pane]
    now: float = NOW

    def turn(self) -> None:
        """One look at the source, at the clock's time."""
        self.app.turn()

    def ends(self) -> list[float]:
        """When the panes end that it closed, in seconds."""
        return [pane.end / 1e6 for pane in self.panes]

    def metrics(self) -> dict[str, float]:
        """Every sample."""
        return samples(Snapshot(self.app.board, interval=0.0).get(self.now).body.decode())

    def metric(self, name: str) -> float:
        """One of them."""
        return self.metrics()[name]

    def outcomes(self) -> dict[str, int]:
        """Records counted, by what became of them."""
        found = {}
        for name, value in self.metrics().items():
            if name.startswith("inferwatch_records_total") and value:
                found[name.partition("outcome=")[2].split(",")[0]] = int(value)
        return found


@contextmanager
def daemon(folder: Path, source: Hand, config: str = CONFIG) -> Iterator[ByHand]:
    """One that has started; it stops in good order."""
    (folder / "inferwatch.yml").write_text(config)
    panes: list[Pane] = []
    app = App(
        load(folder / "inferwatch.yml"),
        clock=lambda: one.now,
        listeners=[lambda _, pane: panes.append(pane)],
        sources=lambda _: source,
    )
    one = ByHand(app, panes)
    app.start()
    try:
        yield one
    finally:
        app.stop()
