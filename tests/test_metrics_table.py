from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.metric import Metric
from monitor.metrics import BY_STATISTIC, METRICS
from monitor.metrics_docs import markdown

ROOT = Path(__file__).parents[1]


@pytest.fixture(params=METRICS, ids=lambda metric: metric.statistic)
def metric(request: pytest.FixtureRequest) -> Metric:
    found: Metric = request.param
    return found


def test_no_statistic_and_no_name_is_there_twice() -> None:
    assert len({m.statistic for m in METRICS}) == len(METRICS) == len(BY_STATISTIC)
    assert len({m.name for m in METRICS}) == len(METRICS)


def test_names_follow_prometheus(metric: Metric) -> None:
    assert re.fullmatch(r"inferwatch(_[a-z0-9]+)+", metric.name)
    assert metric.name.endswith("_total") == (metric.kind == "counter")
    assert not metric.name.endswith(("_count", "_sum", "_bucket", "_created"))


def test_labels_are_plain_and_none_is_reserved(metric: Metric) -> None:
    assert len(set(metric.labels)) == len(metric.labels)
    assert all(re.fullmatch(r"[a-z]+", label) for label in metric.labels)
    assert not {"le", "quantile", "job", "instance"} & set(metric.labels)


def test_labels_fit_the_scope(metric: Metric) -> None:
    if metric.scope in {"live", "monitor"}:
        assert "window" not in metric.labels
    if metric.scope != "monitor":
        assert metric.labels[0] == "model"
    if metric.scope == "window":
        assert metric.labels[:3] == ("model", "version", "window")
        assert metric.kind == "gauge"


def test_every_text_is_a_sentence_for_a_table(metric: Metric) -> None:
    for text in (metric.help, metric.denominator):
        assert re.fullmatch(r"[A-Z0-9][^|\n]+\.", text)
    assert metric.unit


def test_the_page_is_made_from_the_table() -> None:
    page = (ROOT / "docs" / "metrics.md").read_text("utf-8")
    assert page == markdown(), "write it again: make docs"
    rows = re.findall(r"^\| `(\w+)` \|", page, flags=re.M)
    assert sorted(rows) == sorted(m.name for m in METRICS)


def test_the_command_prints_the_page() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "monitor.metrics_docs"], cwd=ROOT, capture_output=True, check=True
    )
    assert done.stdout.decode() == markdown()


def yielded(folder: Path) -> Iterator[tuple[str, str]]:
    """Every statistic that the code makes by a plain id: where, and the id."""
    for file in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
                first = node.args[0]
                if node.func.id == "Statistic" and isinstance(first, ast.Constant):
                    yield file.name, str(first.value)


def test_every_statistic_of_the_code_is_in_the_table() -> None:
    found = [*yielded(ROOT / "collectors"), *yielded(ROOT / "monitor")]
    assert len(found) > 20
    assert [(file, id) for file, id in found if id not in BY_STATISTIC] == []


def test_nothing_else_names_a_metric() -> None:
    named = re.compile(r"[\"'`]inferwatch_[a-z_]+")
    others = [
        file.relative_to(ROOT)
        for room in ("collectors", "monitor")
        for file in sorted((ROOT / room).rglob("*.py"))
        if file.name != "metrics.py" and named.search(file.read_text("utf-8"))
    ]
    assert others == []
