"""A real Kubernetes API server over a real etcd, on loopback; nodes there are none."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.engine import wait_for
from tests.support.kafka import free_port
from tests.support.program import Program
from tests.support.real import absent, require
from tests.support.ways import ROOT

BUILT = ROOT / ".cache" / "kubernetes"
"""What `make kubernetes-api` leaves: the server, and in crds/ the operator's definitions."""

TOKEN = "only-for-this-test"


class KubernetesApi:
    """etcd and kube-apiserver while the context lasts, and the real kubectl to speak with it."""

    def __init__(self, folder: Path) -> None:
        program = BUILT / "kube-apiserver"
        if not program.exists():
            absent("kube-apiserver (make kubernetes-api)")
        self._folder = folder
        self._kubectl = require("kubectl", optional=True)
        etcd = f"http://127.0.0.1:{free_port()}"
        peer = f"http://127.0.0.1:{free_port()}"
        self._port = free_port()
        self._etcd = Program(
            "etcd",
            folder,
            [
                require("etcd"),
                f"--listen-client-urls={etcd}",
                f"--advertise-client-urls={etcd}",
                f"--listen-peer-urls={peer}",
                f"--initial-advertise-peer-urls={peer}",
                f"--initial-cluster=default={peer}",
                "--data-dir=etcd",
            ],
            f"{etcd}/health",
        )
        self._command = [
            str(program),
            f"--etcd-servers={etcd}",
            "--bind-address=127.0.0.1",
            f"--secure-port={self._port}",
            "--endpoint-reconciler-type=none",
            "--cert-dir=certificates",
            "--service-cluster-ip-range=10.0.0.0/24",
            "--service-account-issuer=https://127.0.0.1",
            "--service-account-key-file=accounts.pem",
            "--service-account-signing-key-file=accounts.pem",
            "--token-auth-file=tokens.csv",
            "--authorization-mode=RBAC",
            "--disable-admission-plugins=ServiceAccount",
        ]
        self._server: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> KubernetesApi:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        (self._folder / "accounts.pem").write_bytes(pem)
        (self._folder / "tokens.csv").write_text(f"{TOKEN},admin,1,system:masters\n")
        self._etcd.start()
        with (self._folder / "apiserver.log").open("wb") as log:
            self._server = subprocess.Popen(self._command, cwd=self._folder, stdout=log, stderr=log)
        try:
            wait_for(lambda: self.run("get", "--raw=/readyz").returncode == 0, self._said)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.terminate()
        try:
            self._server.wait(60)
        finally:
            self._server.kill()
            self._server.wait()
            self._etcd.kill()

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The real kubectl's answer. It has no settings but these."""
        server = [f"--server=https://127.0.0.1:{self._port}", "--insecure-skip-tls-verify=true"]
        return subprocess.run(
            [self._kubectl, *server, f"--token={TOKEN}", *arguments],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env={**os.environ, "KUBECONFIG": os.devnull, "HOME": str(self._folder)},
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

    def _said(self) -> str:
        return (self._folder / "apiserver.log").read_text()[-3000:]
