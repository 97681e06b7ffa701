"""The monitor's own state, from the board: its figures, its jobs, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from monitor.board import Board, Histogram, label
from monitor.metrics import BY_STATISTIC, METRICS
from monitor.web.pages.fleet import Sample, by_model
from monitor.web.pages.views import Figure, JobLine

OLD = 120.0
"""Seconds after which a checkpoint is called old."""

BEHIND = 300.0
"""Seconds of lag that are called a lot."""

MOST = 400
"""Figures of the monitor that are shown; the rest is on /metrics."""

_ORDER = {metric.statistic: place for place, metric in enumerate(METRICS)}


def figures(board: Board) -> list[Figure]:
    """Every series of the monitor itself, in the table's order."""
    found = [
        (_ORDER[id], labels, _figure(id, labels, value))
        for id, labels, value in board.series()[1]
        if BY_STATISTIC[id].scope == "monitor" and not isinstance(value, Histogram)
    ]
    return [figure for _, _, figure in sorted(found, key=lambda one: one[:2])][:MOST]


def process(board: Board, model: str) -> list[Figure]:
    """The gauges of a model server's own process."""
    found = [
        (_ORDER[id], _figure(id, labels, value))
        for id, labels, value in board.series()[1]
        if id.startswith("process.")
        and not isinstance(value, Histogram)
        and labels[0] == label(model)
    ]
    return [figure for _, figure in sorted(found, key=lambda one: one[0])]


def jobs(board: Board, next_run: Callable[[str], datetime | None]) -> list[JobLine]:
    """Every job, by name."""
    statistics = ("job.failures", "job.last_success", "job.duration")
    series = list(by_model(board, statistics).values())
    by: dict[str, dict[str, float]] = {}
    for one in series:
        for statistic in statistics:
            for sample in one.of(statistic):
                by.setdefault(sample.labels["task"], {})[statistic] = sample.value
    found = []
    for name, values in sorted(by.items()):
        following, last = next_run(name), values.get("job.last_success")
        found.append(
            JobLine(
                name=name,
                last_success=None if last is None else int(last),
                seconds=values.get("job.duration"),
                failures=int(values.get("job.failures", 0)),
                next=None if following is None else int(following.timestamp()),
            )
        )
    return found


def troubles(board: Board, now: float, *, ready: bool, jobs: Sequence[JobLine]) -> list[str]:
    """What is wrong with the monitor, in words; nothing where all is well."""
    wanted = ("checkpoint.timestamp", "checkpoint.failures", "config.reload_successful")
    more = ("consumer.lag_seconds", "collector.success", "records", "series_dropped")
    found: dict[str, list[Sample]] = {}
    for series in by_model(board, (*wanted, *more)).values():
        for statistic, samples in series.by_statistic.items():
            found.setdefault(statistic, []).extend(samples)
    said = (
        [] if ready else ["No partition is assigned yet: is Kafka reached, and is there a topic?"]
    )
    said += [
        f"The newest checkpoint is {now - one.value:,.0f} s old: is the disk full?"
        for one in found.get("checkpoint.timestamp", ())
        if now - one.value > OLD
    ]
    if any(one.value == 0 for one in found.get("config.reload_successful", ())):
        said.append("The newest config was refused, and the old one stays: see the log.")
    for one in found.get("consumer.lag_seconds", ()):
        if one.value > BEHIND:
            place = f"{one.labels['topic']}/{one.labels['partition']}"
            said.append(f"Reading is {one.value:,.0f} s behind in {place}.")
    said += [
        f"The collector {one.labels['collector']} of {one.labels['model']} fails: see the log; its "
        "numbers are incomplete."
        for one in found.get("collector.success", ())
        if one.value == 0
    ]
    bad = sum(one.value for one in found.get("records", ()) if one.labels["outcome"] not in _FINE)
    if bad:
        said.append(f"{bad:,.0f} records could not be used: see the dead letters.")
    dropped = sum(one.value for one in found.get("series_dropped", ()))
    if dropped:
        said.append(f"{dropped:,.0f} updates went to `__other__`: a cap of labels is full.")
    said += [f"The job {one.name} failed {one.failures} times." for one in jobs if one.failures]
    return said


_FINE = frozenset({"ok", "late", "unmatched"})


def _figure(id: str, labels: tuple[str, ...], value: float) -> Figure:
    metric = BY_STATISTIC[id]
    named = {name: value for name, value in zip(metric.labels, labels, strict=True) if value}
    return Figure(metric.name, metric.help, metric.unit, named, {"": value}, None)
