"""What was shown of judged windows, as events of the archive: so the past can be shown again."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from collectors.family import Statistic
from monitor.archive import Event
from monitor.event_clock import NEVER
from monitor.metrics import BY_STATISTIC
from monitor.verdicts import Verdict

WINDOW = "shown"
REFERENCE = "reference shown"
"""The kinds of these events: of one window, and of a reference for as long as it is in force."""

Packed = list[tuple[str, Any, dict[str, str]]]
"""Statistics without the labels that nearly all of them have."""


def of_window(
    model: str,
    window: str,
    end: int,
    reference: str,
    verdicts: Mapping[str, Verdict],
    scores: Iterable[Statistic],
    alarm: Iterable[Statistic],
) -> Event:
    """What is shown of the window of a length that ends then (us)."""
    detail = {
        "reference": reference,
        "verdicts": dict(verdicts),
        "scores": packed(scores, reference, window),
        "alarm": packed(alarm, reference, window),
    }
    return Event(end, end, WINDOW, model, window, detail)


def of_reference(
    model: str,
    reference: str,
    subjects: Iterable[str],
    alarm: Mapping[str, Iterable[Statistic]],
    series: Iterable[Statistic],
) -> Event:
    """What is shown of a reference; its times are still to be set.

    Args:
        subjects: that are compared with it.
        alarm: what is shown of alarms before anything is judged by it, by window.
        series: what is shown all the time.
    """
    detail = {
        "reference": reference,
        "subjects": sorted(subjects),
        "alarm": {name: packed(some, reference, name) for name, some in alarm.items()},
        "series": packed(series, reference),
    }
    return Event(NEVER, NEVER, REFERENCE, model, reference, detail)


def packed(statistics: Iterable[Statistic], reference: str, window: str = "") -> Packed:
    """Statistics as the archive keeps them: without the labels that nearly all of them have."""
    same = {"version": "", "window": window, "reference": reference}
    return [
        (one.id, one.value, {k: v for k, v in one.labels.items() if same.get(k) != v})
        for one in statistics
    ]


def unpacked(
    rows: Iterable[tuple[str, float | None, dict[str, str]]], reference: str, window: str = ""
) -> Iterator[Statistic]:
    """The statistics again; those of a metric that the table does not have are left out."""
    same = {"version": "", "window": window, "reference": reference}
    for id, value, labels in rows:
        metric = BY_STATISTIC.get(id)
        if metric is not None:
            wanted = {name: same[name] for name in metric.labels if name in same}
            # JSON has no NaN.
            yield Statistic(id, math.nan if value is None else value, wanted | labels)
