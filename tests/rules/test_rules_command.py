"""`inferwatch rules`: the shipped rules with a user's own addresses, as promtool takes them."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from monitor.cli import main
from tests.support.real import require

SHIPPED = Path(__file__).parents[2] / "rules"
NAMES = ("recording", "alerts")
GRAFANA = "https://grafana.example.com/monitoring"
ADDRESSES = ["--grafana-url", f"{GRAFANA}/", "--runbook-url", "https://wiki.example.com/ml/runs"]
ADDRESSES += ["--page-url", "http://[::1]:10464"]


def rules(*options: str) -> Result:
    return CliRunner().invoke(main, ["rules", *options])


def groups(text: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load(text)["groups"])


def all_groups() -> list[dict[str, Any]]:
    return [one for name in NAMES for one in groups((SHIPPED / f"{name}.yml").read_text("utf-8"))]


def notes(found: list[dict[str, Any]]) -> list[dict[str, str]]:
    every = [rule for group in found for rule in group["rules"]]
    return [rule["annotations"] for rule in every if "alert" in rule]


def check(file: Path) -> str:
    """What promtool says of a rules file, if it takes it."""
    done = subprocess.run(
        [require("promtool"), "check", "rules", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def number() -> int:
    return sum(len(group["rules"]) for group in all_groups())


def test_without_addresses_a_folder_gets_the_shipped_files(tmp_path: Path) -> None:
    out = tmp_path / "some" / "where"
    result = rules("--output", str(out))
    assert result.exit_code == 0, result.output
    assert result.output.split() == [str(out / f"{name}.yml") for name in NAMES]
    for name in NAMES:
        assert (out / f"{name}.yml").read_bytes() == (SHIPPED / f"{name}.yml").read_bytes()


@pytest.mark.promtool
def test_promtool_takes_both_files_with_other_addresses(tmp_path: Path) -> None:
    assert rules(*ADDRESSES, "--output", str(tmp_path)).exit_code == 0
    found = [check(tmp_path / f"{name}.yml") for name in NAMES]
    counts = [
        len([r for g in groups((SHIPPED / f"{n}.yml").read_text()) for r in g["rules"]])
        for n in NAMES
    ]
    for said, count in zip(found, counts, strict=True):
        assert f"SUCCESS: {count} rules found" in said


def test_every_link_leads_to_the_addresses_and_nothing_else_is_changed(tmp_path: Path) -> None:
    assert rules(*ADDRESSES, "--output", str(tmp_path)).exit_code == 0
    assert (tmp_path / "recording.yml").read_text() == (SHIPPED / "recording.yml").read_text()
    text = (tmp_path / "alerts.yml").read_text()
    told, shipped = notes(groups(text)), notes(all_groups())
    assert len(told) == len(shipped) > 30
    for now, before in zip(told, shipped, strict=True):
        name = before["runbook_url"].removeprefix("rules/runbooks/")
        assert now["runbook_url"] == f"https://wiki.example.com/ml/runs/{name}"
        here = before["dashboard_url"].removeprefix("http://127.0.0.1:3000/")
        assert now["dashboard_url"] == f"{GRAFANA}/{here}"
        here = before["page_url"].removeprefix("http://127.0.0.1:10464/")
        assert now["page_url"] == f"http://[::1]:10464/{here}"
        links = {"runbook_url", "dashboard_url", "page_url"}
        assert {k: v for k, v in now.items() if k not in links} == {
            k: v for k, v in before.items() if k not in links
        }
    assert "127.0.0.1" not in text


@pytest.mark.promtool
def test_one_file_has_all_rules(tmp_path: Path) -> None:
    file = tmp_path / "new" / "inferwatch.yml"
    result = rules("--output", str(file))
    assert result.output.split() == [str(file)]
    assert groups(file.read_text()) == all_groups()
    assert f"SUCCESS: {number()} rules found" in check(file)
    assert rules().output == file.read_text()


@pytest.mark.promtool
def test_a_prometheus_rule_has_the_same_groups(tmp_path: Path) -> None:
    file = tmp_path / "rule.yaml"
    assert rules("--format", "prometheusrule", "--output", str(file)).exit_code == 0
    text = file.read_text()
    rule = yaml.safe_load(text)
    assert (rule["apiVersion"], rule["kind"]) == ("monitoring.coreos.com/v1", "PrometheusRule")
    assert rule["metadata"]["name"] == "inferwatch"
    assert rule["spec"]["groups"] == all_groups()
    assert "&id" not in text
    assert rules("--format", "prometheusrule").output == text
    (tmp_path / "groups.yml").write_text(yaml.safe_dump(rule["spec"]))
    assert f"SUCCESS: {number()} rules found" in check(tmp_path / "groups.yml")


def test_every_value_of_a_prometheus_rule_is_of_the_kind_that_kubernetes_wants() -> None:
    found = yaml.safe_load(rules(*ADDRESSES, "--format", "prometheusrule").output)
    for group in found["spec"]["groups"]:
        assert set(group) <= {"name", "interval", "rules"}
        for rule in group["rules"]:
            assert set(rule) <= {
                *("alert", "record", "expr", "for", "keep_firing_for", "labels", "annotations")
            }
            for texts in (rule.get("labels", {}), rule.get("annotations", {})):
                assert all(isinstance(value, str) for value in texts.values()), rule


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ('https://g.example.com/"', "characters that no link may have"),
        ("https://g.example.com/'", "characters that no link may have"),
        ("https://g.example.com/\nannotations", "characters that no link may have"),
        ("https://g.example.com/{{ query `up` }}", "characters that no link may have"),
        ("https://g.example.com/{{.Labels}}", "characters that no link may have"),
        ("https://g.example.com/a b", "characters that no link may have"),
        ("https://g.example.com/<b>", "characters that no link may have"),
        ("https://g.example.com/100%", "characters that no link may have"),
        ("https://g.example.com/?org=1", "more than an address and a path"),
        ("https://g.example.com/#a", "more than an address and a path"),
        ("https://admin:secret@g.example.com", "has a login inside"),
        ("grafana.example.com", "is not a URL of http or https"),
        ("javascript:alert", "is not a URL of http or https"),
        ("http://", "is not a URL of http or https"),
        ("http://g:port", "is not a URL"),
        ("http://[::1", "is not a URL"),
        ("", "is not a URL of http or https"),
    ],
)
@pytest.mark.parametrize("option", ["--grafana-url", "--runbook-url", "--page-url"])
def test_what_is_no_address_is_refused_and_nothing_is_written(
    tmp_path: Path, option: str, url: str, said: str
) -> None:
    result = rules(option, url, "--output", str(tmp_path / "out"))
    assert result.exit_code == 2
    assert f"inferwatch rules: {option}: " in result.output
    assert said in result.output
    assert "secret" not in result.output
    assert result.output.count("\n") == 1
    assert not [*tmp_path.iterdir()]


def test_a_prometheus_rule_wants_a_file(tmp_path: Path) -> None:
    result = rules("--format", "prometheusrule", "--output", str(tmp_path))
    assert result.exit_code == 2
    assert "a PrometheusRule is one file; name one, NAME.yaml" in result.output


def test_it_says_where_it_cannot_write(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for below in ("rules", "rules.yml"):
        result = rules("--output", str(tmp_path / "file" / below))
        assert result.exit_code == 1
        assert "inferwatch rules: " in result.output
