"""One report, from what the config and the state folder say to its files: the part outside.

The work is done in a process of its own (`monitor/jobs/report/child.py`), which is killed when it
takes too long, and of which nothing is left when it fails.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import msgspec

from collectors.drift.calibrated import CLASSIFIER
from collectors.layout import Feature
from collectors.schema import Schema, SchemaError, SchemaMismatch
from collectors.specs import CategorySpec, ColumnSpec, ImageSpec, ListSpec, ScoresSpec, TextSpec
from collectors.summaries.state import StateError
from monitor.config_jobs import ReportJob
from monitor.config_model import ModelConfig
from monitor.disk import make_folder
from monitor.jobs.jobs import Stopped
from monitor.jobs.report.files import Stored, clear, made_at, take_place
from monitor.jobs.report.methods import Kind
from monitor.jobs.report.task import Column, Numbers, Task
from monitor.references.accepting import Folders, path_in_force
from monitor.references.building import CannotBuild
from monitor.references.in_force import first_path
from monitor.settling import Known, schema_path

MISSING = "reports need the extra `reports`: pip install 'inferwatch[reports]'"

_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PYTHONPATH", "TMPDIR", "TZ")
"""What the process gets of the environment: there may be passwords in the rest."""

_ADDED = {
    # Evidently reports its use to its makers unless one of these is there.
    "DO_NOT_TRACK": "1",
    "ITERATIVE_DO_NOT_TRACK": "1",
    # One core is enough, and memory is counted by thread.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
}

_MOST_SAID = 2_000
"""Bytes of what the process says last that are looked at."""

LOOK = 0.1
"""Seconds between looks at whether the daemon wants to stop."""


class NotMade(Exception):
    """There is no report; the message says why, and what to do."""


def installed() -> bool:
    """Whether Evidently is there; it is not imported."""
    return all(importlib.util.find_spec(name) for name in ("evidently", "sklearn", "pandas"))


def reference_of(model: ModelConfig, state: Path) -> Path | None:
    """The file of what a model is compared with; None where there is none, or none yet."""
    settings = model.reference
    if settings is None or not settings.fixed:
        return None
    try:
        return path_in_force(model, Folders(state))
    except (CannotBuild, StateError, SchemaError, SchemaMismatch, OSError):
        path = settings.path or first_path(state, model.name, settings.first or 0)
    return path if path.is_file() else None


def task_for(
    model: ModelConfig, state: Path, reference: Path, stored: Stored, settings: ReportJob
) -> Task:
    """What is asked of the process.

    Raises:
        NotMade: the model has no schema yet, or its config does not fit it.
    """
    try:
        known = Known.read(schema_path(state / "models", model.name))
        if known is None or (model.needs_discovery and known.discovery is None):
            raise NotMade(
                f"model {model.name} has no schema yet; let the daemon read its log first"
            )
        layout = model.layout(known.discovery)
        if lacking := known.schema.lacks(layout):
            what = f"the schema of model {model.name} lacks {', '.join(lacking)}"
            raise NotMade(f"{what}; let the daemon run with this config first")
    except (SchemaError, SchemaMismatch, OSError) as error:
        raise NotMade(str(error)) from error
    ignored = frozenset(model.alarms.ignore)
    public = [feature for feature in layout.features if not feature.private]
    columns = list(_features(public, known.schema, ignored))
    output = layout.output
    if known.schema.output is not None and output is not None and not output.private:
        kind, _ = _kind(known.schema.output)
        columns.append(Column("prediction", "prediction", kind))
    return Task(
        model=model.name,
        archive=str(state / "archive"),
        reference=str(reference),
        start=stored.start,
        end=stored.end,
        columns=columns,
        hashes=known.schema.hashes_id,
        k=known.schema.sample_k,
        rows=settings.rows,
        methods=list(model.alarms.report_methods),
        seed=known.schema.seed,
        alpha=model.alarms_per_day * CLASSIFIER,
        memory=settings.memory,
        seconds=settings.timeout,
        out=str(made_at(stored.path).absolute()),
        numbers=str(made_at(stored.numbers).absolute()),
    )


def run(task: Task, stored: Stored, stopping: threading.Event) -> Numbers:
    """Make the report that a task asks for, and wait for it.

    Raises:
        NotMade: it could not be made; nothing of it is left, and what was there before is.
        Stopped: neither is it, for the daemon wants to stop.
    """
    if not installed():
        raise NotMade(MISSING)
    try:
        make_folder(stored.path.parent.absolute())
        with _begun(task) as (process, said):
            deadline = time.monotonic() + task.seconds
            while process.poll() is None:
                if stopping.wait(LOOK):
                    raise Stopped
                if time.monotonic() > deadline:
                    raise NotMade(f"not made within {task.seconds:g} s (jobs.report.timeout)")
            if process.returncode:
                raise NotMade(_why(process.returncode, said))
        numbers = msgspec.json.decode(made_at(stored.numbers).read_bytes(), type=Numbers)
        take_place(stored)
    except (OSError, msgspec.DecodeError) as error:
        raise NotMade(str(error)) from error
    finally:
        with contextlib.suppress(OSError):
            clear(stored)
    return numbers


@contextlib.contextmanager
def _begun(task: Task) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
    """The process, and what it says; at the end it and all that it began are gone."""
    command = [sys.executable, "-P", "-m", "monitor.jobs.report.child"]
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    with tempfile.TemporaryFile() as asked, tempfile.TemporaryFile() as said:
        asked.write(msgspec.json.encode(task))
        asked.seek(0)
        process = subprocess.Popen(  # noqa: S603  # our own module
            command,
            stdin=asked,
            stdout=subprocess.DEVNULL,
            stderr=said,
            env=environment | _ADDED,
            start_new_session=True,
        )
        try:
            yield process, said
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _why(code: int, said: IO[bytes]) -> str:
    """What a process that failed said last, or what ended it."""
    if code < 0:
        name = signal.Signals(-code).name
        return f"its process was ended by {name}; is jobs.report.memory enough?"
    end = said.seek(0, os.SEEK_END)
    said.seek(max(end - _MOST_SAID, 0))
    lines = said.read().decode("utf-8", "replace").strip().splitlines()
    last = lines[-1] if lines else "no word"
    if "memory" in last.lower():
        return f"{last}; raise jobs.report.memory, or lower jobs.report.rows"
    return last


def _features(features: list[Feature], schema: Schema, ignored: frozenset[str]) -> Iterator[Column]:
    for feature in features:
        kind, of = _kind(schema.columns[feature.name])
        label = f"{feature.name} ({of})" if of else feature.name
        yield Column(f"features.{feature.name}", label, kind, feature.name not in ignored)


def _kind(spec: ColumnSpec) -> tuple[Kind, str]:
    """As what the samples of a column are shown, and what of it they hold."""
    if isinstance(spec, CategorySpec | ScoresSpec):
        return "category", ""
    if isinstance(spec, TextSpec):
        return "text", ""
    of = {ListSpec: "items", ImageSpec: "brightness"}
    return "number", of.get(type(spec), "")
