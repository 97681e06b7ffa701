"""What NannyML and Evidently say of the same windows: asked once, and kept with the date.

They run in their own environment, in a process of their own, on rows that they get as Parquet.
"""

from __future__ import annotations

import fcntl
import json
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.peers import PYTHON
from benchmarks.realdata.data import Data, NoData
from collectors.drift.calibration.seasons import Ints

SCRIPT = Path(__file__).parents[1] / "peers" / "run.py"
KEPT = SCRIPT.with_name("verdicts.json")
"""What they said, by question."""

TIMEOUT = 3_600.0


@dataclass(frozen=True, eq=False)
class Question:
    """Windows of a data set, each rows of it, and what they are compared with.

    Attributes:
        reference: places of its rows.
        windows: places of the rows of each.
        told: the rest of the script's task, see there.
    """

    name: str
    data: Data
    reference: Ints
    windows: Sequence[Ints]
    told: Mapping[str, Any]

    @property
    def of(self) -> str:
        """What it was asked of: another one is another question."""
        sizes = [len(self.reference), len(self.windows), sum(map(len, self.windows))]
        return f"{self.data.fingerprint} {sizes}"


@dataclass(frozen=True)
class Answer:
    """What they said: see the script for `drifted`, `reports`, `failed` and `seconds`."""

    of: str
    date: str
    versions: Mapping[str, str]
    drifted: Mapping[str, list[int]]
    reports: Mapping[str, int]
    failed: int
    seconds: Mapping[str, float]


def answer(question: Question, again: bool = False) -> Answer:
    """What they said, by the file; else they are asked, which takes minutes.

    Raises:
        NoData: their environment is not there.
    """
    found = kept().get(question.name)
    if found is not None and found.of == question.of and not again:
        return found
    made = _asked(question)
    with KEPT.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # parts are played side by side
        _keep(kept() | {question.name: made})
    return made


def kept() -> dict[str, Answer]:
    """All that is in the file."""
    if not KEPT.exists():
        return {}
    found = json.loads(KEPT.read_text())
    for one in found.values():
        one["drifted"] = {rule: _numbers(text) for rule, text in one["drifted"].items()}
    return {name: Answer(**one) for name, one in found.items()}


def _keep(answers: Mapping[str, Answer]) -> None:
    found = {}
    for name, one in sorted(answers.items()):
        drifted = {rule: " ".join(map(str, numbers)) for rule, numbers in one.drifted.items()}
        found[name] = {**vars(one), "drifted": drifted}
    KEPT.write_text(json.dumps(found, indent=1) + "\n")


def _numbers(text: str) -> list[int]:
    return [int(one) for one in text.split()]


def _asked(question: Question) -> Answer:
    if not PYTHON.exists():
        raise NoData(f"{PYTHON} is not there; run `make peers` first")
    data = question.data
    with tempfile.TemporaryDirectory(prefix="peers-") as name:
        folder = Path(name)
        local = pd.to_datetime(data.times, unit="us", utc=True).tz_convert(data.zone)
        rows = data.rows.drop(columns="time").assign(when=local.tz_localize(None))
        rows.to_parquet(folder / "rows.parquet")
        groups = [question.reference, *question.windows]
        numbers = np.arange(-1, len(question.windows), dtype=np.int32)
        table = {
            "window": np.repeat(numbers, [len(rows) for rows in groups]),
            "row": np.concatenate(groups).astype(np.int32),
        }
        pd.DataFrame(table).to_parquet(folder / "windows.parquet")
        columns = [name for name in data.columns if name not in data.categories]
        task = {"numbers": columns, "categories": data.categories, **question.told}
        (folder / "task.json").write_text(json.dumps(task))
        subprocess.run([PYTHON, "-P", SCRIPT, folder], check=True, timeout=TIMEOUT)
        said = json.loads((folder / "verdicts.json").read_text())
    return Answer(of=question.of, date=datetime.now(UTC).date().isoformat(), **said)
