"""A real MLflow server with a model of three versions, and a proxy before it that counts writes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from tests.support.kafka import free_port
from tests.support.program import Program
from tests.support.real import absent
from tests.support.stand_in import Asked, Said

PROGRAM = Path(__file__).parents[2] / ".venv-mlflow" / "bin" / "mlflow"
"""Where `make test-all` puts it: beside the project's own environment, for its size."""

API = "/api/2.0/mlflow"


class Mlflow(Program):
    """A server with a database of its own."""

    patience = 120.0

    def __init__(self, folder: Path) -> None:
        if not PROGRAM.exists():
            absent(f"{PROGRAM}, which make test-all makes,")
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        command = ["env", "MLFLOW_DISABLE_TELEMETRY=true"]
        command += ["MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false", str(PROGRAM), "server"]
        command += ["--backend-store-uri", "sqlite:///mlflow.db"]
        command += ["--artifacts-destination", "artifacts", "--serve-artifacts", "--workers", "1"]
        command += ["--host", "127.0.0.1", "--port", str(port)]
        super().__init__("mlflow", folder, command, f"{self.url}/health")

    def start(self) -> None:
        """Start it; what it started itself is ended too where it does not get ready."""
        try:
            super().start()
        except BaseException:
            self.stop()
            raise

    def ask(self, method: str, path: str, body: dict[str, Any]) -> Any:
        """One call of its API, that is expected to end well."""
        at = f"{self.url}{API}/{path}"
        more: dict[str, Any] = {"params" if method == "GET" else "json": body}
        answer = httpx.request(method, at, timeout=30, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def register(self, model: str, versions: int = 3) -> None:
        """A model with so many versions, the last of them `champion`."""
        run = self.ask("POST", "runs/create", {"experiment_id": "0"})["run"]["info"]
        self.ask("POST", "registered-models/create", {"name": model})
        for number in range(1, versions + 1):
            tags = [{"key": "release", "value": f"2024.{number}"}]
            source = f"{run['artifact_uri']}/model"
            body = {"name": model, "source": source, "run_id": run["run_id"], "tags": tags}
            self.ask("POST", "model-versions/create", body)
        self.move(model, str(versions))

    def move(self, model: str, version: str) -> None:
        """Somebody else sets the alias."""
        body = {"name": model, "alias": "champion", "version": version}
        self.ask("POST", "registered-models/alias", body)

    def at(self, model: str) -> str:
        """The alias' version."""
        found = self.ask("GET", "registered-models/alias", {"name": model, "alias": "champion"})
        return str(found["model_version"]["version"])


class Proxy:
    """Hands requests on to the real server, as a stand-in's answer; `before` and `after` are called
    around a write."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.before: Callable[[], None] = lambda: None
        self.after: Callable[[], None] = lambda: None

    def __call__(self, asked: Asked) -> Said:
        writes = asked.method != "GET"
        if writes:
            self.before()
        kind = {"Content-Type": "application/json"}
        at = self._url + asked.path
        answer = httpx.request(asked.method, at, content=asked.body, headers=kind, timeout=30)
        if writes:
            self.after()
        return Said(answer.status_code, answer.json())
