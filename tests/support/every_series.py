"""Every metric of the table as OpenMetrics over an hour: several models, versions, instances.

Stands for what a Prometheus has that scraped inferwatch for a while, alerts and all.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator, Mapping
from itertools import product

from monitor.metrics import METRICS, Metric

START = 1_767_600_000
"""2026-01-05 08:00 UTC: a whole hour, and two."""

MINUTES = 60

END = START + MINUTES * 60

Labels = dict[str, str]

_FEATURES = ("distance", "carrier", "dep_delay", "sky")

_VALUES: Mapping[str, tuple[str, ...]] = {
    "feature": _FEATURES,
    "reason": ("absent", "null", "empty", "nan"),
    "field": ("latency", "time", "version"),
    "unit": ("chars", "words"),
    "q": ("0.05", "0.5", "0.95", "0.99"),
    "class": ("late", "early", "on time", "cancelled"),
    "topic": ("inferences", "more", "others", "rest"),
    "outcome": ("ok", "malformed", "too_large", "late", "lost"),
    "partition": ("0", "1"),
    "collector": ("software", "inputs", "outputs", "multivariate"),
    "python": ("3.11.7",),
    "subject": ("input", "output", "software"),
    "reference": ("fixed",),
    "verdict": ("ok", "alarm", "insufficient_data", "no_reference", "no_data"),
    "statistic": ("ks", "mean", "missing", "spread"),
    "rule": ("alone", "two_of_three"),
    "certainty": ("extrapolated",),
    "dependence": ("ok",),
    "daily": ("conservative",),
    "rank": ("1", "2", "3"),
    "change": ("missing",),
    "side": ("reference", "now"),
    "part": ("",),
    "task": ("annotations", "compaction", "growth", "report"),
    "method": ("psi", "ks", "wasserstein"),
    "timezone": ("America/New_York",),
    "label": ("class", "reason", "version"),
    "window": ("1h", "1d"),
}

_LARGE, _SMALL = ("delay", ("v1", "v2"), ("a", "b")), (("churn", "fares", "fraud"), ("v1",), ("a",))
"""A model with two versions on two instances, with everything; and three with one of each."""


def open_metrics() -> str:
    """The whole text, with a sample a minute from `START` to `END`."""
    return "\n".join([*_lines(), "# EOF\n"])


def _lines() -> Iterator[str]:
    for metric in METRICS:
        yield f"# TYPE {metric.name.removesuffix('_total')} {metric.kind}"
        for labels in _series(metric):
            if metric.kind == "histogram":
                yield from _histogram(metric.name, labels)
            else:
                yield from _samples(metric.name, labels, metric)
    yield "# TYPE ALERTS gauge"
    for alert, severity in (("InputAlarm", "ticket"), ("ModelSilent", "page")):
        about = {"alertname": f"Inferwatch{alert}", "severity": severity, "model": "delay"}
        about |= {"alertstate": "firing", "subject": "input", "window": "1h"}
        yield from _samples("ALERTS", about, None)


def _series(metric: Metric) -> Iterator[Labels]:
    name, versions, instances = _LARGE
    yield from _of(metric, name, versions, instances, _VALUES)
    if "model" in metric.labels:
        first = {label: values[:1] for label, values in _VALUES.items()}
        for name in _SMALL[0]:
            yield from _of(metric, name, *_SMALL[1:], first)


def _of(
    metric: Metric,
    model: str,
    versions: tuple[str, ...],
    instances: tuple[str, ...],
    values: Mapping[str, tuple[str, ...]],
) -> Iterator[Labels]:
    if metric.scope == "monitor" and "version" in metric.labels:
        versions = ("0.1.0",)
    known = dict(values) | {"model": (model,), "version": versions}
    if metric.name == "inferwatch_verdict":
        known["verdict"] = _VALUES["verdict"]
    wanted = [(name, known[name]) for name in metric.labels]
    given = set()
    for found in product(instances, *(values for _, values in wanted)):
        labels = {"instance": found[0], **dict(zip(metric.labels, found[1:], strict=True))}
        if _makes_sense(metric, labels) and _text(labels) not in given:
            given.add(_text(labels))
            yield {label: value for label, value in labels.items() if value}


def _makes_sense(metric: Metric, labels: Labels) -> bool:
    """Whether a daemon would have it; clears what it would leave empty."""
    if metric.name == "inferwatch_verdict":
        labels["version"] = ""
    if metric.name in {"inferwatch_score", "inferwatch_drift_distance"}:
        if labels["subject"] == "input":
            labels["version"] = ""
        else:
            labels["feature"] = ""
    if metric.name == "inferwatch_alarm_cause":
        worst = _FEATURES[int(labels["rank"]) - 1]
        labels["version"] = ""
        return labels["subject"] == "input" and labels["feature"] == worst
    return True


def _samples(name: str, labels: Labels, metric: Metric | None) -> Iterator[str]:
    series = f"{name}{{{_text(labels)}}}"
    seed = zlib.crc32(series.encode())
    for minute in range(MINUTES + 1):
        yield f"{series} {_value(metric, labels, seed, minute):.6g} {START + minute * 60}"


def _value(metric: Metric | None, labels: Labels, seed: int, minute: int) -> float:
    if metric is None or metric.unit in {"0 or 1", "1"}:
        alarm = labels.get("verdict", "") == ("alarm" if minute % 20 < 10 else "ok")
        return float(alarm) if "verdict" in labels else 1.0
    if metric.kind == "counter":
        whole = metric.name in {"inferwatch_inferences_total", "inferwatch_input_values_total"}
        return float(minute * (600 if whole else 1 + seed % 9))
    if metric.name.endswith("timestamp_seconds"):
        return float(START - 3_600)
    swing = 1 + 0.5 * math.sin(minute / 9 + seed % 7)
    return swing * (0.05 + seed % 40 / 100 if "ratio" in metric.name else 1 + seed % 12)


def _histogram(name: str, labels: Labels) -> Iterator[str]:
    for number, bound in enumerate(("0.005", "0.1", "1", "+Inf"), 1):
        for minute in range(MINUTES + 1):
            le = _text(labels | {"le": bound})
            yield f"{name}_bucket{{{le}}} {minute * 60 * number} {START + minute * 60}"
    for ending in ("count", "sum"):
        for minute in range(MINUTES + 1):
            yield f"{name}_{ending}{{{_text(labels)}}} {minute * 240} {START + minute * 60}"


def _text(labels: Labels) -> str:
    return ",".join(f'{name}="{value}"' for name, value in labels.items())
