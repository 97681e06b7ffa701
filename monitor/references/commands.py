"""The commands `inferwatch reference ...`. What is heavy is imported where it is needed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.command_line import CONFIG_OPTION, fail, load_config

if TYPE_CHECKING:
    from monitor.config import Config
    from monitor.config_model import ModelConfig
    from monitor.references.building import Built
    from monitor.references.showing import Asked
    from monitor.references.span import Span


@click.group()
def reference() -> None:
    """Make and show references: what live traffic is compared with."""


@reference.command()
@click.argument("model")
@click.argument("more_files", nargs=-1, metavar="[FILE]...")
@CONFIG_OPTION
@click.option(
    "--data",
    "files",
    multiple=True,
    metavar="FILE",
    help="CSV, Parquet or JSONL file, or a pattern of several.",
)
@click.option("--from", "begin", metavar="TIME", help="Only panes from this day or time on.")
@click.option("--to", "end", metavar="TIME", help="Only panes up to this day or time, without it.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="File to write.")
def build(
    model: str,
    more_files: tuple[str, ...],
    config_file: Path,
    files: tuple[str, ...],
    begin: str | None,
    end: str | None,
    out: Path,
) -> None:
    """Make a reference for MODEL from files, or without --data from its archive.

    Files are read as the log is, by the paths of the config; a flat table will do for a log that
    nests. Days begin at midnight in the model's time zone; times are ISO 8601.

    \b
    Examples:  inferwatch reference build churn --data train.csv --out reference.parquet
               inferwatch reference build churn --from 2026-01-05 --to 2026-02-02 \\
                   --out reference.parquet
    """
    config = load_config(config_file)
    settings = model_of(config, model)
    if more_files and not files:
        fail(f"{more_files[0]}: is one word too many; name files by --data", 2)
    span = span_of(begin, end, settings.timezone)
    from monitor.references.facts import gather
    from monitor.references.show import calibration_lines, headline

    try:
        built = _build(config, settings, files + more_files, span, out)
        facts = gather(built.reference)
    except _cannot() as error:
        fail(f"inferwatch reference build: {error}")
    _say_of(built)
    click.echo(f"{out}: {headline(built.reference, facts)}")
    for line in calibration_lines(built.reference, facts, settings.alarms.min_rows):
        click.echo(line)


@reference.command()
@click.argument("model")
@CONFIG_OPTION
@click.option("--from", "begin", required=True, metavar="TIME", help="The first day or time.")
@click.option("--to", "end", metavar="TIME", help="The last one, not in it; without it: now.")
@click.option(
    "--feature", "features", multiple=True, metavar="NAME", help="Only this feature; several times."
)
@click.option("--output", is_flag=True, help="Only the answer, or the answer beside --feature.")
def accept(
    model: str,
    config_file: Path,
    begin: str,
    end: str | None,
    features: tuple[str, ...],
    output: bool,
) -> None:
    """Have a span of MODEL's archive be its reference from now on, after a change that was meant.

    With --feature or --output only these columns get the span as their reference, and the rest
    stays what it was. A daemon that runs takes it over within seconds.

    \b
    Examples:  inferwatch reference accept churn --from 2026-01-05
               inferwatch reference accept churn --from 2026-01-05 --to 2026-01-12 --output
    """
    config = load_config(config_file)
    settings = model_of(config, model)
    now = time.time_ns() // 1000
    span = span_of(begin, end, settings.timezone)
    if span.end > now:
        span = span._replace(end=now)
    if span.start >= span.end:
        fail(f"--from {begin} is not over yet; give an earlier day", 2)
    from monitor.references.accepting import Folders
    from monitor.references.accepting import accept as accepted
    from monitor.references.building import Task
    from monitor.references.carrying import Columns
    from monitor.references.facts import gather
    from monitor.references.show import calibration_lines, headline
    from monitor.settling import Known, schema_path

    folders = Folders(config.state.dir)
    some = Columns(frozenset(features), output)
    try:
        known = Known.read(schema_path(folders.models, model))
        out = folders.references / f"{model}.accepted"
        built, change = accepted(Task(settings, known, out, now, span, _progress), folders, some)
        facts = gather(built.reference)
    except _cannot() as error:
        fail(f"inferwatch reference accept: {error}")
    _say_of(built)
    click.echo(headline(built.reference, facts))
    for line in calibration_lines(built.reference, facts, settings.alarms.min_rows):
        click.echo(line)
    whole = f"{some} of it" if some else "it"
    click.echo(f"{whole} is in force from now on, after {change.before}")


@reference.command()
@click.argument("what", metavar="FILE|MODEL")
@CONFIG_OPTION
@click.option(
    "--picture",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Draw it too: a .png or .svg file to write.",
)
def show(what: str, config_file: Path, picture: Path | None) -> None:
    """Show the reference in a file, or the one in force for a model, and what it would show.

    It is calibrated for that: of a model by the config, of a file by the usual rules.

    \b
    Examples:  inferwatch reference show reference.parquet
               inferwatch reference show churn --picture reference.png
    """
    from monitor.references.showing import Asked, draw, drawable, text

    asked = Asked(Path(what))
    if not asked.path.is_file() and asked.path.suffix != ".parquet":
        config = load_config(config_file)
        asked = _of_model(model_of(config, what), config, config_file)
    try:
        if picture is not None:
            drawable(picture)
        trial, lines = text(asked, lambda what: click.echo(what, err=True))
        click.echo("\n".join(lines))
        if picture is not None:
            draw(trial, picture)
    except _cannot() as error:
        fail(f"inferwatch reference show: {error}")


def _of_model(model: ModelConfig, config: Config, config_file: Path) -> Asked:
    """The reference of a model, and the rules by which its alarms rest on it."""
    from monitor.judging.making import asked
    from monitor.references.accepting import Folders, path_in_force
    from monitor.references.in_force import first_path
    from monitor.references.showing import Asked

    if model.reference is None or not model.reference.fixed:
        fail(f"model {model.name} has no reference in {config_file}; name a file", 2)
    path = model.reference.path
    if path is None:
        path = first_path(config.state.dir, model.name, model.reference.first or 0)
        if not path.exists():
            fail(
                f"model {model.name} takes its first {model.reference.first} panes as its "
                f"reference, and they are not there yet: {path} is made once they have closed"
            )
    try:
        path = path_in_force(model, Folders(config.state.dir))
    except _cannot() as error:
        fail(f"inferwatch reference show: {error}")
    alarms = model.alarms
    return Asked(path, asked(model), config.state.dir, alarms.thresholds, alarms.min_effect)


def _say_of(built: Built) -> None:
    """What else a person had better know of what was built."""
    from monitor.references.building import counted

    for note in built.notes:
        click.echo(f"note: {note}")
    if built.left_out.total():
        click.echo(f"left out: {counted(built.left_out)}")


def checked(config: Config) -> Iterator[str]:
    """That the references which the config names can be read and fit, a line each, or the end.

    And which names of the config are no feature.
    """
    for model in config.models:
        path = None if model.reference is None else model.reference.path
        named = model.alarms.ignore or model.alarms.mute or any(model.limits.by_feature())
        if path is None and not named:
            continue
        from monitor.judging.strangers import strangers
        from monitor.references.facts import calibration, gather
        from monitor.settling import Settling

        settling = Settling(model, config.state.dir / "models", time.perf_counter)
        try:
            features = settling.check()
            if settling.reference is not None:
                facts = gather(settling.reference)
                state, _ = calibration(settling.reference, facts, model.alarms.min_rows)
                found = f"{settling.reference.id}, {facts.rows:,} rows, {state}"
                yield f"model {model.name}: reference {path}: {found}"
            names = () if features is None else strangers(model.alarms, features, model.limits)
            for stranger in names:
                yield f"model {model.name}: warning: {stranger}"
        except _cannot() as error:
            fail(str(error), 2)


def _cannot() -> tuple[type[Exception], ...]:
    """What reading and building raise where files, config and state do not fit."""
    from collectors.schema import SchemaError, SchemaMismatch
    from collectors.summaries.state import StateError
    from monitor.references.building import CannotBuild

    return (CannotBuild, SchemaError, SchemaMismatch, StateError, OSError, ImportError, ValueError)


def model_of(config: Config, name: str) -> ModelConfig:
    """The model of this name, or the end."""
    model = next((model for model in config.models if model.name == name), None)
    if model is None:
        known = ", ".join(model.name for model in config.models)
        fail(f"{name}: no model of the config has this name; there is {known}", 2)
    return model


def span_of(begin: str | None, end: str | None, zone: str) -> Span:
    """The span from --from to --to, or the end."""
    from monitor.references.span import Span, moment

    try:
        span = Span(
            Span().start if begin is None else moment(begin, zone),
            Span().end if end is None else moment(end, zone),
        )
    except ValueError as error:
        fail(str(error), 2)
    if span.start >= span.end:
        fail(f"--from {begin} does not lie before --to {end}; give an earlier day", 2)
    return span


def _build(
    config: Config, model: ModelConfig, files: tuple[str, ...], span: Span, out: Path
) -> Built:
    from monitor.references.building import Task
    from monitor.references.from_archive import from_archive
    from monitor.references.from_files import from_files
    from monitor.settling import Known, schema_path

    known = Known.read(schema_path(config.state.dir / "models", model.name))
    task = Task(model, known, out, time.time_ns() // 1000, span, _progress)
    if files:
        return from_files(task, files, config.source.max_record_bytes)
    return from_archive(task, config.state.dir / "archive")


def _progress(what: str, total: int) -> Callable[[int], None]:
    import sys

    from monitor.progress import Progress

    return Progress(what, total, sys.stderr).show
