"""A model with a reference of its own files, fed with made traffic through the whole daemon."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tests.references.making import as_csv, built
from tests.support.harness import HEAD, Harness

ZONE = "America/New_York"
MODEL = """\
  - name: m
    fields: {time: t, version: v, latency: {path: l, unit: s}, features: x, prediction: y}
    features: {a: {kind: number}, b: {kind: number}, c: {kind: category}}
    output: {kind: number}
    windows: [1h, 1d]
    timezone: America/New_York
"""
REFERENCE = "    reference: {path: reference.parquet}\n"
JUDGED = MODEL + REFERENCE
FIRST = pd.Timestamp("2026-02-23", tz=ZONE)
"""A Monday; the reference is of the week from here on."""

BEGIN = FIRST + pd.Timedelta("7D")
"""Where live traffic begins; six days later clocks change."""

HOUR = 3_600
ROWS = 40

Row = dict[str, Any]
Change = Callable[[Row], Row | None]


def hour(start: int, rows: int = ROWS) -> list[Row]:
    """The flat rows of one hour (epoch, s), the same whenever they are asked for."""
    rng = np.random.default_rng(start)
    seconds = np.sort(rng.uniform(0, HOUR, rows)).round(3)
    a, b = rng.normal(50, 10, rows).round(4), rng.exponential(5, rows).round(4)
    c = rng.choice(["x", "y", "z"], rows, p=[0.5, 0.3, 0.2])
    y, latency = rng.normal(2, 1, rows).round(4), rng.lognormal(-3, 0.5, rows).round(5)
    return [
        {"t": start + float(t), "v": "1", "l": float(s), "a": float(p), "b": float(q), "c": str(r)}
        | {"y": float(z)}
        for t, s, p, q, r, z in zip(seconds, latency, a, b, c, y, strict=True)
    ]


def record(row: Row) -> Row:
    """A flat row as the log has it."""
    inner = {name: row[name] for name in "abc" if name in row}
    return {name: row[name] for name in "tvly"} | {"x": inner}


def traffic(
    hours: int, changes: dict[int, Change] | None = None, begin: pd.Timestamp = BEGIN
) -> list[list[Row]]:
    """Live records by hour; an hour of `changes` is changed, by its place."""
    found = []
    for place in range(hours):
        change = (changes or {}).get(place, dict)
        rows = hour(round(begin.timestamp()) + place * HOUR)
        found.append([record(new) for row in rows if (new := change(row)) is not None])
    return found


def unit(row: Row) -> Row:
    """`a` in a thousandth of its unit."""
    return row | {"a": row["a"] * 1000}


def failing(row: Row) -> Row:
    """No answer."""
    return row | {"y": None}


def few(number: int) -> Change:
    """Only so many rows of an hour."""
    left = [number]

    def change(row: Row) -> Row | None:
        left[0] -= 1
        return row if left[0] >= 0 else None

    return change


def prepare(folder: Path) -> Path:
    """A folder with the reference, and its calibration for `JUDGED`."""
    start = round(FIRST.timestamp())
    rows = [row for place in range(168) for row in hour(start + place * HOUR)]
    frame = pd.DataFrame(rows)
    frame["t"] = pd.to_datetime(frame["t"], unit="s", utc=True)
    as_csv(frame, folder / "data.csv")
    now = (BEGIN + pd.Timedelta("30D")).value // 1000
    built(folder, "data.csv", models=MODEL, now=now)
    (folder / "data.csv").unlink()
    life = Life(folder)
    life.harness.app.stop()
    shutil.rmtree(folder / "state" / "checkpoints")
    shutil.rmtree(folder / "state" / "archive")
    return folder


class Life:
    """One daemon after another in one folder, and the log that they read."""

    def __init__(self, folder: Path, models: str = JUDGED, now: float = 0.0) -> None:
        self.folder = folder
        self.log: list[Row] = []
        self.harness = self._begun(models, now or (BEGIN + pd.Timedelta("29D")).timestamp())

    def _begun(self, models: str, now: float) -> Harness:
        harness = Harness(self.folder, models, now=now)
        harness.start()
        return harness

    def read(self, records: Sequence[Row], by: int = 1_000) -> None:
        """Take in these records, so many at once, and publish after each batch."""
        for place in range(0, len(records), by):
            some = list(records[place : place + by])
            self.log += some
            self.harness.feed(some)
            self.harness.app.pipeline.advance(self.harness.now)

    def hours(self, hours: Sequence[list[Row]], by: int = 1_000) -> None:
        """The same, hour by hour."""
        for records in hours:
            self.read(records, by)

    def reborn(self, models: str = JUDGED) -> None:
        """It dies where it stands; another one reads again what no checkpoint knew of."""
        now = self.harness.now
        self.harness.app.die()
        self.harness = self._begun(models, now)
        taken = max([0, *self.harness.app.pipeline.positions.values()])
        again, self.log = self.log[taken:], self.log[:taken]
        self.read(again)

    def silence(self) -> None:
        """All there is was read, and the wall clock says that nothing more came."""
        self.harness.catch_up()
        self.harness.app.pipeline.advance(self.harness.now)

    def reload(self, models: str) -> str | None:
        """Another config; why it was not taken over."""
        (self.folder / "inferwatch.yml").write_text(HEAD + models)
        return self.harness.app.reload()

    def end(self) -> list[tuple[Any, ...]]:
        """End in good order; what the archive has of its windows."""
        self.harness.app.stop()
        return told(self.folder)

    def shown(self, name: str, **labels: str) -> dict[str, float]:
        """Series of this metric with these labels."""
        wanted = [f"{key}={value}" for key, value in labels.items()]
        return {
            series: value
            for series, value in self.harness.metrics().items()
            if series.partition("{")[0] == f"inferwatch_{name}"
            and all(one in series.partition("{")[2].rstrip("}").split(",") for one in wanted)
        }

    def verdicts(self, window: str = "1h") -> dict[str, str]:
        """The verdict on each subject."""
        found: dict[str, str] = {}
        for series, value in self.shown("verdict", window=window).items():
            labels = dict(one.split("=") for one in series.partition("{")[2][:-1].split(","))
            assert value in {0, 1}
            if value:
                assert labels["subject"] not in found
                found[labels["subject"]] = labels["verdict"]
        return found

    def value(self, name: str, **labels: str) -> float:
        """The only series of a metric with these labels."""
        (found,) = self.shown(name, **labels).values()
        return found


KINDS = ("verdict", "alarm", "alarm ended")


def told(folder: Path, kinds: Sequence[str] = KINDS) -> list[tuple[Any, ...]]:
    """Events of the archive in order: time, kind, window, and their detail."""
    return sorted(_events(folder, kinds), key=lambda one: (one[2], one[0], one[1]))


def _events(folder: Path, kinds: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    for path in (folder / "state/archive/events").rglob("*.parquet"):
        for event in pd.read_parquet(path).to_dict("records"):
            if event["kind"] in kinds:
                detail = json.loads(event["detail"], parse_float=_rounded)
                yield event["time"].timestamp(), event["kind"], event["subject"], detail


def _rounded(text: str) -> float:
    """Sums of floats depend on their order in the last bits."""
    return float(f"{float(text):.9g}")
