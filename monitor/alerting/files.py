"""Alertmanager's configuration and templates as they are shipped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

_INSTALLED = Path(__file__).with_name("shipped")
_REPOSITORY = Path(__file__).parents[2] / "deploy" / "alertmanager"


def templates() -> Path:
    """The folder of the templates."""
    return _folder() / "templates"


def configuration() -> dict[str, Any]:
    """What stands in alertmanager.yml.

    Raises:
        OSError: it is not there.
    """
    return dict(yaml.safe_load((_folder() / "alertmanager.yml").read_text("utf-8")))


def _folder() -> Path:
    return _INSTALLED if _INSTALLED.is_dir() else _REPOSITORY
