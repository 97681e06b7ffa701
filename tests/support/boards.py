"""A board with something of everything, and readers of what is made of it."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

from collectors.family import Distribution, Statistic
from monitor.board import Board
from monitor.metrics import METRICS, Metric

BUCKETS = (0.005, 0.1, 1.0)

LABELS = {
    "feature": "distance",
    "reason": "null",
    "field": "latency",
    "unit": "words",
    "q": "0.5",
    "class": "late",
    "topic": "inferences",
    "outcome": "ok",
    "partition": "0",
    "collector": "inputs",
    "python": "3.11.7",
    "subject": "input",
    "reference": "fixed",
    "verdict": "no_data",
    "statistic": "missing",
    "rule": "alone",
    "certainty": "extrapolated",
    "dependence": "ok",
    "daily": "conservative",
    "rank": "1",
    "change": "missing",
    "side": "now",
    "part": "brightness",
    "task": "compaction",
    "method": "psi",
    "timezone": "America/New_York",
}


def small_board() -> Board:
    """One series of every metric in the table, with values that are told apart."""
    board = Board()
    board.declare("delay", BUCKETS)
    window = []
    for metric in METRICS:
        if metric.statistic == "series_dropped":
            continue
        statistic = _one(metric)
        if metric.scope == "window":
            window.append(statistic)
        elif metric.kind != "gauge" and not metric.statistic.startswith("process."):
            board.add(statistic, "delay", "v1")
        elif metric.scope == "model":
            board.replace_group(("process", metric.statistic), [statistic], "delay")
        else:
            board.set_gauge(statistic)
    board.set_window("delay", "v1", "1h", window)
    return board


def _one(metric: Metric) -> Statistic:
    if metric.kind == "histogram":
        return Statistic(metric.statistic, Distribution((1, 2, 3, 4), 12.5))
    own = {
        "model": {"version": "v1", "window": "1h"},
        "monitor": {"model": "delay", "version": "0.1.0"},
    }
    known = LABELS | own.get(metric.scope, {})
    labels = {name: known[name] for name in metric.labels if name in known}
    number = zlib.crc32(metric.statistic.encode()) % 8000  # stays when the table grows
    value = number if metric.kind == "counter" else number / 8
    return Statistic(metric.statistic, value, labels)


def values(board: Board, id: str) -> Mapping[tuple[str, ...], object]:
    """Every value of one statistic, by label values."""
    return {series.labels: series.value for series in board.series()[1] if series.id == id}
