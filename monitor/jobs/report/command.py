"""The command `inferwatch report`. What is heavy is imported where it is needed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.command_line import CONFIG_OPTION, fail, load_config

if TYPE_CHECKING:
    from monitor.jobs.report.task import Compared, Numbers


@click.command()
@click.argument("model")
@click.option("--from", "begin", required=True, metavar="TIME", help="From this day or time on.")
@click.option("--to", "end", required=True, metavar="TIME", help="Up to this day or time.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write (.html), and its numbers beside it (.json); without it, where the "
    "daemon keeps and serves its reports.",
)
@CONFIG_OPTION
def report(model: str, begin: str, end: str, out: Path | None, config_file: Path) -> None:
    """Make Evidently's report of MODEL from the windows' samples, against its reference.

    Days begin at midnight in the model's time zone; times are ISO 8601. It needs the extra
    `reports`, and panes in the archive: the daemon may run meanwhile.

    \b
    Example:  inferwatch report churn --from 2026-03-02 --to 2026-03-03
    """
    from monitor.jobs.report.files import Reports, Stored
    from monitor.jobs.report.running import NotMade, reference_of, run, task_for
    from monitor.references.commands import model_of, span_of

    config = load_config(config_file)
    settings = model_of(config, model)
    span = span_of(begin, end, settings.timezone)
    reference = reference_of(settings, config.state.dir)
    if reference is None:
        fail(f"model {model} has no reference yet; give it one by `reference` in {config_file}", 2)
    stored = Reports(config.state.dir).place(model, *span)
    if out is not None:
        if out.suffix != ".html":
            fail(f"{out}: a report is a page; write --out {out.with_suffix('.html')}", 2)
        stored = Stored(model, *span, out)
    click.echo("making the report, some ten seconds", err=True)
    try:
        task = task_for(settings, config.state.dir, reference, stored, config.jobs.report)
        numbers = run(task, stored, threading.Event())
    except NotMade as error:
        fail(f"inferwatch report: {error}")
    for line in lines(numbers):
        click.echo(line)
    click.echo(f"page: {stored.path}")
    click.echo(f"numbers: {stored.numbers}")


def lines(numbers: Numbers) -> Iterator[str]:
    """The report for a terminal."""
    from monitor.jobs.report.head import sentences, span

    yield f"{numbers.model}, {span(numbers)}, reference {numbers.reference}"
    yield from sentences(numbers)
    rows = [("column", "test", "value", "threshold", "drift")]
    rows += [_row(one) for one in (*numbers.columns, *numbers.asked)]
    rows += [(name, "not compared", why, "", "") for name, why in numbers.left_out.items()]
    widths = [max(len(row[place]) for row in rows) for place in range(4)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row[:4], widths, strict=True)]
        yield "  ".join((*cells, row[4])).rstrip()
    if numbers.domain is not None and numbers.domain.columns:
        told = ", ".join(f"{name} {loss:.3f}" for name, loss in numbers.domain.columns)
        yield f"tells them apart most (AUC lost without it): {told}"


def _row(one: Compared) -> tuple[str, str, str, str, str]:
    if one.value is None:
        return one.column, one.method, one.why, "", ""
    drift = "yes" if one.drifted else "no"
    return one.column, one.method, f"{one.value:.4g}", f"{one.threshold:g}", drift
