"""Evidently, the only place that imports it: its page of two frames, and its tests' values.

Importing it takes seconds and hundreds of megabytes, and it carries telemetry: only the process
that makes a report imports this (`monitor/jobs/report/child.py`), where both are bounded.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import evidently
import numpy as np
import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.legacy.calculations.stattests.registry import get_registered_stattest
from evidently.legacy.core import ColumnType
from evidently.presets import DataDriftPreset, DataSummaryPreset

from monitor.jobs.report.frames import labels
from monitor.jobs.report.methods import COSTLY, METHODS, MOST_COSTLY, Kind
from monitor.jobs.report.task import Column, Compared

VERSION: str = evidently.__version__

_TYPES = {
    "number": ColumnType.Numerical,
    "category": ColumnType.Categorical,
    "text": ColumnType.Text,
}


@dataclass(frozen=True, slots=True)
class Made:
    """What Evidently makes of two frames.

    Attributes:
        share: of the columns compared, by its own count of those that drifted.
        left_out: columns and why they were not compared.
    """

    html: str
    columns: list[Compared]
    drifted: int
    share: float
    left_out: dict[str, str]


def make(before: pd.DataFrame, now: pd.DataFrame, columns: Sequence[Column], seed: int) -> Made:
    """The page of presets, and the numbers of its drift table."""
    names = dict(zip(labels(columns), columns, strict=True))
    definition = DataDefinition(
        numerical_columns=_of_kind(names, "number"),
        categorical_columns=_of_kind(names, "category"),
        text_columns=_of_kind(names, "text"),
    )
    sides = [Dataset.from_pandas(frame, data_definition=definition) for frame in (now, before)]
    left_out = _without_values(before, now, names)
    chosen = [name for name in names if name not in left_out]
    try:
        return _made(sides, chosen, left_out, seed)
    except Exception:
        # One column that a test cannot take costs all of them: find it, and do without.
        refused = dict(_refused(sides, chosen, seed))
        if not refused:
            raise
    chosen = [name for name in chosen if name not in refused]
    return _made(sides, chosen, left_out | refused, seed)


def _made(sides: Sequence[Any], chosen: list[str], left_out: dict[str, str], seed: int) -> Made:
    drift: list[Any] = [DataDriftPreset(columns=chosen)] if chosen else []
    _begin(seed)
    html = Report([*drift, DataSummaryPreset()]).run(*sides).get_html_str(as_iframe=False)
    if not drift:
        return Made(html, [], 0, 0.0, left_out)
    # Only its tests say which columns drifted; in the page they would stand beside a test of
    # everything else, such as that there be as many rows as in the reference.
    _begin(seed)
    said = Report(drift, include_tests=True).run(*sides).dict()
    count = _values(said, "DriftedColumnsCount")[0]["value"]
    share = float(count["share"])
    return Made(html, list(_compared(said)), round(count["count"]), share, left_out)


def _refused(sides: Sequence[Any], names: Sequence[str], seed: int) -> Iterator[tuple[str, str]]:
    """Columns that Evidently cannot compare, and why."""
    for name in names:
        _begin(seed)
        try:
            Report([DataDriftPreset(columns=[name])]).run(*sides)
        except Exception as error:
            yield name, _said(error)


def test(
    before: pd.DataFrame,
    now: pd.DataFrame,
    columns: Sequence[Column],
    methods: Sequence[str],
    seed: int,
) -> list[Compared]:
    """The value of each of these tests for every column of a kind that it takes."""
    found = []
    for label, column in zip(labels(columns), columns, strict=True):
        if column.compared:
            for method in methods:
                if column.kind in METHODS[method]:
                    _begin(seed)
                    found.append(_tested(before[label], now[label], column.kind, method))
    return found


def _tested(before: Any, now: Any, kind: Kind, method: str) -> Compared:
    name = str(now.name)
    sides = [_usable(side) for side in (before, now)]
    if method in COSTLY:
        sides = [side[:MOST_COSTLY] for side in sides]
    if not all(map(len, sides)):
        return Compared(name, method, why="no value on one of the sides")
    try:
        stattest = get_registered_stattest(method, _TYPES[kind])
        result = stattest(*sides, _TYPES[kind], None)
        value = float(result.drift_score)
    except Exception as error:  # each test has its own way to say that it does not apply
        return Compared(name, method, why=_said(error))
    if not math.isfinite(value):
        return Compared(name, method, why="not a finite number")
    threshold = float(result.actual_threshold)
    return Compared(name, method, value, threshold, bool(result.drifted))


def _usable(values: Any) -> Any:
    """As Evidently has them when it compares."""
    return values.replace([-np.inf, np.inf], np.nan).dropna()


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def _without_values(before: Any, now: Any, names: dict[str, Column]) -> dict[str, str]:
    """Columns that are not compared, or have nothing on one side, and why."""
    found = {}
    for name, column in names.items():
        if not column.compared:
            found[name] = "ignored by alarms.ignore"
        elif not now[name].notna().any():
            found[name] = "no value now"
        elif not before[name].notna().any():
            found[name] = "no value in the reference"
    return found


def _compared(said: dict[str, Any]) -> Iterator[Compared]:
    """What the drift table says of each column."""
    failed = {
        one["metric_config"]["params"]["column"]
        for one in said["tests"]
        if one["id"] == "drift" and str(one["status"].value) == "FAIL"
    }
    for one in _values(said, "ValueDrift"):
        config, value = one["config"], float(one["value"])
        name = config["column"]
        method, threshold = str(config["method"]), float(config["threshold"])
        if math.isfinite(value):
            yield Compared(name, method, value, threshold, name in failed)
        else:
            yield Compared(name, method, None, threshold, name in failed, "not a finite number")


def _values(said: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [m for m in said["metrics"] if m["config"]["type"].rpartition(":")[2] == kind]


def _of_kind(names: dict[str, Column], kind: Kind) -> list[str]:
    return [name for name, column in names.items() if column.kind == kind]


def _begin(seed: int) -> None:
    """Some tests permute rows, by these."""
    random.seed(seed)
    np.random.seed(seed)
