"""What the child process takes from a reference's file, against pandas over the same rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.judging.child import panes_of
from monitor.references.file import load
from tests.references.making import HOUR, as_csv, built, training


def test_versions_of_a_pane_are_taken_together(tmp_path: Path) -> None:
    frame = training(3_000, days=1)
    as_csv(frame, tmp_path / "data.csv")
    built(tmp_path, "data.csv")
    panes = panes_of(load(tmp_path / "reference.parquet"))
    hours = frame["t"].astype("datetime64[us, UTC]").astype("int64") // HOUR * HOUR
    by_hour = frame.groupby(hours)
    assert {start: one["software"].rows for start, one in panes.items()} == by_hour.size().to_dict()
    assert set(frame["v"]) == {"1", "2"}
    for start, rows in by_hour:
        pane = panes[int(start)]
        column = pane["inputs"].columns["b"]
        assert column.count == rows["b"].count()
        assert column.mean() == pytest.approx(rows["b"].mean(), rel=1e-9)
        assert pane["outputs"].answers.mean() == pytest.approx(rows["y"].mean(), rel=1e-9)
        assert pane["software"].latency.mean() == pytest.approx(rows["l"].mean(), rel=1e-9)
