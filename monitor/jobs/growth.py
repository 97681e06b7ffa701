"""The job by which references grow, one model after the other: `monitor/references/growing.py`."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from collectors.schema import SchemaError, SchemaMismatch
from collectors.summaries.state import StateError
from monitor.config import Config
from monitor.config_model import ModelConfig
from monitor.event_clock import SECOND
from monitor.jobs.jobs import Job
from monitor.references.accepting import Folders
from monitor.references.building import CannotBuild, Task
from monitor.references.growing import grow
from monitor.references.in_force import Change, first_path
from monitor.references.span import Span
from monitor.settling import Known, schema_path

log = logging.getLogger(__name__)

CANNOT = (CannotBuild, StateError, SchemaError, SchemaMismatch, OSError, ValueError)
"""What growing raises where the files, the config and the schema do not fit."""


class _Stopped(Exception):
    """The daemon wants to stop; the next run begins anew."""


def make_growth(config: Config) -> Job | None:
    """The job that this config asks for; None where no reference is to grow."""
    folders = Folders(config.state.dir)
    models = [model for model in config.models if _grows(model)]
    if not models:
        return None

    def work(now: float, stopping: threading.Event) -> None:
        failed = []
        for model in models:
            try:
                change = _grown(model, folders, round(now * SECOND), stopping)
            except _Stopped:
                return
            except CANNOT as error:
                failed.append(f"{model.name}: {error}")
                continue
            if change is not None:
                about = {"model": model.name, "reference": change.id, "before": change.before}
                log.info("reference has grown", extra=about)
        if failed:
            raise OSError("; ".join(failed))

    return Job("growth", config.jobs.growth.at, work)


def _grows(model: ModelConfig) -> bool:
    return model.reference is not None and model.reference.fixed and model.reference.grow


def _grown(
    model: ModelConfig, folders: Folders, now: int, stopping: threading.Event
) -> Change | None:
    def progress(_what: str, _total: int) -> Callable[[int], None]:
        def step(_done: int) -> None:
            if stopping.is_set():
                raise _Stopped

        return step

    known = Known.read(schema_path(folders.models, model.name))
    settings = model.reference
    first = None if settings is None else settings.first
    if known is None or (first and not first_path(folders.state, model.name, first).exists()):
        return None  # there is nothing yet that could grow
    out = folders.references / f"{model.name}.grown"
    return grow(Task(model, known, out, now, Span(), progress), folders)
