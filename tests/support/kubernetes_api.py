"""A Kubernetes API as people use it: by the real kubectl."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tests.support.api_server import ApiServer
from tests.support.real import require


class KubernetesApi(ApiServer):
    """An API server, and kubectl to speak with it as admin."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, {})
        self._kubectl = require("kubectl", optional=True)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The real kubectl's answer. It has no settings but these."""
        server = [f"--server={self.url}", f"--certificate-authority={self.ca}"]
        return subprocess.run(
            [
                self._kubectl,
                *server,
                f"--token={self.token('admin').read_text().strip()}",
                *arguments,
            ],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env={**os.environ, "KUBECONFIG": os.devnull, "HOME": str(self.folder)},
        )

    def kubectl(self, *arguments: str) -> str:
        """What kubectl says; it must have been content."""
        done = self.run(*arguments)
        assert done.returncode == 0, f"{arguments}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
        return done.stdout

    def get(self, kind: str, name: str, namespace: str = "monitoring") -> dict[str, Any]:
        """One object, as the API holds it."""
        said = self.kubectl("get", kind, name, f"--namespace={namespace}", "--output=json")
        found: dict[str, Any] = json.loads(said)
        return found
