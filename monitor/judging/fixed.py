"""Fixed thresholds: limits of the config on distances, instead of a column's calibrated scores.

They spend nothing of the budget, and nobody has promised how often they ring.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from collectors.drift.calibration.heldout import ColumnKey
from collectors.drift.causes import Change
from collectors.drift.comparisons import ANSWER, Summaries
from collectors.drift.distances import REGISTRY, pair, parts
from collectors.family import Statistic
from collectors.summaries.columns import AnyColumnSummary
from monitor.judging.distances import Limits


@dataclass(frozen=True, slots=True)
class Passed:
    """A distance above its limit.

    Attributes:
        key: subject, feature, and the distance's name, behind that of the part that it is of.
        version: "" where it is of all versions.
        rows: of the window.
    """

    key: ColumnKey
    version: str
    value: float
    limit: float
    rows: int


@dataclass(frozen=True, slots=True)
class Limited:
    """What fixed thresholds say of one window.

    Attributes:
        shown: every threshold, with the labels of its distance.
        subjects: what was compared with one.
        passed: distances above, the one that is furthest beyond its limit first.
    """

    shown: Sequence[Statistic] = ()
    subjects: frozenset[str] = frozenset()
    passed: Sequence[Passed] = ()


def name_of(labels: Mapping[str, str]) -> str:
    """What the config calls the column that a distance is of."""
    return ANSWER if labels["subject"] == "output" else labels["feature"]


def limited(
    distances: Iterable[Statistic],
    limits: Limits,
    rows: Mapping[tuple[str, str], int],
    min_rows: int,
    muted: Collection[str] = frozenset(),
) -> Limited:
    """Compare the distances of one window with the limits.

    Args:
        rows: by subject and version; "" for all together.
        muted: features that open no alarm.
    """
    shown: list[Statistic] = []
    subjects: set[str] = set()
    passed: list[Passed] = []
    for one in distances:
        labels, name = one.labels, name_of(one.labels)
        limit = limits.get(name, {}).get(labels["method"])
        if limit is None:
            continue
        shown.append(Statistic("drift.distance_threshold", limit, labels))
        number = rows.get((labels["subject"], labels["version"]), 0)
        if number < min_rows:
            continue
        subjects.add(labels["subject"])
        value = float(one.value)  # type: ignore[arg-type]  # a distance is one number
        if value > limit and name not in muted:
            statistic = " ".join(filter(None, (labels["part"], labels["method"])))
            key = ColumnKey(labels["subject"], labels["feature"], statistic)
            passed.append(Passed(key, labels["version"], value, limit, number))
    passed.sort(key=lambda one: -one.value / one.limit)
    return Limited(shown, frozenset(subjects), passed)


def rows_of(together: Summaries, versions: Mapping[str, Summaries]) -> dict[tuple[str, str], int]:
    """Rows that distances are of: of all versions the window's, of each its answers."""
    return {("input", ""): int(together["software"].rows)} | {
        ("output", name): int(one["outputs"].answers.rows)
        for name, one in versions.items()
        if "outputs" in one
    }


def ranked(
    changes: Sequence[Change], passed: Sequence[Passed], alone: float, most: int
) -> list[Change]:
    """What led to an alarm, at most so much, worst first: by score or distance over threshold.

    Args:
        changes: by calibrated scores, of which `alone` is the threshold.
    """
    found = [(one.score / max(alone, 1e-9), one) for one in changes]
    columns: set[tuple[str, str, str]] = set()
    for one in passed:
        column = (one.key.subject, one.key.feature, one.version)
        if column not in columns:
            columns.add(column)
            found.append((one.value / one.limit, _change(one)))
    found.sort(key=lambda pair: -pair[0])
    return [change for _, change in found[:most]]


def _change(one: Passed) -> Change:
    """The cause in words; it has no score, and what it was like in the reference is its limit."""
    subject, feature, statistic = one.key
    words = f"{statistic} {one.value:.3g}, above the fixed {one.limit:g}"
    return Change(
        subject, feature, one.version, "distance", 0.0, one.limit, one.value, words, one.rows
    )


def amiss(limits: Limits, reference: Summaries) -> Iterator[str]:
    """What of the limits can never be passed, in a sentence each."""
    columns: dict[str, AnyColumnSummary] = dict(reference["inputs"].columns)
    if "outputs" in reference:
        columns[ANSWER] = reference["outputs"].answers
    for name, by_method in limits.items():
        if name not in columns:
            yield f"alarms.thresholds.{name}: the reference has no such feature"
            continue
        pairs = [pair(part, part) for _, part in parts(columns[name])]
        for method in by_method:
            if not any(REGISTRY[method].fits(one) for one in pairs):
                yield f"alarms.thresholds.{name}.{method}: no distance for a column of this kind"
