"""Training data made by hand, a config for it, and references built of it without a command."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from monitor.config import Config, load
from monitor.references.building import Built, Task
from monitor.references.from_archive import from_archive
from monitor.references.from_files import from_files
from monitor.references.span import Span
from monitor.settling import Known, schema_path

NOW = 1_770_000_000_000_000
"""Wall time of these tests (us), in February 2026."""

HOUR = 3_600_000_000
HEAD = """\
source: {kafka: {bootstrap_servers: ["127.0.0.1:1"], topics: [inferences]}}
state: {dir: state}
web: {listen: "127.0.0.1:0"}
models:
"""
MODEL = """\
  - name: m
    fields: {time: t, version: v, latency: {path: l, unit: s}, features: x, prediction: y}
    features: {a: {kind: number}, b: {kind: number}, c: {kind: category}}
    output: {kind: number}
    windows: [1h, 1d]
"""


def configured(folder: Path, models: str = MODEL) -> Config:
    """The config of these models, in a file of this folder."""
    path = folder / "inferwatch.yml"
    path.write_text(HEAD + models)
    return load(path)


def task(folder: Path, models: str = MODEL, out: str = "reference.parquet", **more: Any) -> Task:
    """What is asked for the first of these models, with what the state folder knows."""
    config = configured(folder, models)
    known = Known.read(schema_path(config.state.dir / "models", config.models[0].name))
    given: dict[str, Any] = {"now": NOW, "span": Span(), "progress": lambda _what, _all: _silent}
    return Task(config.models[0], known, folder / out, **(given | more))


def built(folder: Path, *patterns: str, models: str = MODEL, **more: Any) -> Built:
    """A reference of files in this folder."""
    asked = task(folder, models, **more)
    return from_files(asked, [str(folder / pattern) for pattern in patterns], 1024 * 1024)


def taken(folder: Path, models: str = MODEL, **more: Any) -> Built:
    """A reference of the archive in this folder's state."""
    return from_archive(task(folder, models, **more), folder / "state" / "archive")


def _silent(_done: int) -> None:
    """Nothing is shown."""


def training(rows: int = 5_000, days: float = 3, seed: int = 0, start: str = "2026-01-05") -> Any:
    """A flat table of rows in no order: `t` (UTC), `v`, `l`, `a`, `b`, `c` and `y`.

    Of `b` 5% are missing; `c` has values of which the rarest are in a row or two.
    """
    rng = np.random.default_rng(seed)
    seconds = rng.uniform(0, days * 86_400, rows).round(3)
    frame = pd.DataFrame(
        {
            "t": pd.Timestamp(start, tz="UTC") + pd.to_timedelta(seconds, unit="s"),
            "v": rng.choice(["1", "2"], rows, p=[0.8, 0.2]),
            "l": rng.lognormal(-4, 0.7, rows),
            "a": rng.normal(40, 30, rows).round(3),
            "b": rng.lognormal(10, 1, rows).round(2),
            "c": [f"c{n}" for n in rng.zipf(1.6, rows) % 50],
            "y": rng.random(rows).round(4),
        }
    )
    frame.loc[rng.random(rows) < 0.05, "b"] = np.nan
    return frame


def as_csv(frame: Any, path: Path) -> None:
    """The table as people write CSV: times in ISO 8601, what is missing empty."""
    if "t" in frame:
        frame = frame.assign(t=frame["t"].dt.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
    frame.to_csv(path, index=False)
