"""A real Kubernetes API server over a real etcd, on loopback. No controller is there: tests
make the ReplicaSets, and write statuses."""

from __future__ import annotations

import copy
import ssl
import subprocess
from pathlib import Path
from typing import Any, Self

import httpx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.kafka import free_port
from tests.support.program import Program, eventually
from tests.support.real import absent, require

SERVER = Path(__file__).parents[2] / ".cache" / "kubernetes" / "kube-apiserver"
APPS = "/apis/apps/v1/namespaces/models"
LABEL = "app.kubernetes.io/version"
NOT_ADMINS = ("switch", "without-get", "without-list", "without-patch")
USERS = {"admin": "system:masters"} | dict.fromkeys(NOT_ADMINS, "")
OPTIONS = (
    "--bind-address=127.0.0.1 --endpoint-reconciler-type=none --cert-dir=certificates"
    " --service-cluster-ip-range=10.0.0.0/24 --service-account-issuer=https://127.0.0.1"
    " --service-account-key-file=accounts.pem --service-account-signing-key-file=accounts.pem"
    " --token-auth-file=tokens.csv --authorization-mode=RBAC"
    " --disable-admission-plugins=ServiceAccount"
)


class KubeApi:
    """etcd and the API server, with a namespace `models` and the `USERS`, a token file each."""

    def __init__(self, folder: Path) -> None:
        if not SERVER.exists():
            absent(f"{SERVER}")
        etcd, peer = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
        urls = [f"--listen-client-urls={etcd}", f"--advertise-client-urls={etcd}"]
        urls += [f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}"]
        command = [require("etcd"), *urls, f"--initial-cluster=default={peer}", "--data-dir=etcd"]
        self._etcd = Program("etcd", folder, command, f"{etcd}/health")
        port = free_port()
        self.url, self._folder = f"https://127.0.0.1:{port}", folder
        self.ca = folder / "certificates" / "apiserver.crt"
        own = [f"--etcd-servers={etcd}", f"--secure-port={port}", *OPTIONS.split()]
        self._command = [str(SERVER), *own]
        self._server: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        kind, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        pem = key.private_bytes(kind, form, serialization.NoEncryption())
        (self._folder / "accounts.pem").write_bytes(pem)
        lines = [f"token-{user},{user},{user},{group}" for user, group in USERS.items()]
        (self._folder / "tokens.csv").write_text("\n".join(lines) + "\n")
        for user in USERS:
            self.token(user).write_text(f"token-{user}\n")
        self._etcd.start()
        with (self._folder / "api.log").open("wb") as log:
            self._server = subprocess.Popen(self._command, cwd=self._folder, stdout=log, stderr=log)
        try:
            eventually(self._is_ready, 120.0)
            self.ask("POST", "/api/v1/namespaces", {"metadata": {"name": "models"}})
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.terminate()
        self._server.wait(60)
        self._etcd.kill()

    def token(self, user: str) -> Path:
        """The file with a user's token."""
        return self._folder / f"{user}.token"

    def ask(self, method: str, path: str, body: Any = None, kind: str = "json") -> Any:
        """One call as admin, that is expected to end well."""
        head = {"Authorization": "Bearer token-admin", "Content-Type": f"application/{kind}"}
        trusted = ssl.create_default_context(cafile=str(self.ca))
        with httpx.Client(verify=trusted, timeout=30) as client:
            answer = client.request(method, self.url + path, json=body, headers=head)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def create(self, name: str, versions: str = "123") -> None:
        """A Deployment at the last of these versions, and a ReplicaSet of its own for each."""
        spec = {"replicas": 2, "selector": {"matchLabels": {"app": name}}}
        body = {"metadata": {"name": name}, "spec": spec | {"template": _pods(name, versions[0])}}
        made = self.ask("POST", f"{APPS}/deployments", body)
        for version in versions:
            self.own(made, f"{name}-{version}", _pods(name, version))
            self.merge(name, {"spec": {"template": _pods(name, version)}})

    def own(self, deployment: dict[str, Any], name: str, template: dict[str, Any]) -> None:
        """A ReplicaSet as the Deployment's controller makes it."""
        template = copy.deepcopy(template)
        template["metadata"]["labels"]["pod-template-hash"] = name[-8:]
        meta = deployment["metadata"]
        owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": meta["name"]}
        owner |= {"uid": meta["uid"], "controller": True, "blockOwnerDeletion": True}
        labels = template["metadata"]["labels"]
        body = {
            "metadata": {"name": name, "labels": labels, "ownerReferences": [owner]},
            "spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": template},
        }
        self.ask("POST", f"{APPS}/replicasets", body)

    def deployment(self, name: str) -> dict[str, Any]:
        """The Deployment, as the API server has it."""
        found: dict[str, Any] = self.ask("GET", f"{APPS}/deployments/{name}")
        return found

    def version(self, name: str) -> str:
        """What its template says."""
        return str(self.deployment(name)["spec"]["template"]["metadata"]["labels"][LABEL])

    def merge(self, name: str, body: dict[str, Any], part: str = "") -> None:
        """Somebody changes it, or its controller its status."""
        self.ask("PATCH", f"{APPS}/deployments/{name}{part}", body, "merge-patch+json")

    def roll_out(self, name: str) -> None:
        """Its status is that of a rollout that is complete."""
        count = {"replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2}
        seen = {"observedGeneration": self.deployment(name)["metadata"]["generation"]}
        self.merge(name, {"status": count | seen}, "/status")

    def _is_ready(self) -> bool:
        assert self._server is not None
        assert self._server.poll() is None, (self._folder / "api.log").read_text()[-3000:]
        try:
            return bool(self.ask("GET", "/api"))
        except (httpx.HTTPError, OSError, AssertionError):
            return False


def _pods(name: str, version: str) -> dict[str, Any]:
    """A pod template; each version has something that the others lack."""
    container = {"name": "scorer", "image": f"registry.example/scorer:{version}"}
    container |= {"env": [{"name": f"ONLY_{version}", "value": version}]}  # type: ignore[dict-item]
    labels = {"app": name, LABEL: version}
    return {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
