"""The command `inferwatch`. What is heavy is imported by the command that needs it."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path

import click

from monitor import __version__
from monitor.alerting.command import alert
from monitor.archive_commands import archive
from monitor.command_line import fail, load_config
from monitor.grafana.command import dashboards
from monitor.jobs.report.command import report
from monitor.references.commands import checked, reference
from monitor.rules.command import rules

CONFIG = click.argument("config", type=click.Path(path_type=Path), default="inferwatch.yml")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def main() -> None:
    """Monitor machine-learning models in production.

    Reads inference logs from Kafka or files, and exports what they say to Prometheus.

    \b
    Try it:      inferwatch demo
    Your topic:  inferwatch init --bootstrap-servers HOST:PORT --topic NAME > inferwatch.yml
                 inferwatch check inferwatch.yml
                 inferwatch run inferwatch.yml
    """


@main.command()
def version() -> None:
    """Print the version.

    \b
    Example:  inferwatch version
    """
    import platform

    click.echo(f"inferwatch {__version__} (Python {platform.python_version()})")


@main.command()
@CONFIG
def check(config: Path) -> None:
    """Read CONFIG (default inferwatch.yml) and say what would run; exit 2 if it is not valid.

    \b
    Example:  inferwatch check inferwatch.yml
    """
    from monitor.config import describe

    loaded = load_config(config)
    for line in (*describe(loaded), *checked(loaded)):
        click.echo(line)


@main.command()
@CONFIG
def run(config: Path) -> None:
    """Run the monitor by CONFIG (default inferwatch.yml) until Ctrl-C or SIGTERM.

    SIGHUP makes it read CONFIG again, and take over all of it or nothing.

    \b
    Example:  inferwatch run inferwatch.yml
    """
    loaded = load_config(config)
    from monitor import logs
    from monitor.app import CANNOT_GO_ON, App
    from monitor.config import load

    logs.set_up(loaded.log.format, loaded.log.level)
    stop = stop_on_signals()
    try:
        app = App(loaded, reread=lambda: load(config))
        app.start()
    except CANNOT_GO_ON as error:
        fail(f"inferwatch: cannot start: {error}")
    signal.signal(signal.SIGHUP, lambda _number, _frame: app.reloads.ask())
    try:
        app.run(stop)
    except BaseException:
        app.die()  # what was half taken in must not become a checkpoint
        raise
    app.stop()


@main.command()
@click.option("--bootstrap-servers", help="Kafka to sample, HOST:PORT[,HOST:PORT].")
@click.option("--topic", help="Topic to sample.")
@click.option(
    "--file",
    "files",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="JSONL, CSV or Parquet file to sample instead.",
)
@click.option("--model", default="my-model", show_default=True, help="Name for the model.")
@click.option("--records", default=2000, show_default=True, help="Records to look at, at most.")
@click.option("--timeout", default=10.0, show_default=True, help="Seconds to wait for records.")
def init(
    bootstrap_servers: str | None,
    topic: str | None,
    files: Path | None,
    model: str,
    records: int,
    timeout: float,
) -> None:
    """Look at a topic or a file, and print a commented configuration for it.

    \b
    Example:  inferwatch init --file predictions.jsonl --model churn > inferwatch.yml
    """
    from monitor.start_config import NothingFound, start_config

    if (files is None) == (bootstrap_servers is None or topic is None):
        fail("give either --file, or --bootstrap-servers and --topic", 2)
    servers = tuple((bootstrap_servers or "").split(","))
    try:
        click.echo(start_config(model, servers, topic, files, records, timeout), nl=False)
    except (NothingFound, OSError, ImportError, ValueError) as error:
        fail(f"inferwatch init: {error}")


@main.command()
@click.option("--exit", "leave", is_flag=True, help="End after the closing table.")
@click.option("--bootstrap-servers", help="Use this Kafka instead of the embedded broker.")
@click.option("--listen", default="127.0.0.1:10464", show_default=True, help="Where metrics are.")
@click.option("--days", type=click.IntRange(1, 365), default=365, help="Replay only so many days.")
@click.option(
    "--stack",
    "alerts",
    is_flag=True,
    help="With Prometheus and Alertmanager, from the PATH, and a page of what people are told.",
)
@click.option("--produce-only", is_flag=True, help="Only write the flights to --bootstrap-servers.")
@click.option("--topic", default="inferences", show_default=True, help="Where to, of its own.")
@click.option("--pace", type=click.FloatRange(0, min_open=True), help="Hours of flights a minute.")
@click.option("--at-once", default=0, show_default=True, help="Days that do not wait for --pace.")
def demo(
    leave: bool,
    bootstrap_servers: str | None,
    listen: str,
    days: int,
    alerts: bool,
    produce_only: bool,
    topic: str,
    pace: float | None,
    at_once: int,
) -> None:
    """Watch a year of real flights, scored by a real model, go through Kafka into metrics.

    With --produce-only the flights go to a Kafka of yours, for a monitor that runs elsewhere;
    --topic, --pace and --at-once are for that alone.

    \b
    Examples:  inferwatch demo --exit
               inferwatch demo --stack --days 45
    """
    from monitor.demo.show import DemoError, show

    stop = stop_on_signals()
    try:
        if produce_only:
            from monitor.demo.producing import produce

            if alerts or leave:
                fail("inferwatch demo: --stack and --exit do not go with --produce-only", 2)
            if bootstrap_servers is None:
                fail("inferwatch demo: --produce-only needs --bootstrap-servers HOST:PORT", 2)
            written = produce(bootstrap_servers, topic, days, at_once, pace, stop, click.echo)
            click.echo(f"{written:,} written")
            return
        if pace is not None or at_once or topic != "inferences":
            fail("inferwatch demo: --topic, --pace and --at-once go with --produce-only", 2)
        show(bootstrap_servers, listen, days, leave, stop, alerts)
    except (DemoError, ImportError, OSError) as error:
        fail(f"inferwatch demo: {error}")


main.add_command(reference)
main.add_command(archive)
main.add_command(report)
main.add_command(alert)
main.add_command(dashboards)
main.add_command(rules)


def stop_on_signals() -> threading.Event:
    """An event that Ctrl-C and SIGTERM set; another one a second later ends the process at once.

    Some send the same wish twice: `timeout`, to the process and to its group.
    """
    stop = threading.Event()
    first = 0.0

    def handler(_number: int, _frame: object) -> None:
        nonlocal first
        if stop.is_set() and time.monotonic() - first > 1:
            raise KeyboardInterrupt
        if not stop.is_set():
            first = time.monotonic()
            stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handler)
    return stop
