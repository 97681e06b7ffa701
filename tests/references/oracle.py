"""What every pane of a reference has to be, by pandas over the same rows."""

from __future__ import annotations

from typing import Any

import pytest

from collectors.specs import CategorySpec, NumberSpec
from monitor.references.file import Reference
from tests.references.making import HOUR

MISSING = slice(1, 5)  # of a tally: absent, null, empty, NaN


def by_pane(frame: Any) -> dict[tuple[int, str], Any]:
    """The rows of each hour and version, by its start in us and the version."""
    hours = frame["t"].astype("datetime64[us, UTC]").astype("int64") // HOUR * HOUR
    return {
        (int(hour), str(version)): rows
        for (hour, version), rows in frame.groupby([hours, frame["v"]])
    }


def equals_pandas(reference: Reference, frame: Any) -> None:
    """That each pane holds what pandas counts over the same rows."""
    wanted = by_pane(frame)
    found = {(pane.start, pane.version): pane for pane in reference.panes}
    assert found.keys() == wanted.keys()
    category = reference.schema.columns["c"]
    assert isinstance(category, CategorySpec)
    for key, rows in wanted.items():
        pane = found[key]
        assert (pane.rows, pane.end - pane.start, pane.schema) == (
            len(rows),
            HOUR,
            reference.schema.id,
        )
        inputs = pane.state["inputs"]
        assert inputs["rows_with_missing"] == int(rows[["a", "b", "c"]].isna().any(axis=1).sum())
        for name in ("a", "b"):
            column, values = inputs["columns"][name], rows[name].dropna()
            spec = reference.schema.columns[name]
            assert isinstance(spec, NumberSpec)
            assert column["tally"][MISSING].sum() == rows[name].isna().sum()
            assert column["count"] == column["counts"].sum() == len(values)
            if len(values):
                assert column["minimum"] == values.min()
                assert column["maximum"] == values.max()
                mean = spec.grid.center + column["total"] / column["count"]
                assert mean == pytest.approx(values.mean(), rel=1e-9, abs=1e-9)
        counts = dict(zip(category.known, inputs["columns"]["c"]["known"].tolist(), strict=True))
        assert {n: k for n, k in counts.items() if k} == rows["c"].value_counts().to_dict()
        assert not inputs["columns"]["c"]["buckets"].any()
        latency = pane.state["software"]["latency"]
        assert latency["total"] / len(rows) == pytest.approx(rows["l"].mean(), rel=1e-9)
        assert pane.state["outputs"]["answers"]["maximum"] == rows["y"].max()
        said = {s.id: s.value for s in pane.statistics if not set(s.labels) - {"feature"} - {"q"}}
        assert said["output.mean"] == pytest.approx(rows["y"].mean(), rel=1e-9)
        assert said["software.throughput"] == pytest.approx(len(rows) / 3600)
