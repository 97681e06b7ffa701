"""`inferwatch dashboards export|push`, against a server that answers as Grafana's API does."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from monitor.cli import main
from monitor.grafana.api import parse_url
from tests.dashboards.reading import FOLDER, NAMES
from tests.support.grafana import TOKEN, Grafana, grafana
from tests.support.kafka import free_port

PROMETHEUS = {"name": "Prometheus", "uid": "prom", "type": "prometheus", "isDefault": True}
SECOND = {"name": "Thanos", "uid": "thanos", "type": "prometheus", "isDefault": False}
OTHER = {"name": "Loki", "uid": "loki", "type": "loki", "isDefault": False}


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def token(tmp_path: Path) -> Path:
    file = tmp_path / "grafana.token"
    file.write_text(f"{TOKEN}\n")
    return file


def push(url: str, token: Path, *options: str) -> Result:
    where = ["dashboards", "push", "--url", url, "--token-file", str(token)]
    result = CliRunner().invoke(main, [*where, *options])
    assert TOKEN not in result.output
    return result


def test_export_writes_the_boards_as_they_are(tmp_path: Path) -> None:
    out = tmp_path / "some" / "where"
    result = CliRunner().invoke(main, ["dashboards", "export", "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert result.output.split() == [str(out / f"{name}.json") for name in NAMES]
    for name in NAMES:
        assert (out / f"{name}.json").read_bytes() == (FOLDER / f"{name}.json").read_bytes()


def test_export_says_where_it_cannot_write(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    out = str(tmp_path / "file" / "below")
    result = CliRunner().invoke(main, ["dashboards", "export", "--out", out])
    assert result.exit_code == 1
    assert "inferwatch dashboards export: " in result.output


def test_push_makes_a_folder_and_every_board_in_it(token: Path) -> None:
    with grafana(datasources=[OTHER, PROMETHEUS]) as there:
        result = push(there.url, token)
        assert result.exit_code == 0, result.output
        assert "folder: inferwatch (new)" in result.output
        assert f"new: inferwatch / Fleet  {there.url}/d/inferwatch-fleet/slug" in result.output
    assert sorted(there.boards) == sorted(f"inferwatch-{name}" for name in NAMES)
    for saved in there.boards.values():
        assert saved["meta"]["folderUid"] == "folder0"
        assert chosen_in(saved) == ("Prometheus", "prom")


def chosen_in(saved: dict[str, Any]) -> tuple[str, str]:
    (one,) = (v for v in saved["dashboard"]["templating"]["list"] if v["type"] == "datasource")
    return one["current"]["text"], one["current"]["value"]


def test_pushing_again_replaces_and_makes_nothing_twice(token: Path) -> None:
    with grafana(datasources=[PROMETHEUS]) as there:
        push(there.url, token)
        result = push(there.url, token)
        assert result.exit_code == 0, result.output
        assert "replaced: inferwatch / Fleet" in result.output
        assert "(new)" not in result.output
    assert len(there.folders) == 1
    assert len(there.boards) == len(NAMES)
    assert {one["dashboard"]["version"] for one in there.boards.values()} == {2}


def test_a_grafana_below_a_path_and_a_folder_that_is_there(token: Path) -> None:
    known = [{"uid": "mine", "title": "Models"}]
    with grafana(datasources=[PROMETHEUS], path="/grafana", folders=known) as there:
        result = push(f"{there.url}/", token, "--folder", "Models")
        assert result.exit_code == 0, result.output
        assert f"{there.url}/d/inferwatch-fleet/slug" in result.output
        assert "/grafana/grafana" not in result.output
    assert there.folders == known
    assert there.boards["inferwatch-model"]["meta"]["folderUid"] == "mine"


def test_the_data_source_that_is_named_is_taken(token: Path) -> None:
    with grafana(datasources=[PROMETHEUS, SECOND]) as there:
        result = push(there.url, token, "--datasource", "Thanos")
    assert result.exit_code == 0, result.output
    assert chosen_in(there.boards["inferwatch-fleet"]) == ("Thanos", "thanos")


@pytest.mark.parametrize(
    ("sources", "options", "said"),
    [
        ([OTHER], (), "there is no data source of the type Prometheus; add it in Grafana"),
        ([PROMETHEUS], ("--datasource", "Loki"), "no data source 'Loki' of the type Prometheus"),
        (
            [SECOND, SECOND | {"name": "Mimir", "uid": "mimir"}],
            (),
            "which Prometheus is meant? name it by --datasource: 'Mimir', 'Thanos'",
        ),
    ],
)
def test_a_data_source_that_is_missing_is_said_to_be(
    token: Path, sources: list[dict[str, Any]], options: tuple[str, ...], said: str
) -> None:
    with grafana(datasources=sources) as there:
        result = push(there.url, token, *options)
    assert result.exit_code == 1
    assert said in result.output
    assert there.folders == []


def test_an_editor_that_may_not_list_data_sources_pushes_all_the_same(token: Path) -> None:
    with grafana(datasources=[PROMETHEUS], role="Editor") as there:
        result = push(there.url, token)
        assert result.exit_code == 0, result.output
        assert "the default one (the token may not list data sources)" in result.output
        named = push(there.url, token, "--datasource", "Prometheus")
    assert named.exit_code == 1
    assert "give its service account the role Admin" in named.output
    assert len(there.boards) == len(NAMES)


def fails(there: Grafana, token: Path) -> str:
    result = push(there.url, token)
    assert result.exit_code == 1, result.output
    assert "Traceback" not in result.output
    (line,) = (one for one in result.output.splitlines() if "inferwatch dashboards push" in one)
    return line


def test_a_wrong_token_is_said_and_not_shown(token: Path) -> None:
    token.write_text("wrong-secret")
    with grafana(datasources=[PROMETHEUS]) as there:
        said = fails(there, token)
    assert "401" in said
    assert "the token is not valid" in said
    assert "wrong-secret" not in said


def test_a_token_that_may_not_edit(token: Path) -> None:
    faults = [None, (403, {"message": "Access denied"})]
    with grafana(datasources=[PROMETHEUS], faults=faults) as there:
        assert "403 (Access denied); the token may not do this" in fails(there, token)


def test_a_path_where_grafana_is_not(token: Path) -> None:
    with grafana(datasources=[PROMETHEUS], path="/grafana") as there:
        there.url = there.url.removesuffix("/grafana") + "/wrong"
        assert "the answer is not Grafana's; is this the address" in fails(there, token)


def test_a_404_of_grafana_itself(token: Path) -> None:
    faults = [(404, {"message": "Not found"})]
    with grafana(faults=faults) as there:
        assert "404 (Not found); it is not there; is this the address" in fails(there, token)


def test_a_board_that_was_changed_meanwhile(token: Path) -> None:
    body = {"message": "The dashboard has been changed by someone else", "status": "x"}
    faults = [None, None, None, None, (412, body)]
    with grafana(datasources=[PROMETHEUS], faults=faults) as there:
        said = fails(there, token)
    assert "board fleet: 412 (The dashboard has been changed by someone else)" in said
    assert "look at it in Grafana" in said


def test_a_grafana_that_fails(token: Path) -> None:
    faults = [(500, {"message": "Internal\x1b[31m server\nerror" + "!" * 500})]
    with grafana(faults=faults) as there:
        said = fails(there, token)
    assert "500 (Internal [31m server error!!!" in said
    assert "try again later" in said
    assert "\x1b" not in said
    assert len(said) < 400


def test_no_server(token: Path) -> None:
    there = Grafana(url=f"http://127.0.0.1:{free_port()}")
    assert f"{there.url}: data sources: nothing answers there" in fails(there, token)


def test_an_address_of_something_else(token: Path) -> None:
    with grafana(html=True) as there:
        assert "the answer is not Grafana's; is this the address" in fails(there, token)


def test_an_error_page_of_something_else(token: Path) -> None:
    with grafana(faults=[(404, "a page")]) as there:
        assert "is this the address of Grafana" in fails(there, token)


def test_an_address_that_sends_elsewhere_gets_no_token(token: Path) -> None:
    with grafana(datasources=[PROMETHEUS]) as target, grafana(moved_to=target.url) as there:
        assert "it sends elsewhere; give the address that it leads to" in fails(there, token)
    assert target.asked == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("two words", "is not one token on one line"),
        ("two\nlines", "is not one token on one line"),
        ("x" * 9000, "is not one token on one line"),
        ("schlüssel", "is no token"),
    ],
)
def test_a_file_without_a_token(token: Path, text: str, said: str) -> None:
    token.write_text(text, "utf-8")
    result = push("http://127.0.0.1:1", token)
    assert result.exit_code == 1
    assert f"{token}: {said}" in result.output


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    result = push("http://127.0.0.1:1", tmp_path / "none")
    assert result.exit_code == 1
    assert "cannot be read (No such file or directory); write the token" in result.output


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:3000",
        "ftp://grafana",
        "http://",
        "http://grafana:port",
        "http://grafana/?orgId=1",
        "http://gra fana",
        "http://grafana/\n",
    ],
)
def test_what_is_no_url(token: Path, url: str) -> None:
    result = push(url, token)
    assert result.exit_code == 2
    assert "write for example http://127.0.0.1:3000" in result.output


def test_a_login_in_a_url_is_refused_and_not_repeated(token: Path) -> None:
    result = push("http://admin:hunter2@grafana", token)
    assert result.exit_code == 2
    assert "has a login inside" in result.output
    assert "hunter2" not in result.output


@pytest.mark.parametrize("url", ["http://[::1]:3000", "https://grafana.example.com/a/b"])
def test_what_is_a_url(url: str) -> None:
    assert str(parse_url(url)) == url
    assert str(parse_url(f"{url}/")) == url


def test_without_the_extra_it_is_said_how_to_install_it(
    token: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "grafana_api.grafana_face", None)
    result = push("http://127.0.0.1:1", token)
    assert result.exit_code == 1
    assert "pip install 'inferwatch[grafana]'" in result.output


def test_boards_are_valid_json_without_an_id() -> None:
    for name in NAMES:
        assert "id" not in json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
