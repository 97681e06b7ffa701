"""A Deployment in Kubernetes: to the whole pod template of one of its own ReplicaSets.

The write is a JSON patch that carries the object's uid and resourceVersion: whoever writes in
between makes it fail. What it would make, defaults and admission included, is asked of the API
server by a dry run, so that after the write the template can be compared to the letter.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import quote

from monitor.switch.canonical import clean, digest
from monitor.switch.http import Client
from monitor.switch.target import (
    Held,
    Look,
    Plan,
    Reading,
    Refused,
    Rollout,
    State,
    Unsure,
    Where,
    find,
    make_plan,
    side,
    unchanged,
)
from monitor.switch.targets.kubernetes import free, patch

HASH = "pod-template-hash"
"""The label that a Deployment's controller adds to the templates of its ReplicaSets."""

LABEL = "app.kubernetes.io/version"


class Deployment:
    """One Deployment. What a record calls a version is what the label `label` of the pod template
    says, or its annotation of that name."""

    def __init__(
        self, name: str, client: Client, namespace: str, deployment: str, label: str = LABEL
    ) -> None:
        self._name, self._client, self._label = name, client, label
        self._namespace, self._deployment = namespace, deployment
        self._root = f"/apis/apps/v1/namespaces/{quote(namespace, safe='')}"
        self._path = f"{self._root}/deployments/{quote(deployment, safe='')}"

    def describe(self) -> str:
        """Its namespace, name and cluster."""
        return f"Deployment {self._namespace}/{self._deployment} at {self._client.server}"

    def read(self) -> Reading:
        """The template that it has, and those of its ReplicaSets."""
        found = self._mine()
        held = [Held(version, key, _state(one)) for version, key, one in self._templates(found)]
        return Reading(_state(found["spec"]["template"]), tuple(held))

    def plan(self, version: str) -> Plan:
        """What going to a version would write, as the API server itself would make it."""
        found = self._mine()
        templates = self._templates(found)
        held = [Held(version, key, _state(one)) for version, key, one in templates]
        how = f"by the label {self._label} of its ReplicaSets' templates"
        reading = Reading(_state(found["spec"]["template"]), tuple(held))
        wanted = find(reading.held, version, how)
        plan = make_plan(self._name, self.describe(), reading, version, how)
        template = next(one for _, key, one in templates if key == wanted.key)
        after = self._patch(found, template, dry=True)
        if after.digest == plan.before.digest:
            raise Refused(f"{plan.place} would not change; there is nothing to do")
        return replace(plan, after=after)

    def apply(self, plan: Plan, key: str) -> None:
        """Read again, and patch at the resourceVersion that was read."""
        found = self._mine()
        unchanged(plan, _state(found["spec"]["template"]))
        templates = {name: one for _, name, one in self._templates(found)}
        template = templates.get(plan.key)
        if template is None:
            raise Refused(f"ReplicaSet {plan.key} is gone; nothing was written, propose again")
        if self._patch(found, template, dry=True).digest != plan.after.digest:
            raise Refused(f"ReplicaSet {plan.key} changed since the plan; nothing was written")
        if self._patch(found, template, dry=False).digest != plan.after.digest:
            raise Unsure("it was written, and became something else than the dry run said")

    def verify(self, plan: Plan) -> Look:
        """Which template it has, and how far its controller is with it."""
        found = self._client.read(self._path)
        where = side(plan, _state(found["spec"]["template"]))
        rollout, says = _rollout(found, plan.key)
        if where is not Where.AFTER:
            says = f"its template is {_state(found['spec']['template']).shown}"
            return Look(where, Rollout.FAILED, says)
        return Look(where, rollout, says)

    def _mine(self) -> dict[str, Any]:
        """The Deployment, where it may be switched from here."""
        found: dict[str, Any] = self._client.read(self._path)
        free(found, self.describe())
        if found["spec"].get("paused"):
            raise Refused(f"{self.describe()} is paused, and would roll out nothing; resume it")
        return found

    def _templates(self, found: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
        """Version, name and template of each ReplicaSet that is its own and declares a version."""
        labels = found["spec"]["selector"].get("matchLabels") or {}
        selector = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
        query = {"labelSelector": selector} if selector else None
        sets = self._client.read(f"{self._root}/replicasets", query)
        templates = []
        for one in sets["items"]:
            owners = one["metadata"].get("ownerReferences") or ()
            uid = found["metadata"]["uid"]
            if not any(owner.get("uid") == uid and owner.get("controller") for owner in owners):
                continue
            template = _bare(one["spec"]["template"])
            meta = template.get("metadata") or {}
            version = (meta.get("labels") or {}).get(self._label)
            version = version or (meta.get("annotations") or {}).get(self._label)
            if version:
                templates.append((version, one["metadata"]["name"], template))
        return templates

    def _patch(self, found: dict[str, Any], template: dict[str, Any], dry: bool) -> State:
        made = patch(self._client, self._path, found, "/spec/template", template, dry)
        return _state(made["spec"]["template"])


def _bare(template: dict[str, Any]) -> dict[str, Any]:
    """A template without what the controller added to it."""
    meta = dict(template.get("metadata") or {})
    labels = {key: value for key, value in (meta.get("labels") or {}).items() if key != HASH}
    return {**template, "metadata": {**meta, "labels": labels}}


def _state(template: dict[str, Any]) -> State:
    """A template by the hash of all of it, and for people by its images."""
    images = [
        f"{clean(one['name'], 40)}={clean(one['image'], 160)}"
        for one in template["spec"]["containers"]
    ]
    whole = digest(_bare(template))
    return State(whole, f"template {whole[:8]} ({', '.join(images[:5])})")


def _rollout(found: dict[str, Any], key: str) -> tuple[Rollout, str]:
    """As `kubectl rollout status` tells it, of the rollout of this ReplicaSet."""
    status, wanted = found.get("status") or {}, found["spec"].get("replicas", 1)
    if status.get("observedGeneration", 0) < found["metadata"]["generation"]:
        return Rollout.WAITING, "its controller has not seen it yet"
    for one in status.get("conditions") or ():
        late = one["type"] == "Progressing" and one.get("reason") == "ProgressDeadlineExceeded"
        # The controller leaves what it said of the rollout before until this one moves.
        if late and f'"{key}"' in (message := str(one.get("message"))):
            return Rollout.FAILED, clean(message)
    updated, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    says = f"{updated} of {wanted} replicas updated, {available} available"
    done = updated >= wanted and status.get("replicas", 0) <= updated and available >= updated
    return (Rollout.DONE if done else Rollout.WAITING), says
