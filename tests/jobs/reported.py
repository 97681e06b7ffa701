"""A model with an archive, a reference and a config for reports, without a daemon that ran."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from monitor.archive import Archive
from monitor.board import Board
from monitor.config import Config, load
from monitor.jobs.jobs import Job
from monitor.jobs.report.making import make_report_job
from monitor.settling import Known, schema_path
from tests.references.making import HEAD, as_csv, built

ATTACK = "</script><script>document.title='taken over'</script>"
SECRET = "known-to-few"
WORDS = [f"word{n}" for n in range(40)]
MODEL = """\
  - name: m
    fields: {time: t, version: v, features: x, prediction: y}
    features:
      a: {kind: number}
      b: {kind: number}
      c: {kind: category}
      d: {kind: text}
      g: {kind: text}
      e: {kind: category, private: true}
      f: {kind: number}
      id: {kind: number}
    output: {kind: number}
    windows: [1h, 1d]
    alarms:
      ignore: [id]
      methods: [psi, "evidently:mannw", "evidently:fisher_exact", "evidently:chisquare"]
"""
REFERENCE = "    reference: {path: reference.parquet}\n"
JOB = "jobs: {report: {rows: 3000, memory: 2GiB, timeout: 5m}}\n"
FIRST = pd.Timestamp("2026-01-05", tz="UTC")
LIVE = FIRST + pd.Timedelta("7D")
"""The day that is reported."""


def table(begin: pd.Timestamp, days: int, a_day: int, seed: int, shift: float = 0.0) -> Any:
    """Rows of all kinds of columns; live, `f` is always missing; no test can take `g`."""
    rng = np.random.default_rng(seed)
    rows = days * a_day
    frame = pd.DataFrame(
        {
            "t": begin + pd.to_timedelta(rng.uniform(0, days * 86_400, rows).round(3), unit="s"),
            "v": rng.choice(["1", "2"], rows),
            "a": rng.normal(40 + shift, 10, rows).round(3),
            "b": rng.lognormal(10, 1, rows).round(2),
            "c": rng.choice(["x", "y", ATTACK], rows, p=[0.5, 0.3, 0.2]),
            "d": [" ".join(words) for words in rng.choice(WORDS, (rows, 6))],
            "g": "the",
            "e": rng.choice([SECRET, "other"], rows),
            "f": rng.normal(0, 1, rows).round(3) if not shift else None,
            "id": np.arange(rows) + (0 if not shift else 10_000),
            "y": rng.random(rows).round(4),
        }
    )
    frame.loc[rng.random(rows) < 0.05, "b"] = np.nan
    return frame


def prepare(folder: Path) -> Path:
    """A folder with all of it: a week of reference, and one day in the archive."""
    as_csv(table(FIRST, 7, 250, seed=1), folder / "reference.csv")
    as_csv(table(LIVE, 1, 600, seed=2, shift=8.0), folder / "live.csv")
    reference = built(folder, "reference.csv", models=MODEL).reference
    known = Known(reference.discovery, reference.schema)
    known.write(schema_path(folder / "state" / "models", "m"))
    live = built(folder, "live.csv", models=MODEL, out="live.parquet").reference
    Archive(folder / "state" / "archive").store(1, list(live.panes), [])
    configured(folder)
    return folder


def configured(folder: Path, jobs: str = JOB) -> Config:
    path = folder / "inferwatch.yml"
    path.write_text(jobs + HEAD + MODEL + REFERENCE)
    return load(path)


def report_job(config: Config, board: Board) -> Job:
    job = make_report_job(config, board)
    assert job is not None
    return job
