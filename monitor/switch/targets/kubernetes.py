"""What targets in Kubernetes share: where its API is, and who else owns an object."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from monitor.switch.canonical import clean
from monitor.switch.http import Client
from monitor.switch.target import Refused, Unreachable, Unsure

IN_CLUSTER = "https://kubernetes.default.svc"
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
JSON_PATCH = "application/json-patch+json"

_KEYS = {
    "argocd.argoproj.io/": "Argo CD",
    "kustomize.toolkit.fluxcd.io/": "Flux",
    "helm.toolkit.fluxcd.io/": "Flux",
    "fluxcd.io/": "Flux",
    "meta.helm.sh/": "Helm",
    "objectset.rio.cattle.io/": "Rancher Fleet",
    "fleet.cattle.io/": "Rancher Fleet",
    "configsync.gke.io/": "Config Sync",
    "configmanagement.gke.io/": "Config Sync",
    "kapp.k14s.io/": "kapp",
}
"""Beginnings of annotations and labels that say who owns an object."""

_MANAGERS = {
    "argocd": "Argo CD",
    "kustomize-controller": "Flux",
    "helm-controller": "Flux",
    "flux": "Flux",
    "helm": "Helm",
    "fleetagent": "Rancher Fleet",
    "configsync": "Config Sync",
    "kapp": "kapp",
    "terraform": "Terraform",
    "hashicorp": "Terraform",
    "pulumi": "Pulumi",
}
"""Beginnings of names in managedFields."""


def cluster(
    server: str = IN_CLUSTER, token_file: Path | None = None, ca_file: Path | None = None
) -> Client:
    """A client of the API server; without files, as the pod's own service account."""
    if server == IN_CLUSTER:
        token_file = token_file or ACCOUNT / "token"
        ca_file = ca_file or ACCOUNT / "ca.crt"
    return Client(server, token_file, ca_file)


def owner(found: dict[str, Any]) -> str | None:
    """Who would undo, or would be undone by, a change of this object by hand; None for nobody."""
    return next(_owners(found["metadata"]), None)


def free(found: dict[str, Any], place: str) -> None:
    """Hold an object to being nobody's.

    Raises:
        Refused: somebody owns it, who is named.
    """
    if (name := owner(found)) is not None:
        what = f"{place} is managed by {clean(name)}, which would undo a change made here"
        raise Refused(f"{what}; make it a webhook target that opens a pull request there")


def patch(
    client: Client, path: str, found: dict[str, Any], at: str, value: Any, dry: bool = False
) -> dict[str, Any]:
    """Replace what is at one place of an object, if it is still the object that was found.

    Raises:
        Refused: it is not, or may not be patched; nothing was written.
        Unreachable: nothing was written.
        Unsure: it may have been.
    """
    meta = found["metadata"]
    operations = [
        {"op": "test", "path": "/metadata/uid", "value": meta["uid"]},
        # Not a test: a stale one is a conflict, whose answer says so.
        {"op": "replace", "path": "/metadata/resourceVersion", "value": meta["resourceVersion"]},
        {"op": "replace", "path": at, "value": value},
    ]
    where = f"{path}?fieldManager=inferwatch" + ("&dryRun=All" if dry else "")
    try:
        answer = client.write("PATCH", where, json.dumps(operations).encode(), JSON_PATCH)
    except Unsure as error:
        if dry:
            raise Unreachable(f"the dry run has no answer: {error}") from None
        raise
    try:
        return dict(client.parsed(answer, path))
    except Unreachable as error:
        if dry:
            raise
        raise Unsure(f"it was taken, and its answer is not understood: {error}") from None


def _owners(metadata: dict[str, Any]) -> Iterator[str]:
    marks = [*(metadata.get("annotations") or {}), *(metadata.get("labels") or {})]
    for mark in marks:
        for beginning, name in _KEYS.items():
            if mark.startswith(beginning) or f".{beginning}" in mark:
                yield f"{name} ({mark})"
    labels = metadata.get("labels") or {}
    if by := labels.get("app.kubernetes.io/managed-by") or labels.get("heritage"):
        yield by
    for one in metadata.get("managedFields") or ():
        manager = str(one.get("manager", ""))
        for beginning, name in _MANAGERS.items():
            if manager.lower().startswith(beginning):
                yield f"{name} (managedFields: {manager})"
    for reference in metadata.get("ownerReferences") or ():
        if reference.get("controller"):
            yield f"{reference['kind']} {reference['name']}"
