"""The daemon: the only place where its parts are put together."""

from __future__ import annotations

import logging
import platform
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from collectors.family import Statistic
from collectors.process import ProcessSampler, Sampler, Target
from collectors.sources import CaughtUp, Partition, Records, Source, StreamValue
from monitor import __version__
from monitor.board import Board, Caps
from monitor.config import Config
from monitor.config_model import ModelConfig
from monitor.dead_letters import DeadLetters
from monitor.event_clock import SECOND, TimeRules
from monitor.model import ModelRules, PaneListener
from monitor.pipeline import ModelPart, Pipeline
from monitor.routing import Router, Rule
from monitor.server import Exporter
from monitor.settling import Settling
from monitor.source import make_source

log = logging.getLogger(__name__)

POLL = 0.25
"""Longest wait for records, in seconds: how late a stop may be noticed."""

HOUSEKEEPING = 1.0
"""Seconds between looks at lag, commits and the collectors' own figures."""

PROCESS_INTERVAL = 5.0
"""Seconds between looks at a model server's process."""


class App:
    """New, `start`, `run`, `stop`. Every part is told the time; only this one asks for it.

    Args:
        clock: wall time, seconds since the epoch.
        listeners: told of every closed pane.
    """

    def __init__(
        self,
        config: Config,
        clock: Callable[[], float] = time.time,
        listeners: Sequence[PaneListener] = (),
    ) -> None:
        self.board = Board()
        for model in config.models:
            caps = Caps(reasons=model.caps.errors, classes=model.caps.classes)
            self.board.declare(model.name, model.latency_buckets, caps)
        state = Path(config.state.dir)
        self.pipeline = Pipeline(
            [_part(model, state) for model in config.models],
            Router([_rule(model) for model in config.models]),
            self.board,
            DeadLetters(state, config.state.dead_letters.max_bytes),
            listeners,
        )
        self.exporter = Exporter(self.board, config.web.address, self.ready, clock)
        self._config = config
        self._clock = clock
        self._source: Source | None = None
        self._samplers: dict[str, Sampler] = {
            model.name: ProcessSampler(
                Target(model.process.pid, model.process.pid_file, model.process.name)
            )
            for model in config.models
            if model.process is not None
        }
        self._newest: dict[Partition, float] = {}
        self._next_house = self._next_sample = 0.0

    def ready(self) -> bool:
        """Whether partitions were assigned, so that an absent number means something."""
        return self.pipeline.ready

    def start(self) -> None:
        """Serve metrics, and begin to read.

        Raises:
            OSError: the address cannot be listened on, or the state folder cannot be written.
        """
        Path(self._config.state.dir).mkdir(parents=True, exist_ok=True)
        labels = {"version": __version__, "python": platform.python_version()}
        self.board.set_gauge(Statistic("build_info", 1, labels))
        self.exporter.start()
        self._source = make_source(self._config)
        log.info("started", extra={"version": __version__, "metrics": self.exporter.url})

    def run(self, stop: threading.Event) -> None:
        """Read and publish until `stop` is set."""
        while not stop.is_set():
            self.turn()

    def turn(self) -> None:
        """One look at the source, and what follows from it."""
        source = self._source
        if source is None:
            raise RuntimeError("start() comes before turn()")
        now = self._clock()
        for value in source.poll(POLL, now):
            self.pipeline.handle(value, now)
            self._note(value, now)
        self.pipeline.advance(now)
        if now >= self._next_house:
            self._next_house = now + HOUSEKEEPING
            self._keep_house(source, now)
        if now >= self._next_sample:
            self._next_sample = now + PROCESS_INTERVAL
            for name, sampler in self._samplers.items():
                self.board.replace_group(("process", name), sampler.sample(now), name)

    def stop(self) -> None:
        """Give back sockets and threads; the last numbers are gone with the process."""
        if self._source is not None:
            self._source.commit(self.pipeline.positions)
            self._source.close()
            self._source = None
        self.exporter.stop()
        log.info("stopped")

    def _note(self, value: StreamValue, now: float) -> None:
        if isinstance(value, Records) and len(value):
            newest = int(value.timestamps[-1])
            self._newest[value.partition] = newest / 1000 if newest >= 0 else now
        elif isinstance(value, CaughtUp):
            self._newest.pop(value.partition, None)

    def _keep_house(self, source: Source, now: float) -> None:
        source.commit(self.pipeline.positions)
        lags: list[Statistic] = []
        for partition, behind in source.lag().items():
            labels = {"topic": partition.topic, "partition": str(partition.number)}
            newest = self._newest.get(partition)
            seconds = max(now - newest, 0.0) if behind and newest is not None else 0.0
            lags += [
                Statistic("consumer.lag_records", behind, labels),
                Statistic("consumer.lag_seconds", seconds, labels),
            ]
        self.board.replace_group(("lag",), lags)
        for name, model in self.pipeline.models.items():
            collection = model.settled.collection
            figures = []
            for collector, seconds in collection.seconds.items():
                labels = {"collector": collector}
                healthy = float(collection.healthy[collector])
                figures += [
                    Statistic("collector.duration", seconds, labels),
                    Statistic("collector.success", healthy, labels),
                ]
            self.board.replace_group(("collectors", name), figures, name)


def _us(seconds: float) -> int:
    return round(seconds * SECOND)


def _part(model: ModelConfig, state: Path) -> ModelPart:
    windows = tuple((name, _us(seconds)) for name, seconds in model.named_windows())
    rules = ModelRules(
        name=model.name,
        time=TimeRules(
            pane=windows[0][1],
            lateness=_us(model.lateness),
            keep_late=_us(model.keep_late),
            max_future=_us(model.max_future),
            idle_timeout=_us(model.idle_timeout),
        ),
        windows=windows,
        forget_after=_us(model.forget_after),
        max_versions=model.caps.versions,
    )
    topic = None if model.match is None else model.match.topic
    return ModelPart(rules, Settling(model, state / "models", time.perf_counter), topic)


def _rule(model: ModelConfig) -> Rule:
    match = model.match
    if match is None:
        return Rule(model.name)
    return Rule(model.name, match.topic, match.field, match.header, match.equals)
