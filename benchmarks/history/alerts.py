"""Which alerts of a rules file would have fired over a past that a Prometheus has.

Recording rules are worked out by promtool, expressions by Prometheus itself, and `for` and
`keep_firing_for` by `monitor.firing`.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from benchmarks.history.blocks import BLOCK
from benchmarks.history.prometheus import Prometheus
from monitor.durations import parse_duration
from monitor.firing import firings, states

Rule = dict[str, Any]
"""One recording rule, as the file has it."""

_METRIC = re.compile(r"\b(?:[a-z_]+:)?inferwatch_\w+(?::\w+)?")

INTERVAL = 300.0
"""Seconds between two evaluations: windows end on the hour, and nothing changes between."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert of a rules file; durations in s."""

    name: str
    expression: str
    hold: float = 0.0
    keep_firing: float = 0.0
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def severity(self) -> str:
        """`page` or `ticket`."""
        return self.labels.get("severity", "")


@dataclass(frozen=True, slots=True)
class Fired:
    """One alert that fired: from when it did, and until when (s)."""

    alert: Alert
    labels: Mapping[str, str]
    begin: float
    end: float


def read(path: Path) -> list[Alert]:
    """The alerts of a rules file, in order."""
    groups = yaml.safe_load(path.read_text("utf-8"))["groups"]
    return [
        Alert(
            name=rule["alert"],
            expression=rule["expr"],
            hold=_seconds(rule.get("for")),
            keep_firing=_seconds(rule.get("keep_firing_for")),
            labels={name: str(value) for name, value in rule.get("labels", {}).items()},
        )
        for group in groups
        for rule in group["rules"]
        if "alert" in rule
    ]


def levels(path: Path) -> list[list[Rule]]:
    """The recording rules of a file, those first that rest on none of the others.

    promtool asks a Prometheus that does not have what it is about to write.
    """
    groups = yaml.safe_load(path.read_text("utf-8"))["groups"]
    left: list[Rule] = [rule for group in groups for rule in group["rules"] if "record" in rule]
    found: list[list[Rule]] = []
    while left:
        waiting = {rule["record"] for rule in left}
        ready = [rule for rule in left if not (metrics(rule["expr"]) - {rule["record"]}) & waiting]
        if not ready:
            raise RuntimeError(f"{path}: rules that rest on each other: {', '.join(waiting)}")
        found.append(ready)
        left = [rule for rule in left if rule not in ready]
    return found


def metrics(expression: str) -> set[str]:
    """The metrics of inferwatch, and those recorded of them, that an expression names."""
    return set(_METRIC.findall(expression))


def record(
    prometheus: Prometheus, rules: Sequence[Rule], start: float, end: float, folder: Path
) -> Path | None:
    """What rules of one level give between two times (s), as blocks; None where that is nothing."""
    names = prometheus.names()
    known = [rule for rule in rules if metrics(rule["expr"]) & names]
    if not known:
        return None
    folder.mkdir(parents=True)
    # A group is evaluated a little after each interval, by a hash of its name and its file's: names
    # that stay make times that stay.
    path, out = Path("rules.yml"), Path("data")
    (folder / path).write_text(json.dumps({"groups": [{"name": "recorded", "rules": known}]}))
    span = (f"--start={start:.0f}", f"--end={end:.0f}", f"--eval-interval={INTERVAL:.0f}s")
    where = (f"--url={prometheus.url}", f"--output-dir={out}")
    command = ["promtool", "tsdb", "create-blocks-from", "rules", f"--max-block-duration={BLOCK}"]
    command += [*where, *span]
    done = subprocess.run(
        [*command, str(path)], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"promtool's rules failed: {(done.stdout + done.stderr)[-2000:]}")
    return folder / out


def fired(
    prometheus: Prometheus, alerts: Sequence[Alert], start: float, end: float
) -> Iterator[Fired]:
    """All that fired between two times (s), alert by alert.

    What the past knows nothing of, such as the monitor itself, is left out: that it is absent then
    would be an alert.
    """
    times, names = np.arange(start, end + 1, INTERVAL), prometheus.names()
    for alert in alerts:
        if not metrics(alert.expression) & names:
            continue
        # One alert is one set of labels, whatever else its expression says of the metric.
        rows: dict[str, tuple[dict[str, str], np.ndarray[Any, np.dtype[np.bool_]]]] = {}
        for one in prometheus.query_range(alert.expression, start, end, INTERVAL):
            labels = {k: v for k, v in one.labels.items() if k != "__name__"} | dict(alert.labels)
            key = json.dumps(labels, sort_keys=True)
            _, active = rows.setdefault(key, (labels, np.zeros(len(times), bool)))
            places = (np.fromiter(one.values, float) - start) / INTERVAL
            active[np.rint(places).astype(int)] = True
        if not rows:
            continue
        found = states(
            np.array([active for _, active in rows.values()]),
            INTERVAL,
            alert.hold,
            alert.keep_firing,
        )
        known = [labels for labels, _ in rows.values()]
        for series, first, last in firings(found):
            yield Fired(alert, known[series], float(times[first]), float(times[last]))


def _seconds(text: Any) -> float:
    return 0.0 if text is None else parse_duration(str(text))
