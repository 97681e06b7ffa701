"""The commands `inferwatch dashboards ...`. What is heavy is imported where it is needed."""

from __future__ import annotations

from pathlib import Path

import click

from monitor.command_line import fail


@click.group()
def dashboards() -> None:
    """Boards for Grafana: Fleet, Model, Feature and Monitor."""


@dashboards.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder to write them into; made where it is not there.",
)
def export(out: Path) -> None:
    """Write the boards as JSON, to be imported by hand or provisioned.

    \b
    Example:  inferwatch dashboards export --out dashboards
    """
    from monitor.grafana import files

    try:
        written = files.export(out)
    except OSError as error:
        fail(f"inferwatch dashboards export: {error}")
    for path in written:
        click.echo(path)


@dashboards.command()
@click.option("--url", required=True, help="Grafana, with its path where it has one.")
@click.option(
    "--token-file",
    type=click.Path(path_type=Path),
    required=True,
    help="File with the token of a service account that may edit.",
)
@click.option("--folder", default="inferwatch", show_default=True, help="Folder for the boards.")
@click.option("--datasource", help="Name of the Prometheus; needed where there are several.")
def push(url: str, token_file: Path, folder: str, datasource: str | None) -> None:
    """Put the boards into a Grafana, by its HTTP API; again it replaces them.

    \b
    Example:  inferwatch dashboards push --url http://127.0.0.1:3000 --token-file grafana.token
    """
    from monitor.grafana.api import GrafanaError, parse_url, read_token
    from monitor.grafana.push import push as push_boards

    name = "inferwatch dashboards push"
    try:
        place = parse_url(url)
    except ValueError as error:
        fail(f"{name}: --url {error}", 2)
    try:
        done = push_boards(place, read_token(token_file), folder, datasource, click.echo)
    except (GrafanaError, OSError) as error:
        fail(f"{name}: {error}")
    for one in done:
        click.echo(f"{'new' if one.new else 'replaced'}: {one.title}  {one.url}")
