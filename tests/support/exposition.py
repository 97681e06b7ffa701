"""The board as prometheus_client itself writes it: what our own writer is held to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import accumulate
from typing import Literal

from prometheus_client import Metric as Family
from prometheus_client import exposition
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from monitor.board import Board, Histogram, Series
from monitor.metrics import METRICS, Metric

OPENMETRICS = "application/openmetrics-text; version=1.0.0; escaping=allow-utf-8"

IN_DAYS = b"inferwatch_alarm_rarity_days"
"""How rare an alarm is, in days as budgets are stated: the only metric that promtool objects to."""


def in_base_units(text: bytes) -> bytes:
    """An exposition without that one."""
    lines = text.splitlines(keepends=True)
    return b"".join(line for line in lines if IN_DAYS not in line)


def by_prometheus_client(board: Board, format: Literal["text", "openmetrics"]) -> bytes:
    """The text of a board."""
    accept = OPENMETRICS if format == "openmetrics" else "text/plain; version=0.0.4"
    encode, _ = exposition.choose_encoder(accept)
    return encode(BoardCollector(board.series()[1]))


class BoardCollector(Collector):
    """The board as prometheus_client sees it: its metrics in the table's order, series sorted."""

    def __init__(self, series: list[Series]) -> None:
        self._series = series

    def collect(self) -> Iterator[Family]:
        by_statistic: dict[str, list[Series]] = defaultdict(list)
        for series in self._series:
            by_statistic[series.id].append(series)
        for metric in METRICS:
            if found := by_statistic.get(metric.statistic):
                yield _family(metric, found)


def _family(metric: Metric, series: list[Series]) -> Family:
    name = metric.name.removesuffix("_total") if metric.kind == "counter" else metric.name
    family = Family(name, metric.help, metric.kind)
    for _, values, value in sorted(series, key=lambda one: one.labels):
        labels = dict(zip(metric.labels, values, strict=True))
        if isinstance(value, Histogram):
            _add_histogram(family, labels, value)
        else:
            family.add_sample(metric.name, labels, value)
    return family


def _add_histogram(family: Family, labels: dict[str, str], value: Histogram) -> None:
    bounds = [*map(floatToGoString, value.bounds), "+Inf"]
    below = list(accumulate(value.counts))
    for bound, count in zip(bounds, below, strict=True):
        family.add_sample(f"{family.name}_bucket", labels | {"le": bound}, count)
    family.add_sample(f"{family.name}_count", labels, below[-1])
    family.add_sample(f"{family.name}_sum", labels, value.total)
