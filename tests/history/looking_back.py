"""What a daemon showed as it went along, and what the archive says of it afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from monitor.metrics import METRICS
from tests.judging.living import ROWS, Change, Life, Row, few, traffic, unit

ROOT = Path(__file__).parents[2]
KEPT = frozenset(m.name for m in METRICS if m.kind == "gauge" and m.scope in {"window", "model"})
NOT_KEPT = frozenset({"inferwatch_expected_rows"})
"""Of the present hour of the wall clock, which the past has none of."""

MAIN = "from monitor.cli import main; main()"

HOSTILE = 'v\n2"\\{}'

Shown = Mapping[str, float]
"""Values by series, as the text has them."""


@dataclass(slots=True)
class Days:
    """What was shown at each end of a window (s)."""

    folder: Path
    shown: dict[int, Shown] = field(default_factory=dict)


def lived(folder: Path) -> Days:
    """Three days of one model under a daemon, which dies once."""
    days = Days(folder)
    life = Life(folder)
    for place, records in enumerate(traffic(78, changes())):
        if place == 25:
            life.reborn()
        if place not in range(50, 53):
            life.read(records)
        note(life, days)
    life.harness.finish()
    note(life, days)
    life.end()
    return days


def changes() -> dict[int, Change]:
    def other(row: Row) -> Row:
        return row | {"v": HOSTILE}

    def both(row: Row) -> Row:
        return other(row) if row["t"] % 2 < 1 else row

    return {
        8: few(ROWS // 8),
        **dict.fromkeys(range(30, 34), unit),
        **dict.fromkeys(range(40, 44), both),
        **dict.fromkeys(range(44, 78), other),
    }


def note(life: Life, days: Days) -> None:
    text = life.harness.text()
    kept = {
        series: value
        for series, value in parsed(text).items()
        if series.partition("{")[0] in KEPT - NOT_KEPT
    }
    ends = {v for series, v in kept.items() if series.startswith("inferwatch_window_end")}
    if ends:
        end = max(ends)
        # Of a version that came just now rows were read, and no window is closed yet.
        seen = "inferwatch_version_first_seen"
        now = {s: v for s, v in kept.items() if not s.startswith(seen) or v <= end}
        days.shown.setdefault(round(end), now)


def parsed(text: str) -> dict[str, float]:
    """The lines of a text without times."""
    lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {series: float(value) for series, _, value in lines}


def history(text: str) -> dict[float, dict[str, float]]:
    """Values by time (s) and series."""
    found: dict[float, dict[str, float]] = defaultdict(dict)
    for line in text.splitlines():
        if not line.startswith("#"):
            series, value, time = line.rsplit(" ", 2)
            assert series not in found[float(time)]
            found[float(time)][series] = float(value)
    return found


def check(text: str) -> None:
    """That it is OpenMetrics, by the parser of prometheus_client."""
    assert text.endswith("# EOF\n")
    names = [family.name for family in text_string_to_metric_families(text)]  # type: ignore[no-untyped-call]
    assert len(names) == len(set(names))
    order = [metric.name for metric in METRICS]
    assert names == sorted(names, key=order.index)


def call(folder: Path, *more: str, code: int = 0) -> tuple[str, str]:
    """`inferwatch archive openmetrics`: what it wrote, and what it said."""
    done = subprocess.run(
        [sys.executable, "-c", MAIN, "archive", "openmetrics", *more],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == code, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout, done.stderr
