"""Each alert has a runbook, and what a runbook says to do can be done."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.routing import Match

from monitor.metrics import METRICS
from monitor.web.pages.routes import Pages
from tests.dashboards.past import asked, prometheus_with, promtool
from tests.rules.runbooks import (
    PAGES,
    ROOT,
    alerts,
    blocks,
    looks,
    prose,
    queries,
    recorded,
    sections,
)
from tests.support.alertmanager import Alertmanager
from tests.support.every_series import END, START, open_metrics
from tests.support.real import require

HEADINGS = ["What it means", "Impact", "First three looks", "Cure", "How to silence"]

EVERY = queries()

MORE = """\
up{job="inferwatch",instance="a"} 0
inferwatch_score{instance="a",model="delay",window="1h",subject="input",statistic="mmd"} 12
inferwatch_alarm_cause{instance="a",model="delay",window="1h",change="volume",side="now"} 9
"""
"""What is beside the metrics of the table, and what their examples lack."""


def test_each_alert_has_a_runbook_and_each_runbook_an_alert() -> None:
    assert {page.stem for page in PAGES} == set(alerts())
    for name, rules in alerts().items():
        for rule in rules:
            assert rule["annotations"]["runbook_url"] == f"rules/runbooks/{name}.md"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_runbook_has_the_same_headings_and_something_below_each(page: Path) -> None:
    text = page.read_text("utf-8")
    assert text.startswith(f"# {page.stem}\n\n## What it means\n")
    assert [*sections(text)] == HEADINGS
    assert all(len(below.split()) >= 5 for below in sections(text).values())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_look_is_a_query_a_command_or_a_page(page: Path) -> None:
    found = looks(page.read_text("utf-8"))
    assert [one[:3] for one in found] == ["1. ", "2. ", "3. "]
    for one in found:
        code = blocks(one)
        assert len(code) == 1 or (not code and addresses(one)), one
        assert all(block.language in {"promql", "sh"} for block in code)
        assert prose(one.partition("\n")[2]).strip(), "what to see is not said"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_model_of_the_alert_is_asked_for_where_there_is_one(page: Path) -> None:
    text = page.read_text("utf-8")
    of_model = "model" in re.findall(r"\w+", alerts()[page.stem][0]["annotations"]["summary"])
    assert ("MODEL" in prose(text)) == of_model
    assert f"alertname={page.stem}" + " model=MODEL" * of_model + " --duration" in text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_key_of_the_config_that_is_named_is_one(page: Path) -> None:
    keys = set()
    _, *tables = (ROOT / "docs" / "configuration.md").read_text("utf-8").split("\n## ")
    for table in tables:
        of = table.partition("\n")[0].strip("`").removeprefix("models[].").replace("<name>", "NAME")
        keys |= {f"{of}.{key}" for key in re.findall(r"^\| `(\w+)`", table, re.MULTILINE)}
    named = re.findall(r"`([a-z_]+\.[a-zA-Z_.]+)`", prose(page.read_text("utf-8")))
    assert set(named) <= keys, set(named) - keys


@pytest.mark.promtool
def test_promtool_takes_every_query_as_a_rule(tmp_path: Path) -> None:
    rules = [{"record": f"look:{n}:{n}", "expr": query} for n, (_, query) in enumerate(EVERY)]
    file = tmp_path / "rules.yml"
    file.write_text(json.dumps({"groups": [{"name": "looks", "rules": rules}]}))
    assert f"{len(EVERY)} rules found" in promtool("check", "rules", str(file))


def test_queries_use_metrics_of_the_table_and_recorded_names_alone() -> None:
    endings = ("", "_bucket", "_sum", "_count")
    known = {f"{m.name}{ending}" for m in METRICS for ending in endings} | recorded()
    for name, query in EVERY:
        used = re.findall(r"(?:\w+:)?inferwatch_\w+(?::\w+)?", query)
        assert used or query == 'min by (instance) (up{job="inferwatch"})', name
        assert set(used) <= known, (name, set(used) - known)


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    more = "".join(f"{line} {END - 60}\n{line} {END}\n" for line in MORE.splitlines())
    text = open_metrics().replace("# EOF", more + "# EOF")
    with prometheus_with(text, START, END, tmp_path_factory.mktemp("past")) as client:
        yield client


@pytest.mark.promtool
@pytest.mark.slow
def test_every_query_has_an_answer(
    prometheus: httpx.Client, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = [
        f"{name}: {query}"
        for name, query in EVERY
        if not asked(prometheus, "query", query=query.replace("MODEL", "delay"), time=str(END))
    ]
    with capsys.disabled():
        print(f"\n{len(EVERY) - len(empty)} of {len(EVERY)} queries of the runbooks returned data")
    assert not empty, "\n".join(empty)


@pytest.mark.promtool
@pytest.mark.slow
def test_no_query_tells_instances_apart_unless_it_says_so(prometheus: httpx.Client) -> None:
    for name, query in EVERY:
        one = query.replace("MODEL", "delay")
        for series in asked(prometheus, "query", query=one, time=str(END)):
            assert "instance" not in series["metric"] or "instance" in query, name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_addresses_of_the_page_are_served(page: Path) -> None:
    nobody: Any = None  # only the addresses are asked for, and no page
    routes = Pages(nobody, nobody).routes()
    for address in addresses(page.read_text("utf-8")):
        scope = {"type": "http", "method": "GET", "path": address, "root_path": ""}
        assert any(route.matches(scope)[0] == Match.FULL for route in routes), address


def addresses(text: str) -> list[str]:
    """Those of inferwatch's page that are named."""
    return re.findall(r"`(/(?:models|alarms|monitor)[^`]*)`", text)


def test_a_real_alertmanager_takes_every_silence_and_it_fits_its_alert_alone(
    tmp_path: Path,
) -> None:
    require("amtool")
    config = {"route": {"receiver": "nobody"}, "receivers": [{"name": "nobody"}]}
    with Alertmanager(tmp_path, config) as alertmanager:
        alertmanager.post(
            *({"labels": {"alertname": name, "model": "delay"}} for name in alerts()),
            *({"labels": {"alertname": name, "model": "other"}} for name in alerts()),
        )
        for page in PAGES:
            silence(page, alertmanager.url)
        silenced = {
            (one["labels"]["alertname"], one["labels"]["model"])
            for one in alertmanager.firing()
            if one["status"]["silencedBy"]
        }
        for name in alerts():
            of_model = "model=MODEL" in (PAGES[0].parent / f"{name}.md").read_text("utf-8")
            assert (name, "delay") in silenced
            assert ((name, "other") in silenced) == (not of_model), name


def silence(page: Path, url: str) -> None:
    """Carry out what the page says, as the person at the keyboard would."""
    (code,) = [b.code for b in blocks(sections(page.read_text("utf-8"))["How to silence"])]
    words = shlex.split(code.replace("\\\n", " ").replace("MODEL", "delay"))
    words = [word.replace("http://127.0.0.1:9093", url) for word in words]
    assert f"--alertmanager.url={url}" in words
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stdout + done.stderr
