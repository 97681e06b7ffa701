"""A daemon whose source and clock are moved by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from collectors.sources import Assigned, Partition, StreamValue
from monitor.app import App
from monitor.config import load
from monitor.exporter import Snapshot
from monitor.windows import Pane
from tests.support.daemon import samples
from tests.support.harness import NOW

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


class Hand:
    """A source that hands over what it was given, at the next poll."""

    def __init__(self, topic: str = "inferences") -> None:
        self._topic = topic
        self._given: list[StreamValue] = []
        self.committed: dict[Partition, int] = {}

    def assign(self, many: int) -> None:
        """So many partitions are read from their beginning."""
        self.give(Assigned({Partition(self._topic, number): 0 for number in range(many)}))

    def give(self, *values: StreamValue) -> None:
        """The next poll hands over these too."""
        self._given += values

    def poll(self, timeout: float, now: float) -> Sequence[StreamValue]:
        given, self._given = self._given, []
        return given

    def remember(self, topic: str, topic_id: str) -> None: ...

    def seek(self, partition: Partition, offset: int) -> None: ...

    def pause(self, partitions: frozenset[Partition]) -> None: ...

    def resume(self, partitions: frozenset[Partition]) -> None: ...

    def commit(self, offsets: Mapping[Partition, int]) -> None:
        self.committed |= offsets

    def lag(self) -> Mapping[Partition, int]:
        return {}

    def close(self) -> None: ...


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
