"""What stands in the JSON of the boards."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "dashboards"
NAMES = ("fleet", "model", "feature", "monitor")

CHOSEN = {
    "datasource": "prometheus",
    "model": "delay",
    "version": "v2",
    "beside": "v1",
    "window": "1h",
    "feature": "distance",
    "reference": ".*",
    "__range": "30m",
    "__interval": "30s",
    "__rate_interval": "5m",
}
"""What the variables are, and Grafana's own, where queries are run."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One query: of which board, of what on it, and what it says with its variables replaced."""

    board: str
    what: str
    expression: str
    instant: bool = False


def board(name: str) -> dict[str, Any]:
    """The JSON of a board."""
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    return found


def panels(data: dict[str, Any]) -> list[dict[str, Any]]:
    """Every panel, those of folded rows too, without the rows."""
    every = [inner for one in data["panels"] for inner in (one, *one.get("panels", ()))]
    return [one for one in every if one["type"] != "row"]


def queries(name: str) -> Iterator[Asked]:
    """Every query of a board's panels and annotations."""
    data = board(name)
    for panel in panels(data):
        for target in panel["targets"]:
            what = f"{panel['title']} / {target['refId']}"
            yield Asked(name, what, chosen(target["expr"]), target.get("instant", False))
    for one in data["annotations"]["list"]:
        if "expr" in one.get("target", {}):
            yield Asked(name, f"annotation {one['name']}", chosen(one["target"]["expr"]))


def variables(name: str) -> Iterator[tuple[str, str, str]]:
    """Name, query and pattern of every variable that Prometheus is asked for."""
    for one in board(name)["templating"]["list"]:
        if one["type"] == "query":
            yield one["name"], chosen(one["query"]["query"]), one.get("regex", "")


def chosen(expression: str) -> str:
    """A query as Grafana would send it."""

    def value(match: re.Match[str]) -> str:
        return CHOSEN[match[1]]

    return re.sub(r"\$\{?(\w+)(?::regex)?\}?", value, expression)
