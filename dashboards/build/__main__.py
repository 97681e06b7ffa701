"""Writes the boards into `dashboards/`: `python -m dashboards.build`."""

from __future__ import annotations

from pathlib import Path

from dashboards.build import feature, fleet, model, monitor
from dashboards.build.board import Board

FOLDER = Path(__file__).parents[1]


def boards() -> list[Board]:
    """All of them, as they are found by people: from the whole to one feature."""
    return [fleet.board(), model.board(), feature.board(), monitor.board()]


if __name__ == "__main__":
    for one in boards():
        (FOLDER / f"{one.about.name}.json").write_text(one.text(), "utf-8")
