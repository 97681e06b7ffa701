"""What commands share: how they fail, and how they read the config."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

if TYPE_CHECKING:
    from monitor.config import Config


CONFIG_OPTION = click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path),
    default="inferwatch.yml",
    show_default=True,
    help="The configuration.",
)
"""The config, for commands whose arguments are something else."""


def fail(message: str, code: int = 1) -> NoReturn:
    """End with a message: 1 it failed, 2 wrong usage or config."""
    click.echo(message, err=True)
    sys.exit(code)


def load_config(path: Path) -> Config:
    """The config in a file, or the end."""
    from monitor.config import ConfigError, load

    try:
        return load(path)
    except ConfigError as error:
        fail(str(error), 2)
