"""The boards that come with inferwatch, as Grafana's JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monitor.disk import make_folder, sync_folders, write_whole

NAMES = ("fleet", "model", "feature", "monitor")
"""All of them, from the whole to one feature; each is a file `NAME.json`."""

_INSTALLED = Path(__file__).with_name("boards")
_REPOSITORY = Path(__file__).parents[2] / "dashboards"


def board_texts() -> dict[str, str]:
    """The JSON of every board, by name.

    Raises:
        OSError: a file of them is not there.
    """
    folder = _INSTALLED if _INSTALLED.is_dir() else _REPOSITORY
    return {name: (folder / f"{name}.json").read_text("utf-8") for name in NAMES}


def boards(datasource: Mapping[str, str] | None = None) -> dict[str, dict[str, Any]]:
    """Every board by name; at first it asks `datasource` (`name` and `uid`), where one is given."""
    found = {name: json.loads(text) for name, text in board_texts().items()}
    if datasource is not None:
        chosen = {"text": datasource["name"], "value": datasource["uid"], "selected": True}
        for board in found.values():
            for variable in board["templating"]["list"]:
                if variable["type"] == "datasource":
                    variable["current"] = chosen
    return found


def export(folder: Path) -> list[Path]:
    """Write every board into a folder, which is made where it is not there; what was written.

    Raises:
        OSError: it cannot be written, or the boards are not there.
    """
    texts = board_texts()
    make_folder(folder.absolute())
    written = []
    for name, text in texts.items():
        path = folder / f"{name}.json"
        write_whole(path, text.encode())
        written.append(path)
    sync_folders([folder])
    return written
