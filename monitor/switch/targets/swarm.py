"""A service of Docker Swarm, over the engine's socket: to what an earlier spec of it ran.

Written is the spec of now with the earlier one's tasks and labels: replicas, ports and how it
updates stay as they are. It is absolute, and carries the version index that was read: whoever
writes in between makes it fail. Swarm keeps one earlier spec; `versions` can name images for more.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
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
    Where,
    make_plan,
    side,
    unchanged,
)

SOCKET = "unix:///var/run/docker.sock"

_FAILED = frozenset({"paused", "rollback_started", "rollback_paused", "rollback_completed"})


class SwarmService:
    """One service. What a record calls a version is what the label `label` of the service or of
    its containers says; or what `versions` maps to an image."""

    def __init__(
        self,
        name: str,
        client: Client,
        service: str,
        label: str | None = None,
        versions: Mapping[str, str] | None = None,
    ) -> None:
        self._name, self._client, self._service = name, client, service
        self._label, self._versions = label, versions
        self._path = f"/services/{quote(service, safe='')}"

    def describe(self) -> str:
        """Its name and the engine's socket."""
        return f"Swarm service {self._service} at {self._client.server}"

    def read(self) -> Reading:
        """What it runs, its earlier spec, and the images of the config."""
        return self._reading(self._client.read(self._path))

    def plan(self, version: str) -> Plan:
        """What going to a version would write."""
        how = f"by the label {self._label}" if self._versions is None else "by the config's map"
        return make_plan(self._name, self.describe(), self.read(), version, how)

    def apply(self, plan: Plan, key: str) -> None:
        """Read again, and write at the version index that was read."""
        found = self._client.read(self._path)
        unchanged(plan, _state(found["Spec"]))
        spec = self._specs(found).get(plan.key)
        if spec is None or _state(spec).digest != plan.after.digest:
            raise Refused(f"{plan.key} changed since the plan; nothing was written, propose again")
        where = f"/services/{quote(found['ID'], safe='')}/update"
        index = int(found["Version"]["Index"])
        self._client.write("POST", f"{where}?version={index}", json.dumps(spec).encode())

    def verify(self, plan: Plan) -> Look:
        """What it runs, and how far Swarm is with it."""
        found = self._client.read(self._path)
        where = side(plan, _state(found["Spec"]))
        status = found.get("UpdateStatus") or {}
        state = clean(str(status.get("State") or "not begun"), 40)
        says = clean(f"update {state}: {status.get('Message', '')}", 300)
        if where is not Where.AFTER or state in _FAILED:
            return Look(where, Rollout.FAILED, says)
        return Look(where, Rollout.DONE if state == "completed" else Rollout.WAITING, says)

    def _reading(self, found: dict[str, Any]) -> Reading:
        held = []
        for key, spec in self._specs(found).items():
            version = key if self._versions is not None else self._version(spec)
            if version:
                held.append(Held(version, key, _state(spec)))
        return Reading(_state(found["Spec"]), tuple(held))

    def _specs(self, found: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """Whole specs that could be written, each by its key."""
        now = found["Spec"]
        if self._versions is not None:
            return {name: _with_image(now, image) for name, image in self._versions.items()}
        specs = {"the spec of now": now}
        earlier = found.get("PreviousSpec")
        if earlier and _state(earlier).digest != _state(now).digest:
            tasks = {"TaskTemplate": earlier["TaskTemplate"], "Labels": earlier.get("Labels")}
            specs["the earlier spec"] = {**now, **tasks}
        return specs

    def _version(self, spec: dict[str, Any]) -> str | None:
        container = spec["TaskTemplate"].get("ContainerSpec") or {}
        label = self._label or ""
        for labels in (spec.get("Labels"), container.get("Labels")):
            if labels and (version := labels.get(label)):
                return str(version)
        return None


def _with_image(spec: dict[str, Any], image: str) -> dict[str, Any]:
    tasks = spec["TaskTemplate"]
    container = {**tasks["ContainerSpec"], "Image": image}
    return {**spec, "TaskTemplate": {**tasks, "ContainerSpec": container}}


def _state(spec: dict[str, Any]) -> State:
    """What the tasks are and how they are labelled; not how many there are."""
    whole = digest([spec["TaskTemplate"], spec.get("Labels") or {}])
    image = (spec["TaskTemplate"].get("ContainerSpec") or {}).get("Image", "no image")
    return State(whole, f"spec {whole[:8]} ({clean(str(image), 160)})")
