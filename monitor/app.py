"""The daemon: the only place where its parts are put together."""

from __future__ import annotations

import logging
import platform
import threading
import time
from collections.abc import Callable, Sequence

from collectors.family import Statistic
from collectors.schema import SchemaError, SchemaMismatch
from collectors.sources import Assigned, CaughtUp, Partition, Records, Source, StreamValue
from collectors.summaries.state import State, StateError, Stored
from monitor import __version__, limits
from monitor.archive import Event
from monitor.board import Board
from monitor.checkpoint import Refused
from monitor.config import Config, ConfigError
from monitor.dead_letters import make_dead_letters
from monitor.encoding import decode, encode
from monitor.event_clock import SECOND
from monitor.jobs.jobs import Jobs
from monitor.jobs.making import make_jobs
from monitor.keeper import Keeper
from monitor.model import PaneListener
from monitor.parts import declare, digest, make_pipeline, samplers
from monitor.pipeline import Pipeline
from monitor.reload import NotReloaded, Reloads, check_fixed
from monitor.server import Exporter
from monitor.source import make_source
from monitor.web.pages.making import Maker
from monitor.web.pages.routes import Pages
from monitor.web.pages.watched import Watched, watched

log = logging.getLogger(__name__)

POLL = 0.25
"""Longest wait for records, in seconds: how late a stop may be noticed."""

HOUSEKEEPING = 1.0
"""Seconds between looks at lag, commits and the collectors' own figures."""

PROCESS_INTERVAL = 5.0
"""Seconds between looks at a model server's process."""

WARMING = 0.05
"""Seconds that a turn without records may spend on fetching what windows will need."""

LAST_SAVE = 3.0
"""Seconds that the state gets to be written when the daemon stops."""

CANNOT_GO_ON = (SchemaError, SchemaMismatch, StateError, Refused, OSError, ImportError, ValueError)
"""What a start raises where the state, the config and the machine do not fit."""

FIRST_SAVE = 10.0
"""Seconds that the state gets to be written before the first record of a partition is read."""


class App:
    """New, `start`, `run`, `reload`, `stop`. Every part is told the time; only this one asks it.

    Args:
        clock: wall time, seconds since the epoch.
        listeners: told of every closed pane.
        reread: gives the config again, as its file is now; without it nothing is reloaded.
        sources: makes the source that a config asks for.
    """

    def __init__(
        self,
        config: Config,
        clock: Callable[[], float] = time.time,
        listeners: Sequence[PaneListener] = (),
        reread: Callable[[], Config] | None = None,
        sources: Callable[[Config], Source] = make_source,
    ) -> None:
        self.board = Board()
        self.reloads = Reloads()
        self._config = config
        self._clock = clock
        self._listeners = listeners
        self._reread = reread
        self._make_source = sources
        self._letters = make_dead_letters(config, self.board)
        self.keeper = Keeper(
            config.state.dir, config.state.checkpoint_interval, self.board, self._letters.sync
        )
        declare(self.board, config.models)
        self.pipeline = make_pipeline(config, self.board, self._letters, self.keeper, listeners)
        self.jobs = Jobs(self.board, clock)
        self.exporter = Exporter(
            self.board,
            config.web.address,
            self.ready,
            clock,
            web=config.web,
            reload=self.reloads.ask_and_wait,
            state=config.state.dir,
            pages=self._pages(config),
        )
        self._source: Source | None = None
        self._samplers = samplers(config.models)
        self._topics: dict[str, str] = {}
        self._newest: dict[Partition, float] = {}
        self._last_turn = self._next_house = self._next_sample = 0.0

    def ready(self) -> bool:
        """Whether partitions were assigned, so that an absent number means something."""
        return self.pipeline.ready

    def start(self) -> None:
        """Go on from the newest checkpoint, serve metrics, and begin to read.

        Raises:
            OSError: the address cannot be listened on, or the state folder is in use or cannot be
                written.
            Refused, StateError: the state that is there cannot be gone on from.
        """
        now = self._clock()
        checkpoint = self.keeper.open()
        try:
            if checkpoint is not None:
                stored = Stored(checkpoint.state)
                self.pipeline.restore(stored.part("pipeline"))
                topics = stored.part("topics")
                self._topics = {topic: topics.text(topic) for topic in topics}
            self.keeper.durable = dict(self.pipeline.positions)
            self._source = self._make_source(self._config)
            self._begin(self._source)
            self._show_config(now)
            self.exporter.start()
            self.jobs.start(make_jobs(self._config, self.board))
        except BaseException:
            self.keeper.close()
            raise
        log.info(
            "started",
            extra={
                "version": __version__,
                "metrics": self.exporter.url,
                "checkpoint": "none" if checkpoint is None else checkpoint.sequence,
            },
        )

    def run(self, stop: threading.Event) -> None:
        """Read and publish until `stop` is set."""
        while not stop.is_set():
            self.turn()
            for request in self.reloads.waiting():
                request.answer(self.reload())

    def turn(self) -> None:
        """One look at the source, and what follows from it."""
        source = self._source
        if source is None:
            raise RuntimeError("start() comes before turn()")
        now = self._clock()
        if now < self._last_turn:
            self._set_back(now)
        self._last_turn = now
        if self.keeper.full or self.pipeline.full or not self._placed():
            # What waits for the disk is bounded; Kafka, or the file, holds the rest.
            self.keeper.wait(POLL)
        else:
            values = source.poll(POLL, now)
            for value in values:
                self.pipeline.handle(value, now)
                self._note(value, now)
            if not any(isinstance(value, Records) for value in values):
                self._warm()
        self.pipeline.advance(now)
        if self.keeper.due(now):
            self.keeper.begin(self._state, self.pipeline.restart_positions(), now)
        if now >= self._next_house:
            self._next_house = now + HOUSEKEEPING
            self._keep_house(source, now)
        if now >= self._next_sample:
            self._next_sample = now + PROCESS_INTERVAL
            for name, sampler in self._samplers.items():
                self.board.replace_group(("process", name), sampler.sample(now), name)

    def reload(self) -> str | None:
        """Take over the config as its file is now, all of it or nothing; why not, if not."""
        now = self._clock()
        try:
            self._reload(now)
        except NotReloaded as refusal:
            log.warning("config is not taken over: the old one stays", extra={"why": str(refusal)})
            self.board.set_gauge(Statistic("config.reload_successful", 0))
            return str(refusal)
        return None

    def save(self, timeout: float = LAST_SAVE) -> bool:
        """Write the state now, and wait for it; whether it is durable."""
        positions = self.pipeline.restart_positions()
        return self.keeper.save(self._state, positions, self._clock(), timeout)

    def stop(self) -> None:
        """Write the state, and give back sockets and threads."""
        if self._source is not None:
            if not self.save():
                log.warning("the state could not be written: a restart reads some records again")
            self._source.commit(self.keeper.durable)
        self.die()
        log.info("stopped")

    def _reload(self, now: float) -> None:
        if self._reread is None or self._source is None:
            raise NotReloaded("the config was not read from a file")
        try:
            config = self._reread()
            check_fixed(self._config, config)
            # Twice, and first aside, so that what fails leaves no trace.
            state = decode(encode(self.pipeline.state()))
            aside = Board()
            declare(aside, config.models)
            make_pipeline(config, aside, self._letters, self.keeper).restore(Stored(state))
            same = config.source == self._config.source
            source = self._source if same else self._make_source(config)
            self.exporter.renew(config.web)
        except (ConfigError, *CANNOT_GO_ON) as error:
            raise NotReloaded(str(error)) from error
        declare(self.board, config.models)
        try:
            listeners = self._listeners
            pipeline = make_pipeline(config, self.board, self._letters, self.keeper, listeners)
        except CANNOT_GO_ON as error:
            raise NotReloaded(str(error)) from error
        pipeline.restore(Stored(state))
        self._drop_what_is_gone(config)
        self._hand_over(pipeline, source, now)
        self._config, self._samplers = config, samplers(config.models)
        self.jobs.stop()
        self.jobs.start(make_jobs(config, self.board))
        self._show_config(now)
        log.info("config is taken over", extra={"models": len(config.models)})

    def _drop_what_is_gone(self, config: Config) -> None:
        """Take from the board what the new config has no more."""
        names = {model.name: {name for name, _ in model.named_windows()} for model in config.models}
        for model in self._config.models:
            if model.name not in names:
                self.board.drop_model(model.name)
                continue
            for window, _ in model.named_windows():
                if window not in names[model.name]:
                    self.board.drop_length(model.name, window)

    def _hand_over(self, pipeline: Pipeline, source: Source, now: float) -> None:
        """Go on with this pipeline, which knows what the old one knew, and this source."""
        old, self.pipeline = self.pipeline, pipeline
        if source is not self._source and self._source is not None:
            self._source.close()
            self._source = source
            self._begin(source)
            return
        for partition in old.assigned:
            offset = pipeline.positions[partition]
            pipeline.handle(Assigned({partition: offset}), now)
            # Also where it stands there already: a file at its end has to say so again.
            source.seek(partition, offset)

    def _begin(self, source: Source) -> None:
        """Have the source begin where the state ends."""
        for topic, topic_id in self._topics.items():
            source.remember(topic, topic_id)
        for partition, offset in self.pipeline.positions.items():
            source.seek(partition, offset)

    def die(self) -> None:
        """Give everything back and write nothing more, as if the process had ended here."""
        if self._source is not None:
            self._source.close()
            self._source = None
        self.jobs.stop()
        self.exporter.stop()
        self.keeper.close()
        self._letters.close()

    def _pages(self, config: Config) -> Pages:
        """What people look at: it reads what the other parts have, from threads of the server."""

        def models() -> list[Watched]:
            running = self.pipeline.models
            return [watched(one, running.get(one.name)) for one in self._config.models]

        state, clock = config.state.dir, self._clock
        maker = Maker(self.board, state, models, self.jobs.next, self.ready, clock)
        return Pages(maker, clock)

    def _state(self) -> State:
        return {"pipeline": self.pipeline.state(), "topics": dict(self._topics)}

    def _show_config(self, now: float) -> None:
        labels = {"version": __version__, "python": platform.python_version()}
        self.board.set_gauge(Statistic("build_info", 1, labels))
        self.board.set_gauge(Statistic("config.reload_successful", 1))
        self.board.set_gauge(Statistic("config.reload_timestamp", now))
        for one in self._config.models:
            limits.show(self.board, one)
        at, models = round(now * SECOND), [model.name for model in self._config.models]
        detail = {"models": models, "inferwatch": __version__}
        self.keeper.note(Event(at, at, "config", "", digest(self._config), detail))

    def _note(self, value: StreamValue, now: float) -> None:
        if isinstance(value, Assigned):
            self._topics |= value.topic_ids
            # A record counts from here on, so that here a restart has to begin.
            self.save(FIRST_SAVE)
        if isinstance(value, Records) and len(value):
            newest = int(value.timestamps[-1])
            self._newest[value.partition] = newest / 1000 if newest >= 0 else now
        elif isinstance(value, CaughtUp):
            self._newest.pop(value.partition, None)

    def _placed(self) -> bool:
        """Whether a restart would find where each partition began; before, nothing is read."""
        return self.pipeline.assigned <= self.keeper.durable.keys()

    def _set_back(self, now: float) -> None:
        """The wall clock was set back: what is due at a time must not wait for it to come again."""
        self._next_house = self._next_sample = now
        self.keeper.set_back(now)
        self.pipeline.set_back(now)

    def _warm(self) -> None:
        """After a restart closed panes are on disk: fetch some while there is nothing to read."""
        began = time.perf_counter()
        while time.perf_counter() - began < WARMING and self.pipeline.warm():
            pass

    def _keep_house(self, source: Source, now: float) -> None:
        source.commit(self.keeper.durable)
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
