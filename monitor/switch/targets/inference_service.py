"""A KServe InferenceService: its predictor's storage URI, to another that the config declares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

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
    make_plan,
    side,
    unchanged,
)
from monitor.switch.targets.kubernetes import free, patch

AT = "/spec/predictor/model/storageUri"


class InferenceService:
    """One InferenceService of `serving.kserve.io/v1beta1`. `versions` maps what a record calls a
    version to a storage URI: no other URI is ever written."""

    def __init__(
        self, name: str, client: Client, namespace: str, service: str, versions: Mapping[str, str]
    ) -> None:
        self._name, self._client, self._versions = name, client, dict(versions)
        self._namespace, self._service = namespace, service
        root = f"/apis/serving.kserve.io/v1beta1/namespaces/{quote(namespace, safe='')}"
        self._path = f"{root}/inferenceservices/{quote(service, safe='')}"

    def describe(self) -> str:
        """Its namespace, name and cluster."""
        return f"InferenceService {self._namespace}/{self._service} at {self._client.server}"

    def read(self) -> Reading:
        """Its storage URI, and those of the config."""
        found = self._mine()
        held = [Held(name, name, _state(uri)) for name, uri in self._versions.items()]
        return Reading(_state(self._uri(found)), tuple(held))

    def plan(self, version: str) -> Plan:
        """What going to a version would write."""
        return make_plan(
            self._name, self.describe(), self.read(), version, "by the map in the config"
        )

    def apply(self, plan: Plan, key: str) -> None:
        """Read again, and patch at the resourceVersion that was read."""
        found = self._mine()
        unchanged(plan, _state(self._uri(found)))
        uri = self._versions[plan.key]
        made = patch(self._client, self._path, found, AT, uri)
        if _state(self._uri(made)).digest != plan.after.digest:
            raise Unsure("it was written, and became something else")

    def verify(self, plan: Plan) -> Look:
        """Its storage URI, and whether KServe says that the model of it is loaded."""
        found = self._client.read(self._path)
        try:
            now = _state(self._uri(found))
        except Refused as error:
            return Look(Where.OTHER, Rollout.FAILED, str(error))
        where = side(plan, now)
        if where is not Where.AFTER:
            return Look(where, Rollout.FAILED, f"it is at {now.shown}")
        return Look(where, *_rollout(found))

    def _mine(self) -> dict[str, Any]:
        found: dict[str, Any] = self._client.read(self._path)
        free(found, self.describe())
        return found

    def _uri(self, found: dict[str, Any]) -> str:
        model = (found["spec"].get("predictor") or {}).get("model") or {}
        uri = model.get("storageUri")
        if not isinstance(uri, str):
            what = f"{self.describe()} has no spec.predictor.model.storageUri"
            raise Refused(f"{what}; only services that have one can be switched")
        return uri


def _state(uri: str) -> State:
    """A URI; for people without a login or a query, which may be secrets."""
    parts = urlsplit(uri)
    shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    return State(digest(uri), clean(shown, 200))


def _rollout(found: dict[str, Any]) -> tuple[Rollout, str]:
    status = found.get("status") or {}
    seen, wanted = status.get("observedGeneration"), found["metadata"].get("generation")
    if seen is None or wanted is None or seen < wanted:
        return Rollout.WAITING, "KServe has not seen it yet"
    model = status.get("modelStatus") or {}
    state = model.get("transitionStatus", "")
    if state in {"BlockedByFailedLoad", "InvalidSpec"}:
        info = model.get("lastFailureInfo") or {}
        return Rollout.FAILED, clean(f"{state}: {info.get('message', 'see its status')}", 300)
    ready = any(
        one.get("type") == "Ready" and one.get("status") == "True"
        for one in status.get("conditions") or ()
    )
    done = ready and state in {"UpToDate", ""}
    return (Rollout.DONE if done else Rollout.WAITING), f"ready: {ready}, {state or 'no status'}"
