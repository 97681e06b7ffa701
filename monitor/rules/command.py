"""The command `inferwatch rules`. What is heavy is imported where it is needed."""

from __future__ import annotations

from pathlib import Path

import click

from monitor.command_line import fail
from monitor.rules.links import GRAFANA, PAGE, RUNBOOKS, Links, parse

_NAME = "inferwatch rules"


@click.command()
@click.option(
    "--grafana-url",
    metavar="URL",
    help=f"Grafana, with its path where it has one.  [default: {GRAFANA}]",
)
@click.option(
    "--runbook-url",
    metavar="URL",
    help=f"What holds the runbooks, NAME.md of each alert.  [default: {RUNBOOKS}]",
)
@click.option(
    "--page-url", metavar="URL", help=f"The page of inferwatch itself.  [default: {PAGE}]"
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["prometheus", "prometheusrule"]),
    default="prometheus",
    show_default=True,
    help="Files for Prometheus, or an object for the Prometheus Operator.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="A file that ends in .yml or .yaml; or, for Prometheus, a folder for recording.yml and "
    "alerts.yml. What is there is replaced. Without it: standard output.",
)
def rules(
    grafana_url: str | None,
    runbook_url: str | None,
    page_url: str | None,
    form: str,
    output: Path | None,
) -> None:
    """Write the rules for Prometheus, recording rules and alerts, with your own addresses in them.

    \b
    Examples:  inferwatch rules --grafana-url https://grafana.example.com --output rules
               inferwatch rules --format prometheusrule --output prometheusrule.yaml
    """
    from monitor.rules import files
    from monitor.rules.prometheus_rule import prometheus_rule

    links = Links(
        grafana=_address("--grafana-url", grafana_url, GRAFANA),
        runbooks=_address("--runbook-url", runbook_url, RUNBOOKS),
        page=_address("--page-url", page_url, PAGE),
    )
    one = form == "prometheusrule"
    a_file = output is not None and output.suffix in {".yml", ".yaml"} and not output.is_dir()
    if output is not None and one and not a_file:
        fail(f"{_NAME}: --output {output}: a PrometheusRule is one file; name one, NAME.yaml", 2)
    try:
        texts = files.linked(links)
        whole = prometheus_rule(texts) if one else files.joined(texts)
        if output is None:
            click.echo(whole, nl=False)
            return
        written = files.write_one(whole, output) if a_file else files.write(texts, output)
    except OSError as error:
        fail(f"{_NAME}: {error}")
    for path in written:
        click.echo(path)


def _address(option: str, given: str | None, otherwise: str) -> str:
    if given is None:
        return otherwise
    try:
        return parse(given)
    except ValueError as error:
        fail(f"{_NAME}: {option}: {error}", 2)
