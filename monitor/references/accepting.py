"""`inferwatch reference accept`: a span of the archive becomes what the model is compared with.

All of it, or only some columns: the rest then stays what it was.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from collectors.drift.calibrated import LEAST
from collectors.schema import SchemaError, SchemaMismatch
from collectors.summaries.state import StateError
from monitor.config_model import ModelConfig
from monitor.references.building import Built, CannotBuild, Task
from monitor.references.carrying import Columns, carried, replaced, united_schema
from monitor.references.file import Reference, Writer, load
from monitor.references.fitting import Fitting
from monitor.references.from_archive import from_archive
from monitor.references.in_force import (
    Change,
    InForce,
    alone,
    file_of,
    first_path,
    keep,
    load_fitting,
    put_in_force,
    read,
)
from monitor.settling import Known, schema_path


@dataclass(frozen=True, slots=True)
class Folders:
    """Where things lie in a state folder."""

    state: Path

    @property
    def references(self) -> Path:
        """References that were accepted or grown, and which of them are in force."""
        return self.state / "references"

    @property
    def archive(self) -> Path:
        """Closed panes and events."""
        return self.state / "archive"

    @property
    def models(self) -> Path:
        """Schemas."""
        return self.state / "models"


@dataclass(frozen=True, slots=True)
class Standing:
    """What a model is compared with now.

    Attributes:
        base: id of the configured reference.
        reference: what is in force.
        since: what changed since the configured reference; None where that is in force.
    """

    base: str
    reference: Reference
    since: InForce | None = None


def standing(config: ModelConfig, folders: Folders) -> Standing:
    """What a model is compared with now.

    Raises:
        CannotBuild: nothing is.
        StateError, SchemaError, SchemaMismatch: a file is damaged, or does not fit.
        OSError: a file cannot be read.
    """
    base = configured(config, folders)
    recorded = read(folders.references, config.name)
    if recorded is None or recorded.base != base.id:
        return Standing(base.id, base)
    id, stored = recorded.newest.id, schema_path(folders.models, config.name)
    known = Known.read(stored)
    if known is None:
        raise CannotBuild(f"{stored} is gone; restore it from a backup")
    fitting = Fitting(config, file_of(folders.references, config.name, id), stored)
    return Standing(base.id, load_fitting(id, fitting, known), recorded)


def path_in_force(config: ModelConfig, folders: Folders) -> Path:
    """The file of the reference that a model is compared with now; see `standing`."""
    found = standing(config, folders)
    if found.since is not None:
        return file_of(folders.references, config.name, found.since.newest.id)
    settings = config.reference
    if settings is None or settings.path is None:
        needed = 0 if settings is None else settings.first or 0
        return first_path(folders.state, config.name, needed)
    return settings.path


def configured(config: ModelConfig, folders: Folders) -> Reference:
    """The reference that the config names.

    Raises:
        CannotBuild: it names none, or that is not made yet.
        StateError, SchemaError, OSError: it cannot be read.
    """
    settings = config.reference
    if settings is None or not settings.fixed:
        raise CannotBuild(
            f"model {config.name} has no reference in the config that another one could succeed; "
            "write one there, for example reference: {first: 168}"
        )
    if settings.path is not None:
        return load(settings.path)
    path = first_path(folders.state, config.name, settings.first or 0)
    if not path.exists():
        raise CannotBuild(
            f"the first {settings.first} panes of model {config.name} are not there yet, and until "
            "then nothing is in force; wait for them, or build a reference of the span by "
            "`inferwatch reference build` and name it by reference.path"
        )
    return load(path)


def accept(task: Task, folders: Folders, some: Columns) -> tuple[Built, Change]:
    """Have the span of the archive be the reference of these columns, or of all where none is
    named, from now on.

    Args:
        task: `out` is where files may lie meanwhile, in the folder of the references.

    Raises:
        CannotBuild: it cannot be, or not of so few panes; the message says what to do.
        StateError, SchemaError, SchemaMismatch: a file is damaged, or does not fit.
        OSError: a file cannot be read or written.
    """
    config, folder = task.config, folders.references
    with alone(folder, config.name):
        now = standing(config, folders) if some else _whatever_stands(config, folders)
        if some:
            _check_columns(task, now.reference, some)
        built = _built(task, folders, now.reference, some)
        change = Change(
            id=built.reference.id,
            why="accepted",
            before=now.reference.id,
            at=task.now,
            start=task.span.start,
            end=task.span.end,
            features=tuple(sorted(some.features)),
            output=some.output,
        )
        put_in_force(folder, config.name, now.base, change)
    return built, change


def _built(task: Task, folders: Folders, old: Reference, some: Columns) -> Built:
    """The reference that is to be in force, in its own file."""
    config, beside = task.config, task.out.with_suffix(".span")
    try:
        built = from_archive(replace(task, out=beside), folders.archive)
        _check_length(built.reference, some, config)
        if task.known is not None:  # else there was no archive
            fitting = Fitting(config, beside, schema_path(folders.models, config.name))
            layout = config.layout(task.known.discovery)
            fitting.joined(built.reference, layout, task.known.schema)
        if some:
            made = _put_together(task, old, built.reference, some)
        else:
            beside.replace(task.out)
            made = load(task.out)
        return replace(built, reference=load(keep(made, task.out, folders.references)))
    finally:
        beside.unlink(missing_ok=True)
        task.out.unlink(missing_ok=True)


def _whatever_stands(config: ModelConfig, folders: Folders) -> Standing:
    """The same, or the configured reference where what was accepted before is damaged: the daemon
    goes by that one, too."""
    try:
        return standing(config, folders)
    except (StateError, SchemaError, SchemaMismatch, OSError):
        base = configured(config, folders)
        return Standing(base.id, base)


def _check_columns(task: Task, reference: Reference, some: Columns) -> None:
    config, schema = task.config, None if task.known is None else task.known.schema
    names = {} if schema is None else schema.columns
    for name in sorted(some.features):
        if name not in names:
            raise CannotBuild(
                f"model {config.name} has no feature {name!r}; there are {', '.join(names)}; the "
                "answer is accepted by --output"
            )
    if some.output and (schema is None or schema.output is None):
        raise CannotBuild(f"model {config.name} has no answers that could be accepted")
    if not reference.pane:
        raise CannotBuild(
            f"the rows of reference {reference.id} have no times, so that no part of it can be "
            "replaced; accept the span as a whole"
        )


def _check_length(span: Reference, some: Columns, config: ModelConfig) -> None:
    """That there are panes enough to be calibrated."""
    rows: Counter[int] = Counter()
    for pane in span.panes:
        if not (some - carried(pane)):
            rows[pane.start] += pane.rows
    least = config.alarms.min_rows
    judged = sum(number >= least for number in rows.values())
    if judged < LEAST:
        feature = min(some.features, default="dep_delay")
        raise CannotBuild(
            f"the span has {judged} panes of {least} rows or more, and {LEAST} are wanted; until "
            "there are so many, keep a feature quiet under the model's alarms by "
            f"mute: {{{feature}: 2026-12-24}}, with the day up to which it is to be"
        )


def _put_together(task: Task, old: Reference, span: Reference, some: Columns) -> Reference:
    """The old reference with these columns of the span instead of its own."""
    writer = Writer(task.pane)
    for pane in replaced(old.panes, span.panes, some):
        writer.add(pane)
    return writer.finish(
        task.out,
        model=task.config.name,
        schema=united_schema(old.schema, span.schema, some),
        discovery=span.discovery,
        made_from=f"reference {old.id}, with {some} of {span.made_from}",
        created=task.now,
        left_out=old.left_out,
    )
