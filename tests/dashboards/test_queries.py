"""Every query of every board: a real Prometheus takes it and has an answer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from monitor.metrics import METRICS
from tests.dashboards.past import RECORDING, asked, prometheus_with, promtool
from tests.dashboards.reading import CHOSEN, NAMES, Asked, queries, variables
from tests.support.every_series import END, START, open_metrics

EVERY = [one for name in NAMES for one in queries(name)]


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("past")
    with prometheus_with(open_metrics(), START, END, folder) as client:
        yield client


def answers(client: httpx.Client, one: Asked) -> int:
    """How many series a query gives, as its panel asks."""
    if one.instant:
        return len(asked(client, "query", query=one.expression, time=str(END)))
    span = {"start": str(END - 1800), "end": str(END), "step": "60"}
    return len(asked(client, "query_range", query=one.expression, **span))


@pytest.mark.promtool
def test_promtool_takes_every_query_as_a_rule(tmp_path: Path) -> None:
    rules = [
        {"record": f"every:query:{number}", "expr": one.expression}
        for number, one in enumerate(EVERY)
    ]
    file = tmp_path / "rules.yml"
    file.write_text(json.dumps({"groups": [{"name": "boards", "rules": rules}]}))
    assert f"{len(EVERY)} rules found" in promtool("check", "rules", str(file))


@pytest.mark.promtool
@pytest.mark.slow
def test_every_query_of_every_panel_has_an_answer(
    prometheus: httpx.Client, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = [f"{one.board}: {one.what}" for one in EVERY if not answers(prometheus, one)]
    with capsys.disabled():
        print(f"\n{len(EVERY) - len(empty)} of {len(EVERY)} queries of the boards returned data")
    assert not empty, "\n".join(empty)


@pytest.mark.promtool
@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_variable_has_values_and_the_chosen_one_is_among_them(
    prometheus: httpx.Client, name: str
) -> None:
    for variable, query, pattern in variables(name):
        found = values(prometheus, query, pattern)
        assert found, f"{variable}: {query}"
        assert variable == "reference" or CHOSEN[variable] in found, found


@pytest.mark.promtool
@pytest.mark.slow
def test_the_newest_version_is_offered_first_and_not_beside_itself(
    prometheus: httpx.Client,
) -> None:
    found = {variable: (query, pattern) for variable, query, pattern in variables("model")}
    assert sorted(values(prometheus, *found["version"])) == ["v1", "v2"]
    assert values(prometheus, *found["beside"]) == ["v1"]


def values(client: httpx.Client, query: str, pattern: str) -> list[str]:
    """What Grafana makes of a variable's query."""
    labels = re.fullmatch(r"label_values\((.+), (\w+)\)", query)
    if labels is not None:
        return asked(client, f"label/{labels[2]}/values", **{"match[]": labels[1]})
    result = re.fullmatch(r"query_result\((.+)\)", query)
    assert result is not None, query
    texts = [
        "{" + ",".join(f'{name}="{value}"' for name, value in one["metric"].items()) + "}"
        for one in asked(client, "query", query=result[1], time=str(END))
    ]
    found = [re.search(pattern.strip("/"), text) for text in texts]
    return [match[1] for match in found if match is not None]


@pytest.mark.promtool
@pytest.mark.slow
def test_two_instances_make_one_line(prometheus: httpx.Client) -> None:
    for one in EVERY:
        found = asked(prometheus, "query", query=one.expression, time=str(END))
        assert all("instance" not in series["metric"] for series in found), one


def test_queries_use_metrics_of_the_table_and_recorded_names_alone() -> None:
    endings = ("", "_bucket", "_sum", "_count")
    known = {f"{m.name}{ending}" for m in METRICS for ending in endings} | {"ALERTS"}
    groups = yaml.safe_load(RECORDING.read_text("utf-8"))["groups"]
    known |= {rule["record"] for group in groups for rule in group["rules"]}
    asked_for = [(one.board, one.expression) for one in EVERY]
    asked_for += [(name, query) for name in NAMES for _, query, _ in variables(name)]
    for name, expression in asked_for:
        used = re.findall(r"\bALERTS\b|(?:\w+:)?inferwatch_\w+(?::\w+)?", expression)
        assert used or "vector(1)" in expression, expression
        assert set(used) <= known, (name, set(used) - known)


def test_every_metric_of_the_table_is_on_a_board() -> None:
    text = "\n".join(one.expression for one in EVERY)
    text += "\n".join(query for name in NAMES for _, query, _ in variables(name))
    text += RECORDING.read_text("utf-8")
    off = {m.name for m in METRICS if not re.search(rf"{m.name}(_bucket)?\b", text)}
    assert off == SHOWN_AS_LIVE_COUNTERS | set()


SHOWN_AS_LIVE_COUNTERS = {
    "inferwatch_error_ratio",
    "inferwatch_latency_quantile_seconds",
    "inferwatch_throughput_per_second",
}
"""Of windows; the boards show the same over 5 minutes, by the rules."""
