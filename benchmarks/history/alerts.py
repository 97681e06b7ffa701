"""Which alerts of a rules file would have fired over a past that a Prometheus has.

Recording rules are worked out by promtool, expressions by Prometheus itself, and `for` and
`keep_firing_for` by `monitor.firing`.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from benchmarks.history.prometheus import Prometheus
from monitor.durations import parse_duration
from monitor.firing import firings, states

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


def record(
    prometheus: Prometheus, files: Sequence[Path], start: float, end: float, out: Path
) -> None:
    """Write what recording rules give between two times (s) as blocks; none where nothing is."""
    span = (f"--start={start:.0f}", f"--end={end:.0f}", f"--eval-interval={INTERVAL:.0f}s")
    where = (f"--url={prometheus.url}", f"--output-dir={out}")
    command = ["promtool", "tsdb", "create-blocks-from", "rules", "--quiet", *where, *span]
    command += map(str, files)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"promtool's rules failed: {(done.stdout + done.stderr)[-2000:]}")


def fired(
    prometheus: Prometheus, alerts: Sequence[Alert], start: float, end: float
) -> Iterator[Fired]:
    """All that fired between two times (s), alert by alert."""
    times = np.arange(start, end + 1, INTERVAL)
    for alert in alerts:
        # One alert is one set of labels, whatever else its expression says of the metric.
        rows: dict[str, tuple[dict[str, str], np.ndarray[Any, np.dtype[np.bool_]]]] = {}
        for one in prometheus.query_range(alert.expression, start, end, INTERVAL):
            labels = {k: v for k, v in one.labels.items() if k != "__name__"} | alert.labels
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
