"""The commands `inferwatch archive ...`. What is heavy is imported where it is needed."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.command_line import CONFIG_OPTION, fail, load_config
from monitor.references.commands import model_of, span_of

if TYPE_CHECKING:
    from monitor.history.export import Out


@click.group()
def archive() -> None:
    """Look after the archive: closed windows and events."""


@archive.command()
@CONFIG_OPTION
def compact(config_file: Path) -> None:
    """Compact the archive at once, and remove what is too old, as the daemon's job does.

    It is refused while a daemon runs: that one does it at `jobs.compaction.at`. What is damaged is
    said and left as it is, and the exit code is 1.

    \b
    Example:  inferwatch archive compact --config inferwatch.yml
    """
    config = load_config(config_file)
    from monitor.compaction import size
    from monitor.disk import Lock
    from monitor.event_clock import SECOND
    from monitor.jobs.compaction import compaction_of, failure

    compaction = compaction_of(config)
    if not compaction.folder.is_dir():
        fail(
            f"inferwatch archive compact: there is no archive in {config.state.dir}; nothing "
            "to compact"
        )
    lock = Lock(config.state.dir)
    try:
        lock.take()
        done = compaction.run(round(time.time() * SECOND))
        lock.give_back()
    except OSError as error:
        fail(f"inferwatch archive compact: {error}")
    files, room = size(compaction.folder)
    click.echo(
        f"{done.files:,} files became {done.days:,}, {done.removed:,} days were too old; "
        f"{files:,} files of {room:,} bytes are left"
    )
    for one in done.damaged:
        click.echo(f"inferwatch archive compact: damaged, and left as it is: {one}", err=True)
    if done.failed:
        fail(f"inferwatch archive compact: {failure(done)}")
    if done.damaged:
        raise SystemExit(1)


@archive.command()
@CONFIG_OPTION
@click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="The state folder, where it is not that of the configuration: a copy, or a backup.",
)
@click.option("--model", metavar="NAME", help="Only this model.")
@click.option("--from", "begin", metavar="TIME", help="Only windows that end after this time.")
@click.option("--to", "end", metavar="TIME", help="Only windows that end by this time.")
@click.option(
    "--step",
    default="1h",
    show_default=True,
    metavar="DURATION",
    help="How long after a sample a gauge that still stands gets the next one.",
)
@click.option("--out", type=click.Path(path_type=Path), help="File to write, else standard output.")
def openmetrics(
    config_file: Path,
    state: Path | None,
    model: str | None,
    begin: str | None,
    end: str | None,
    step: str,
    out: Path | None,
) -> None:
    """Write the archive as OpenMetrics, for `promtool tsdb create-blocks-from openmetrics`.

    Every gauge of windows, scores, verdicts and alarms that /metrics showed, under the same names
    and labels, at the event time of its window. Queries want a look-back above the step:
    `prometheus --query.lookback-delta=65m`. A daemon may run meanwhile. What is damaged is said and
    left out, and the exit code is 1.

    \b
    Example:  inferwatch archive openmetrics --config inferwatch.yml --out history.om
              promtool tsdb create-blocks-from openmetrics --max-block-duration=512h history.om data
    """
    config = load_config(config_file)
    settings = config.models if model is None else [model_of(config, model)]
    spans = [(one, span_of(begin, end, one.timezone)) for one in settings]
    from monitor.durations import parse_duration
    from monitor.event_clock import SECOND
    from monitor.history.export import CANNOT, History
    from monitor.progress import Progress

    try:
        every = round(parse_duration(step) * SECOND)
    except ValueError as error:
        fail(f"--step: {error}", 2)
    if every < SECOND:
        fail(f"--step {step} is too short; write 1s or more", 2)
    done = 0

    def day() -> None:
        nonlocal done
        done += 1
        progress.show(done)

    history = History(state or config.state.dir, every, day=day)
    progress = Progress("days", sum(history.days(m.name, s) for m, s in spans), sys.stderr)
    try:
        with _out(out) as file:
            written = history.write(spans, file)
    except CANNOT as error:
        fail(f"inferwatch archive openmetrics: {error}")
    for note in written.notes:
        click.echo(f"inferwatch archive openmetrics: {note}", err=True)
    for one in written.damage:
        click.echo(f"inferwatch archive openmetrics: damaged, and left out: {one}", err=True)
    click.echo(f"{out or 'standard output'}: {written}", err=True)
    if written.damage or not written.samples:
        raise SystemExit(1)


@contextlib.contextmanager
def _out(path: Path | None) -> Iterator[Out]:
    from monitor.disk import whole

    if path is None:
        yield sys.stdout.buffer
        return
    with whole(path) as file:
        yield file
