"""A real Prometheus on loopback, as fast as a test wants it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx

from tests.support.kafka import free_port
from tests.support.program import Program
from tests.support.real import require


class Prometheus(Program):
    """Prometheus with a config in `prometheus.yml` of its folder."""

    def __init__(self, folder: Path, config: str, *flags: str) -> None:
        self.address = f"127.0.0.1:{free_port()}"
        self.url = f"http://{self.address}"
        file = folder / "prometheus.yml"
        file.write_text(config)
        command = [require("prometheus"), f"--config.file={file}"]
        command += [f"--storage.tsdb.path={folder / 'prometheus'}", "--log.level=warn"]
        command += [f"--web.listen-address={self.address}", *flags]
        super().__init__("prometheus", folder, command, f"{self.url}/-/ready")

    def query(self, expression: str) -> list[dict[str, Any]]:
        """What an instant query gives: each with `metric` and `value`."""
        answer = self._get("query", {"query": expression})
        return list(answer["result"])

    def alerts(self) -> list[dict[str, Any]]:
        """Alerts that are pending or firing."""
        return list(self._get("alerts", {})["alerts"])

    def _get(self, what: str, parameters: dict[str, str]) -> dict[str, Any]:
        answer = httpx.get(f"{self.url}/api/v1/{what}", params=parameters, timeout=30)
        assert answer.status_code == 200, answer.text
        return dict(answer.json()["data"])
