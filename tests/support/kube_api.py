"""A Kubernetes API with Deployments of versions. Tests make the ReplicaSets, and write statuses."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any, Self

from tests.support.api_server import ApiServer

APPS = "/apis/apps/v1/namespaces/models"
LABEL = "app.kubernetes.io/version"
NOT_ADMINS = ("switch", "without-get", "without-list", "without-patch")


class KubeApi(ApiServer):
    """An API server with a namespace `models`, and users that may nothing until they are let."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, dict.fromkeys(NOT_ADMINS, ""))

    def __enter__(self) -> Self:
        super().__enter__()
        try:
            self.ask("POST", "/api/v1/namespaces", {"metadata": {"name": "models"}})
        except BaseException:
            self.__exit__()
            raise
        return self

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


def _pods(name: str, version: str) -> dict[str, Any]:
    """A pod template; each version has something that the others lack."""
    container = {"name": "scorer", "image": f"registry.example/scorer:{version}"}
    container |= {"env": [{"name": f"ONLY_{version}", "value": version}]}  # type: ignore[dict-item]
    labels = {"app": name, LABEL: version}
    return {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
