"""A real Kubernetes API server over a real etcd, on loopback, without nodes and controllers."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import httpx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.kafka import free_port
from tests.support.program import Program, eventually
from tests.support.real import absent, require
from tests.support.ways import ROOT

BUILT = ROOT / ".cache" / "kubernetes"
"""What `make kubernetes-api` leaves: the server, and in crds/ the operator's definitions."""

OPTIONS = (
    "--bind-address=127.0.0.1 --endpoint-reconciler-type=none --cert-dir=certificates"
    " --service-cluster-ip-range=10.0.0.0/24 --service-account-issuer=https://127.0.0.1"
    " --service-account-key-file=accounts.pem --service-account-signing-key-file=accounts.pem"
    " --token-auth-file=tokens.csv --authorization-mode=RBAC"
    " --disable-admission-plugins=ServiceAccount"
)


class ApiServer:
    """etcd and the API server while the context lasts.

    Args:
        users: names besides `admin`, and the group of each; "" for none.
    """

    def __init__(self, folder: Path, users: Mapping[str, str]) -> None:
        program = BUILT / "kube-apiserver"
        if not program.exists():
            absent("kube-apiserver (make kubernetes-api)")
        self.folder = folder
        etcd, peer = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
        urls = [f"--listen-client-urls={etcd}", f"--advertise-client-urls={etcd}"]
        urls += [f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}"]
        command = [require("etcd"), *urls, f"--initial-cluster=default={peer}", "--data-dir=etcd"]
        self._etcd = Program("etcd", folder, command, f"{etcd}/health")
        port = free_port()
        self.url, self.ca = f"https://127.0.0.1:{port}", folder / "certificates" / "apiserver.crt"
        own = [f"--etcd-servers={etcd}", f"--secure-port={port}", *OPTIONS.split()]
        self._command = [str(program), *own]
        self._users = {"admin": "system:masters", **users}
        self._server: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        kind, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        pem = key.private_bytes(kind, form, serialization.NoEncryption())
        (self.folder / "accounts.pem").write_bytes(pem)
        lines = [f"token-{user},{user},{user},{group}" for user, group in self._users.items()]
        (self.folder / "tokens.csv").write_text("\n".join(lines) + "\n")
        for user in self._users:
            self.token(user).write_text(f"token-{user}\n")
        self._etcd.start()
        try:
            with (self.folder / "api.log").open("wb") as log:
                self._server = subprocess.Popen(
                    self._command, cwd=self.folder, stdout=log, stderr=log
                )
            eventually(self._is_ready, 120.0)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if self._server is not None:
                self._server.terminate()
                self._server.wait(60)
        finally:
            if self._server is not None:
                self._server.kill()
                self._server.wait()
            self._etcd.kill()

    def token(self, user: str) -> Path:
        """The file with a user's token."""
        return self.folder / f"{user}.token"

    def ask(self, method: str, path: str, body: Any = None, kind: str = "json") -> Any:
        """One call as admin, that is expected to end well."""
        answer = self._call(method, path, body, kind)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def _call(self, method: str, path: str, body: Any = None, kind: str = "json") -> httpx.Response:
        head = {"Authorization": "Bearer token-admin", "Content-Type": f"application/{kind}"}
        trusted = ssl.create_default_context(cafile=str(self.ca))
        with httpx.Client(verify=trusted, timeout=30) as client:
            return client.request(method, self.url + path, json=body, headers=head)

    def _is_ready(self) -> bool:
        assert self._server is not None
        assert self._server.poll() is None, (self.folder / "api.log").read_text()[-3000:]
        try:
            return self._call("GET", "/readyz").status_code == 200
        except (httpx.HTTPError, OSError):
            return False
