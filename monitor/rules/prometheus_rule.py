"""The rules as a PrometheusRule, the object that the Prometheus Operator takes them in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

HEAD = "# Written by `inferwatch rules --format prometheusrule`.\n"


class _Lines(yaml.SafeDumper):
    """Writes a text of several lines as such, and what stands twice twice."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Lines.add_representer(str, _text)


def prometheus_rule(texts: Mapping[str, str]) -> str:
    """The groups of all rules files in one object, as YAML."""
    groups: list[Any] = []
    for text in texts.values():
        groups += yaml.safe_load(text)["groups"]
    rule = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "inferwatch", "labels": {"app.kubernetes.io/name": "inferwatch"}},
        "spec": {"groups": groups},
    }
    return HEAD + yaml.dump(rule, Dumper=_Lines, sort_keys=False, allow_unicode=True, width=100)
