"""A real Alertmanager on loopback, with the configuration that is shipped, and short waits."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.support.daemon import samples
from tests.support.kafka import free_port
from tests.support.program import Program
from tests.support.real import require
from tests.support.smtp import PASSWORD, USER, Smtp

SHIPPED = Path(__file__).parents[2] / "deploy" / "alertmanager"
EXTERNAL = "http://alertmanager.example:9093"

WAITS = {"group_wait": "100ms", "group_interval": "300ms", "repeat_interval": "1h"}
"""How long a test waits where people wait minutes."""


class Alertmanager(Program):
    """Alertmanager with a config in `alertmanager.yml` of its folder."""

    def __init__(self, folder: Path, config: Mapping[str, Any]) -> None:
        self.address = f"127.0.0.1:{free_port()}"
        self.url = f"http://{self.address}"
        (folder / "alertmanager.yml").write_text(yaml.safe_dump(dict(config)))
        command = [require("prometheus-alertmanager"), "--config.file=alertmanager.yml"]
        command += ["--storage.path=alertmanager", "--cluster.listen-address="]
        command += [f"--web.listen-address={self.address}", f"--web.external-url={EXTERNAL}"]
        command += ["--web.route-prefix=/", "--log.level=debug"]
        super().__init__("alertmanager", folder, command, f"{self.url}/-/ready")

    def post(self, *alerts: Mapping[str, Any]) -> None:
        """Hand over alerts, as Prometheus does."""
        answer = httpx.post(f"{self.url}/api/v2/alerts", json=list(alerts), timeout=30)
        assert answer.status_code == 200, answer.text

    def firing(self) -> list[dict[str, Any]]:
        """Alerts that it holds, those that are silenced or inhibited too."""
        return list(httpx.get(f"{self.url}/api/v2/alerts", timeout=30).json())

    def metrics(self) -> dict[str, float]:
        """Its own metrics, by name and labels."""
        return samples(httpx.get(f"{self.url}/metrics", timeout=30).text)


def shipped(
    folder: Path, slack_url: str, smtp: Smtp, waits: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The shipped configuration with these addresses, and secrets in files of this folder."""
    config: dict[str, Any] = yaml.safe_load((SHIPPED / "alertmanager.yml").read_text("utf-8"))
    (folder / "slack_url").write_text(slack_url + "\n")
    (folder / "smtp_password").write_text(PASSWORD)
    config["global"] |= {
        "slack_api_url_file": str(folder / "slack_url"),
        "smtp_auth_password_file": str(folder / "smtp_password"),
        "smtp_auth_username": USER,
        "smtp_smarthost": smtp.address,
    }
    for receiver in config["receivers"]:
        receiver["email_configs"] = [
            mail | {"tls_config": {"ca_file": str(smtp.ca)}} for mail in receiver["email_configs"]
        ]
    config["templates"] = [str(SHIPPED / "templates" / "*.tmpl")]
    hurry(config["route"], WAITS if waits is None else waits)
    return copy.deepcopy(config)  # without anchors


def hurry(route: dict[str, Any], waits: Mapping[str, str]) -> None:
    """Shorten the waits of a route and of those below it."""
    route |= waits
    for inner in route.get("routes", ()):
        hurry(inner, waits)
