"""The commands `inferwatch alert ...`. What is heavy is imported where it is needed."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import click

from monitor.command_line import CONFIG_OPTION, fail, load_config


@click.group()
def alert() -> None:
    """Try the way that alerts take to people."""


@alert.command("test")
@CONFIG_OPTION
@click.option("--alertmanager", "url", metavar="URL", help="Alertmanager, instead of the config's.")
@click.option(
    "--severity",
    type=click.Choice(["page", "ticket"]),
    default="page",
    show_default=True,
    help="Whom it is for: routes go by it.",
)
@click.option("--model", metavar="NAME", help="The model that it is of: routes go by it too.")
@click.option(
    "--timeout",
    type=click.FloatRange(1, 3600),
    default=120.0,
    show_default=True,
    help="Seconds to wait for every integration; longer than the route's group_wait.",
)
def try_out(
    config_file: Path, url: str | None, severity: str, model: str | None, timeout: float
) -> None:
    """Send a test alert the whole way, and say who was told.

    It bears the label test="true", says in its summary that it is a test, and is resolved at the
    end. What each integration delivered or refused is read from Alertmanager's own counters, which
    are of all alerts: another message of the same seconds counts too. The exit code is 0 if all
    delivered, and 1 if not.

    \b
    Examples:  inferwatch alert test
               inferwatch alert test --alertmanager http://127.0.0.1:9093 --severity ticket
    """
    from monitor.alerting.alertmanager import Alertmanager, NoAlertmanager
    from monitor.alerting.trial import Clock, Trial, Wanted
    from monitor.config_alertmanager import alertmanager_url

    if model is not None and not model.strip():
        fail("inferwatch alert test: --model is empty; give a model's name, or leave it out", 2)
    if url is None and not config_file.exists():
        what = f"inferwatch alert test: {config_file}: no such file"
        fail(f"{what}; name the config by --config, or Alertmanager by --alertmanager URL", 2)
    try:
        to = load_config(config_file).alertmanager.url if url is None else alertmanager_url(url)
    except ValueError as error:
        fail(f"inferwatch alert test: --alertmanager: {error}", 2)
    clock = Clock(lambda: datetime.now(UTC), time.monotonic, time.sleep)
    trial = Trial(Alertmanager(to), Wanted(severity, model, timeout), clock)
    try:
        for line in trial.run():
            click.echo(line)
    except NoAlertmanager as error:
        fail(f"inferwatch alert test: {error}")
    if not trial.well:
        fail("inferwatch alert test: not everyone who should be told was told")
