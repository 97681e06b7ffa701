"""From the config to the parts of the daemon that depend on it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from pathlib import Path

from collectors.process import ProcessSampler, Sampler, Target
from monitor.board import Board, Caps
from monitor.config import Config
from monitor.config_model import ModelConfig
from monitor.dead_letters import DeadLetters
from monitor.event_clock import SECOND, TimeRules
from monitor.judging.beside import BesideRules
from monitor.judging.making import make_judging
from monitor.model import Keeping, ModelRules, PaneListener
from monitor.pipeline import ModelPart, Pipeline
from monitor.routing import Router, Rule
from monitor.settling import Settling


def make_pipeline(
    config: Config,
    board: Board,
    letters: DeadLetters,
    keeping: Keeping,
    listeners: Sequence[PaneListener] = (),
) -> Pipeline:
    """The pipeline, with the schemas that the state folder has; it has read nothing yet.

    Raises:
        SchemaError, SchemaMismatch: a stored schema is damaged, or is not of this config.
    """
    parts = [_part(model, config.state.dir) for model in config.models]
    router = Router([_rule(model) for model in config.models])
    return Pipeline(parts, router, board, letters, keeping, listeners)


def declare(board: Board, models: Iterable[ModelConfig]) -> None:
    """Tell the board what the config says of caps and buckets."""
    for model in models:
        caps = Caps(reasons=model.caps.errors, classes=model.caps.classes)
        board.declare(model.name, model.latency_buckets, caps)


def samplers(models: Iterable[ModelConfig]) -> dict[str, Sampler]:
    """Who looks at the model servers' own processes, by model."""
    return {
        model.name: ProcessSampler(
            Target(model.process.pid, model.process.pid_file, model.process.name)
        )
        for model in models
        if model.process is not None
    }


def digest(config: Config | ModelConfig) -> str:
    """16 hex digits that change where the config does; secrets are not in it."""
    return blake2b(config.model_dump_json().encode(), digest_size=8).hexdigest()


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
        digest=digest(model),
        beside=_beside(model),
        alarms=model.alarms,
        limits=model.limits,
    )
    topic = None if model.match is None else model.match.topic
    settling = Settling(model, state / "models", time.perf_counter)
    return ModelPart(rules, settling, topic, make_judging(model, rules, settling, state))


def _beside(model: ModelConfig) -> BesideRules:
    alarms = model.alarms
    return BesideRules(
        kinds=() if model.reference is None else tuple(dict.fromkeys(model.reference.beside)),
        methods=alarms.live_methods,
        ignore=frozenset(alarms.ignore),
        min_rows=alarms.min_rows,
        zone=model.timezone,
    )


def _rule(model: ModelConfig) -> Rule:
    match = model.match
    if match is None:
        return Rule(model.name)
    return Rule(model.name, match.topic, match.field, match.header, match.equals)
