"""The commands `inferwatch archive ...`. What is heavy is imported where it is needed."""

from __future__ import annotations

import time
from pathlib import Path

import click

from monitor.command_line import CONFIG_OPTION, fail, load_config


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
