"""Archives as values that can be compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from monitor.archive import Archive

FLOATS = frozenset({"total", "squares", "mean", "m2"})
"""Sums of floats, which depend on the order in the last bits; all else is equal bit for bit."""


def read(state: Path, model: str = "m") -> dict[tuple[str, int], Any]:
    """The last revision of every pane: its rows and its state, by version and start."""
    return {
        (pane.version, pane.start): {"rows": pane.rows, **pane.state}
        for pane in Archive(state / "archive").panes(model)
    }


def differences(one: Any, other: Any, path: str = "") -> list[str]:
    """Where two states differ; floats of `FLOATS` may by 1e-12 of the larger, or of 1e6."""
    if isinstance(one, dict) and isinstance(other, dict):
        keys = sorted({*one, *other}, key=str)
        return [d for k in keys for d in differences(one.get(k), other.get(k), f"{path}/{k}")]
    name = path.rpartition("/")[2]
    if name in FLOATS and one is not None and other is not None:
        a, b = np.asarray(one, np.float64), np.asarray(other, np.float64)
        close = a.shape == b.shape and np.allclose(a, b, rtol=1e-12, atol=1e-6)
        return [] if close else [f"{path}: {one} and {other}"]
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return [] if np.array_equal(one, other) else [f"{path}: {one} and {other}"]
    return [] if type(one) is type(other) and one == other else [f"{path}: {one} and {other}"]
