"""Prints rules/ as a PrometheusRule, as the Prometheus Operator takes them.

python deploy/kubernetes/prometheus_rule.py > deploy/kubernetes/base/prometheusrule.yaml
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import yaml

RULES = Path(__file__).parents[2] / "rules"
HEAD = "# Made from rules/ by `make docs`: change it there.\n"


class _Lines(yaml.SafeDumper):
    """Writes a text of several lines as such."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Lines.add_representer(str, _text)


def render(folder: Path = RULES) -> str:
    """The groups of every rules file in the order of their names, in one object."""
    groups: list[Any] = []
    for path in sorted(folder.glob("*.yml")):
        groups += yaml.safe_load(path.read_text("utf-8"))["groups"]
    rule = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "inferwatch", "labels": {"app.kubernetes.io/name": "inferwatch"}},
        "spec": {"groups": groups},
    }
    return HEAD + yaml.dump(rule, Dumper=_Lines, sort_keys=False, allow_unicode=True, width=100)


if __name__ == "__main__":
    sys.stdout.write(render())
