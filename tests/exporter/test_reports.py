"""Reports over HTTP: listed and served, to those who may, in a sandbox, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from monitor.jobs.report.files import Reports
from tests.support.web import hashed, serving, web

NAME = "20260112T000000Z-20260113T000000Z"
DAY = 86_400_000_000
PAGE = "<html>" + "page " * 100_000


@pytest.fixture
def state(tmp_path: Path) -> Path:
    reports = Reports(tmp_path / "state")
    for place in range(20_465, 20_467):
        stored = reports.place("m", place * DAY, (place + 1) * DAY)
        stored.path.parent.mkdir(parents=True, exist_ok=True)
        stored.path.write_text(PAGE)
        stored.numbers.write_text('{"share": 0.5}')
    (tmp_path / "state" / "reports" / "m" / "other.html").write_text("not a report")
    (tmp_path / "state" / "secret.json").write_text("secret")
    return tmp_path / "state"


def test_the_index_lists_them_the_newest_first(state: Path) -> None:
    with serving(web(), state=state) as exporter:
        text = httpx.get(exporter.url).text
    first, second = (text.find(f"/reports/m/{name}.html") for name in (NAME, "20260113"))
    assert NAME in text
    assert "report of m, 2026-01-12 00:00 to 2026-01-13 00:00 UTC" in text
    assert 0 < second < first or second == -1
    assert text.count("<li>") == 5
    assert "other.html" not in text


def test_a_page_is_served_as_it_is_and_in_a_sandbox(state: Path) -> None:
    with serving(web(), state=state) as exporter:
        answer = httpx.get(f"{exporter.url}/reports/m/{NAME}.html")
        head = httpx.head(f"{exporter.url}/reports/m/{NAME}.html")
        numbers = httpx.get(f"{exporter.url}/reports/m/{NAME}.json")
    assert answer.text == PAGE
    policy = answer.headers["content-security-policy"]
    rules = [rule.strip() for rule in policy.split(";")]
    assert "sandbox allow-scripts" in rules
    assert "default-src 'none'" in rules
    assert "frame-ancestors 'none'" in rules
    assert "allow-same-origin" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert (head.status_code, head.text) == (200, "")
    assert numbers.json() == {"share": 0.5}
    assert numbers.headers["content-type"] == "application/json"


def test_other_answers_keep_their_policy(state: Path) -> None:
    with serving(web(), state=state) as exporter:
        for path in ("/", "/metrics", "/reports/m/none.html"):
            policy = httpx.get(exporter.url + path).headers["content-security-policy"]
            assert "sandbox" not in policy
            assert "script-src" not in policy


@pytest.mark.parametrize(
    "path",
    [
        "m/other.html",
        "m/../../secret.json",
        "m/..%2f..%2fsecret.json",
        "..%2f/secret.json",
        "%2e%2e/secret.json",
        "../secret.json",
        f"m/{NAME}.html.new",
        f"m/{NAME}.html%00",
        f"m/{NAME}.html/",
        f"m/{NAME}.html%0a",
        f"%2e/{NAME}.html",
        f"m%2f/{NAME}.html",
        "m/",
        "",
    ],
)
def test_nothing_else_is(state: Path, path: str) -> None:
    with serving(web(), state=state) as exporter:
        url = httpx.URL(exporter.url).copy_with(raw_path=f"/reports/{path}".encode())
        answer = httpx.get(url)
    assert answer.status_code == 404
    assert "secret" not in answer.text


def test_a_link_out_of_the_folder_is_not_followed(state: Path) -> None:
    outside = Reports(state).place("m", 0, DAY).path
    outside.symlink_to(state / "secret.json")
    with serving(web(), state=state) as exporter:
        assert httpx.get(f"{exporter.url}/reports/m/{outside.name}").status_code == 404


def test_they_are_behind_the_login(state: Path) -> None:
    with serving(web(basic_auth_users={"ann": hashed("right")}), state=state) as exporter:
        url = f"{exporter.url}/reports/m/{NAME}.html"
        assert httpx.get(url).status_code == 401
        assert "page" not in httpx.get(url, auth=("ann", "wrong")).text
        assert httpx.get(url, auth=("ann", "right")).text == PAGE


def test_without_a_folder_there_are_none(tmp_path: Path) -> None:
    with serving(web(), state=tmp_path / "none") as exporter:
        assert httpx.get(exporter.url).text.count("<li>") == 3
        assert httpx.get(f"{exporter.url}/reports/m/{NAME}.html").status_code == 404
