"""One life of a daemon after another in the same folder, fed by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.harness import NOW, Harness

MODEL = """\
  - name: m
    fields: {time: t, version: v, features: x, prediction: y}
    features: {a: {kind: number}}
    output: {kind: number}
    windows: [1h, 1d]
"""
HOUR = 3_600.0
AGO = NOW - 5 * HOUR


def row(at: float = AGO, version: str = "v1", **more: Any) -> dict[str, Any]:
    return {"t": at, "v": version, "x": {"a": 1.0}, "y": 2.0} | more


def begun(folder: Path, models: str = MODEL, now: float = NOW) -> Harness:
    harness = Harness(folder, models, now=now)
    harness.start()
    return harness


def series(harness: Harness, *parts: str) -> dict[str, float]:
    return {k: v for k, v in harness.metrics().items() if all(part in k for part in parts)}
