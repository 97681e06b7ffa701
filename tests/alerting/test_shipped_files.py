"""The files that are shipped, by the programs that read them."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.alerting.conftest import ANNOTATIONS, LABELS
from tests.support.real import require

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
TEMPLATES = DEPLOY / "alertmanager" / "templates"


def run(program: str, *arguments: str) -> str:
    done = subprocess.run(
        [require(program), *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_amtool_takes_the_configuration() -> None:
    said = run("amtool", "check-config", str(DEPLOY / "alertmanager" / "alertmanager.yml"))
    assert "3 receivers" in said
    assert "1 templates" in said


@pytest.mark.promtool
def test_promtool_takes_prometheus_configuration_with_the_rules_beside_it(tmp_path: Path) -> None:
    shutil.copy(DEPLOY / "prometheus" / "prometheus.yml", tmp_path)
    (tmp_path / "rules").mkdir()
    rules = [*(ROOT / "rules").glob("*.yml")]
    for file in rules:
        shutil.copy(file, tmp_path / "rules")
    said = run("promtool", "check", "config", str(tmp_path / "prometheus.yml"))
    assert f"{len(rules)} rule files found" in said


def test_prometheus_reads_inferwatch_by_the_name_that_rules_rely_on() -> None:
    config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text("utf-8"))
    assert [job["job_name"] for job in config["scrape_configs"]] == ["inferwatch"]


def test_no_secret_stands_in_the_configuration() -> None:
    def keys(value: Any) -> set[str]:
        if isinstance(value, dict):
            return set(value).union(*map(keys, value.values()))
        return set().union(*map(keys, value)) if isinstance(value, list) else set()

    config = yaml.safe_load((DEPLOY / "alertmanager" / "alertmanager.yml").read_text("utf-8"))
    secret = {"slack_api_url", "api_url", "smtp_auth_password", "auth_password", "smtp_auth_secret"}
    assert not keys(config) & secret
    assert {"slack_api_url_file", "smtp_auth_password_file"} <= keys(config)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("inferwatch.slack.title", "text"),
        ("inferwatch.slack.text", "text"),
        ("inferwatch.email.subject", "text"),
        ("inferwatch.email.text", "text"),
        ("inferwatch.email.html", "html"),
    ],
)
def test_amtool_renders_each_template(tmp_path: Path, name: str, kind: str) -> None:
    alert = {
        "status": "firing",
        "labels": LABELS,
        "annotations": ANNOTATIONS,
        "startsAt": "2013-02-08T23:00:00Z",
        "endsAt": "2013-02-09T23:00:00Z",
    }
    data: dict[str, Any] = {"receiver": "pages", "status": "firing", "alerts": [alert]}
    data |= {"commonLabels": LABELS, "groupLabels": {"model": LABELS["model"]}}
    data |= {"commonAnnotations": ANNOTATIONS, "externalURL": "http://alertmanager.example"}
    (tmp_path / "data.json").write_text(json.dumps(data))
    said = run(
        *("amtool", "template", "render", f"--template.glob={TEMPLATES}/*.tmpl"),
        *(f"--template.type={kind}", f"--template.data={tmp_path / 'data.json'}"),
        f'--template.text={{{{ template "{name}" . }}}}',
    )
    assert "dep_delay" in said
    assert "77.6%" in said
