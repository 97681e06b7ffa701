"""NannyML's and Evidently's own verdicts on given windows, by their defaults.

Runs in their environment (`make peers`), as `python run.py FOLDER`, and imports nothing of ours.
The folder has

- `rows.parquet`: rows by time, with `when`, the local time without its zone, and the columns;
- `windows.parquet`: which rows are in which `window`, in order; -1 is the reference;
- `task.json`: see `Task`;

and gets `verdicts.json`: see `Verdicts`.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

# Neither may tell its makers that it was used.
os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"
os.environ["DO_NOT_TRACK"] = "1"
# Their vectors are short: threads only wait for each other.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
import pandas as pd

PACKAGES = ("nannyml", "evidently", "pandas", "numpy", "scipy")

SHARE = 0.5
"""Of drifted columns, from which on Evidently says that a data set drifted: its default."""


@dataclass(frozen=True)
class Task:
    """What is asked for.

    Attributes:
        numbers, categories: the columns.
        chunks: what NannyML cuts time into, "h" or "D"; "" for not asking it.
        reports: windows that Evidently's whole report is made of, to see that it says the same.
        every: Evidently is asked of each so-many-th window.
        shifted: windows in which a number has something added.
        column, by: which, and what.
    """

    numbers: list[str]
    categories: list[str]
    chunks: str
    reports: list[int] = field(default_factory=list)
    every: int = 1
    shifted: list[int] = field(default_factory=list)
    column: str = ""
    by: float = 0.0


@dataclass
class Verdicts:
    """What was said of each window: columns that drifted, by rule; -1 where it was not asked.

    Attributes:
        reports: what the whole reports said of theirs.
        failed: windows of which Evidently could not judge a column, for it was empty.
        seconds: that each took.
    """

    versions: dict[str, str]
    drifted: dict[str, list[int]]
    reports: dict[str, int]
    failed: int
    seconds: dict[str, float]


def main(folder: Path) -> None:
    """See the module."""
    task = Task(**json.loads((folder / "task.json").read_text()))
    rows = pd.read_parquet(folder / "rows.parquet")
    for name in task.categories:
        rows[name] = rows[name].astype(object)
    given = pd.read_parquet(folder / "windows.parquet")
    split = given["row"].groupby(given["window"]).indices
    places = {int(str(window)): given["row"].to_numpy()[at] for window, at in split.items()}
    reference = rows.iloc[places.pop(-1)]
    drifted: dict[str, list[int]] = {}
    seconds = {}
    if task.chunks:
        began = time.perf_counter()
        drifted |= nannyml(task, rows, reference, places)
        seconds["nannyml"] = round(time.perf_counter() - began, 1)
    began = time.perf_counter()
    drifted["evidently"], failed = evidently(task, rows, reference, places)
    seconds["evidently"] = round(time.perf_counter() - began, 1)
    reports = {
        str(one): report(task, reference, live(task, rows, places, one)) for one in task.reports
    }
    versions = {name: version(name) for name in PACKAGES} | {"python": platform.python_version()}
    found = Verdicts(versions, drifted, reports, failed, seconds)
    (folder / "verdicts.json").write_text(json.dumps(asdict(found)))


def live(task: Task, rows: pd.DataFrame, places: dict[int, Any], window: int) -> pd.DataFrame:
    """The rows of a window, shifted where that is asked for."""
    found: pd.DataFrame = rows.iloc[places[window]].reset_index(drop=True)
    if window in task.shifted:
        found[task.column] += task.by
    return found


def nannyml(
    task: Task, rows: pd.DataFrame, reference: pd.DataFrame, places: dict[int, Any]
) -> dict[str, list[int]]:
    """Columns with an alert in each window: of univariate drift, and of missing values."""
    import nannyml as nml

    windows = sorted(places)
    order = np.concatenate([places[window] for window in windows])
    member = np.repeat(windows, [len(places[window]) for window in windows])
    analysis = rows.iloc[order].reset_index(drop=True)
    columns = [*task.numbers, *task.categories]
    common = {"timestamp_column_name": "when", "chunk_period": task.chunks}
    drift = nml.UnivariateDriftCalculator(
        column_names=columns, treat_as_categorical=task.categories, **common
    )
    missing = nml.MissingValuesCalculator(column_names=columns, **common)
    found = {}
    for name, calculator in (("nannyml", drift), ("nannyml missing", missing)):
        calculator.fit(reference.reset_index(drop=True))
        table = calculator.calculate(analysis).filter(period="analysis").to_df()
        alerts = [column for column in table if column[-1] == "alert"]
        number = table[alerts].astype(bool).sum(axis=1).to_numpy()
        chunk = table["chunk"]["chunk"] if "chunk" in table["chunk"] else table["chunk"]
        by_window: dict[int, int] = dict.fromkeys(windows, 0)
        for first, last, alarmed in zip(
            chunk["start_index"], chunk["end_index"], number, strict=True
        ):
            for window in np.unique(member[int(first) : int(last) + 1]).tolist():
                by_window[window] = max(by_window[window], int(alarmed))
        found[name] = [by_window[window] for window in windows]
    return found


def evidently(
    task: Task, rows: pd.DataFrame, reference: pd.DataFrame, places: dict[int, Any]
) -> tuple[list[int], int]:
    """Drifted columns in each window, and windows with a column that could not be judged.

    It is what `DataDriftPreset` calls for each column, without the pictures that it makes.
    """
    from evidently.legacy.calculations.stattests import get_stattest

    kinds = dict.fromkeys(task.numbers, "num") | dict.fromkeys(task.categories, "cat")
    known = {name: reference[name].dropna() for name in kinds}
    found, failed = [], 0
    for place, window in enumerate(sorted(places)):
        if place % task.every:
            found.append(-1)
            continue
        now = live(task, rows, places, window)
        drifted, empty = 0, False
        for name, kind in kinds.items():
            column = now[name].dropna()
            if column.empty:
                empty = True
                continue
            test = get_stattest(known[name], column, kind, None)
            drifted += bool(test(known[name], column, kind, None).drifted)
        found.append(drifted)
        failed += empty
    return found, failed


def report(task: Task, reference: pd.DataFrame, now: pd.DataFrame) -> int:
    """Drifted columns by Evidently's report itself; -1 where it cannot be made."""
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    columns = [*task.numbers, *task.categories]
    asked = DataDefinition(numerical_columns=task.numbers, categorical_columns=task.categories)
    current, known = (
        Dataset.from_pandas(table[columns].reset_index(drop=True), data_definition=asked)
        for table in (now, reference)
    )
    try:
        made = Report([DataDriftPreset(drift_share=SHARE)]).run(current, known).dict()
    except ValueError:
        return -1
    values: Sequence[Any] = [one["value"] for one in made["metrics"]]
    counts = [value["count"] for value in values if isinstance(value, dict) and "count" in value]
    return int(counts[0])


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    main(Path(sys.argv[1]))
