"""The archive and the last scrape of a daemon, held against the oracle's reading of the topic."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tests.oracle import windows

TOLERANCE = {"input.stddev": 2e-7, "output.stddev": 2e-7, "output.rerun_stddev": 1e-7}
"""Of the scale of the data; everything else is held to 1e-9 of it, shares to 1e-12."""

SCALE = 64.0


@dataclass(slots=True)
class Comparison:
    """What was compared, and where it differed."""

    panes: int = 0
    rows: int = 0
    values: int = 0
    integers: int = 0
    problems: list[str] = field(default_factory=list)

    def said(self) -> str:
        """In a line."""
        what = (
            f"{self.panes} panes of {self.rows:,} rows: {self.values:,} statistics and "
            f"{self.integers:,} integers compared, {len(self.problems)} differ"
        )
        return what + (f" ({'; '.join(self.problems[:3])})" if self.problems else "")


def archive(
    address: str,
    topic: str,
    state: Path,
    starts: dict[int, int] | None = None,
    without: tuple[str, ...] = (),
) -> Comparison:
    """Every pane of the archive, with every statistic, cell and count of it.

    `without` names what is not compared, by how it begins.
    """
    rows = windows.accepted(windows.read(address, topic, starts))
    wanted = {k: v for k, v in windows.panes(rows).items() if not k.startswith(("-", *without))}
    grids = _grids(state)
    groups = dict(list(rows.groupby(["v", "pane"])))
    result = Comparison()
    seen = set()
    for keys, frame in windows.archived(state):
        seen.add(keys)
        if keys not in groups:
            result.problems.append(f"{keys}: a pane that should not be")
            continue
        result.panes += 1
        result.rows += len(groups[keys])
        _statistics(result, keys, frame, wanted)
        _integers(result, keys, frame, groups[keys], grids)
    result.problems += [f"{keys}: no such pane" for keys in groups.keys() - seen]
    return result


def _statistics(
    result: Comparison, keys: tuple[str, int], frame: pd.DataFrame, wanted: dict[str, Any]
) -> None:
    have = {"rows": float(frame["rows"].iloc[0])}
    some = frame[frame["kind"] == "statistic"]
    for name, labels, value in zip(some["name"], some["labels"], some["value"], strict=True):
        have[_named(name, json.loads(labels))] = value
    for name, series in wanted.items():
        value = series.get(keys, math.nan)
        got = have.get(name, math.nan)
        result.values += 1
        scale = SCALE if name.split(" ")[0].rpartition(".")[2] in {"mean", "stddev"} else 1.0
        tolerance = TOLERANCE.get(name.split(" ")[0], 1e-9 if scale > 1 else 1e-12) * scale
        same = math.isnan(value) and math.isnan(got)
        if not same and not abs(value - got) <= tolerance + 1e-12 * abs(value):
            result.problems.append(f"{keys} {name}: {got}, not {value}")


def _integers(
    result: Comparison,
    keys: tuple[str, int],
    frame: pd.DataFrame,
    rows: pd.DataFrame,
    grids: dict[str, Any],
) -> None:
    records: list[dict[str, Any]] = frame[frame["kind"] == "summary"].to_dict("records")  # type: ignore[assignment]
    parts = {".".join(record["path"]): record for record in records}

    def check(what: str, got: Any, wanted: Any) -> None:
        result.integers += 1
        if got != wanted:
            result.problems.append(f"{keys} {what}: {got}, not {wanted}")

    check("rows", parts["inputs.rows"]["whole"], len(rows))
    check("errors", parts["software.errors"]["whole"], int(rows["failed"].sum()))
    answered = rows[~rows["failed"]]
    for place, values, grid in (
        ("inputs.columns.a", rows["a"], grids["a"]),
        ("software.latency", rows["l"], grids["latency"]),
        ("outputs.answers", answered["y"], grids["output"]),
    ):
        cells = parts[f"{place}.cells"]["wholes"].tolist()
        counts = parts[f"{place}.counts"]["wholes"].tolist()
        wanted = windows.cells(values.dropna(), grid["center"], grid["exponent"])
        check(f"{place} cells", dict(zip(cells, counts, strict=True)), wanted)
    known = parts["inputs.columns.c.known"]["wholes"].tolist()
    by_name = rows["c"].value_counts()
    check("categories", known, [int(by_name.get(name, 0)) for name in grids["c"]])
    others = int(parts["inputs.columns.c.buckets"]["wholes"].sum())
    check("other categories", others, int(by_name.sum()) - sum(known))
    inputs = (
        answered["input"].nunique()
        if grids["features"] == 2
        else len(parts["outputs.reruns.inputs"]["hashes"])
    )
    check("distinct inputs", len(parts["outputs.reruns.inputs"]["hashes"]), min(inputs, 4096))
    check("sample", len(parts["samples.hashes"]["hashes"]), min(len(rows), 200))


def _named(name: str, labels: dict[str, str]) -> str:
    return name + "".join(f" {key}={value}" for key, value in labels.items() if key != "q")


def _grids(state: Path) -> dict[str, Any]:
    stored = json.loads((state / "models" / "m.schema.json").read_text())
    schema = stored["schema"]["schema"]
    return {
        "a": schema["columns"]["a"]["grid"],
        "c": schema["columns"]["c"]["known"],
        "features": len(schema["columns"]),
        "output": schema["output"]["grid"],
        "latency": schema["latency"],
    }


def scrape(found: dict[str, float], address: str, topic: str, lengths: dict[str, int]) -> list[str]:
    """Where the gauges of the newest windows differ from the oracle's."""
    rows = windows.accepted(windows.read(address, topic))
    problems: list[str] = []
    ends: set[float] = set()
    for window, seconds in lengths.items():
        ends = {
            value
            for name, value in found.items()
            if name.startswith("inferwatch_window_end") and name.endswith(f"window={window}}}")
        }
        for end in ends:
            part = rows[(rows["pane"] >= end - seconds) & (rows["pane"] < end)]
            for version, some in part.groupby("v"):
                labels = f"model=m,version={version},window={window}"
                want = {
                    f"inferwatch_window_rows{{{labels}}}": len(some),
                    f"inferwatch_error_ratio{{{labels}}}": some["failed"].mean(),
                    f"inferwatch_input_mean{{feature=a,{labels}}}": some["a"].mean(),
                    f"inferwatch_output_mean{{{labels}}}": some[~some["failed"]]["y"].mean(),
                }
                for name, value in want.items():
                    if not np.isclose(found.get(name, math.nan), value, rtol=1e-9, atol=1e-9):
                        problems.append(f"{name}: {found.get(name)}, not {value}")
    if not ends:
        problems.append("no gauge of the longest window")
    return problems
