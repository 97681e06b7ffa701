"""The alias of a registered model in an MLflow registry: from one version's number to another's.

MLflow has no compare-and-set. The alias is read, written and read again; between the first reading
and the write somebody else may write, and that is overwritten.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from monitor.switch.canonical import clean, digest
from monitor.switch.http import Broken, Client
from monitor.switch.target import (
    Held,
    Look,
    Plan,
    Reading,
    Refused,
    Rollout,
    State,
    Unreachable,
    Unsure,
    Where,
    make_plan,
    side,
    unchanged,
)

API = "/api/2.0/mlflow"
PAGE = 200
MOST = 10_000
"""Versions of one model that are listed."""

_NONE = frozenset({"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"})
"""How MLflow says that an alias is not set."""


class MlflowAlias:
    """One alias. What a record calls a version is the number in the registry; or what the tag
    `tag` of a registered version says; or what `versions` maps to a number."""

    def __init__(
        self,
        name: str,
        client: Client,
        model: str,
        alias: str,
        tag: str | None = None,
        versions: Mapping[str, str] | None = None,
    ) -> None:
        self._name, self._client = name, client
        self._model, self._alias = model, alias
        self._tag, self._versions = tag, versions

    def describe(self) -> str:
        """Its model, alias and server."""
        return f"mlflow alias {self._alias} of {self._model} at {self._client.server}"

    def read(self) -> Reading:
        """The alias' version, and every version of the model that is ready."""
        return Reading(self._now(), tuple(self._held()))

    def plan(self, version: str) -> Plan:
        """What going to a version would write."""
        how = "by its number" if self._tag is None else f"by its tag {self._tag}"
        how = how if self._versions is None else "by the map in the config"
        return make_plan(self._name, self.describe(), self.read(), version, how)

    def apply(self, plan: Plan, key: str) -> None:
        """Read the alias, write it, and read it again."""
        unchanged(plan, self._now())
        body = {"name": self._model, "alias": self._alias, "version": plan.key}
        self._client.write("POST", f"{API}/registered-models/alias", json.dumps(body).encode())
        try:
            now = self._now()
        except (Unreachable, Refused) as error:
            raise Unsure(f"it was written, and not read again: {error}") from None
        if now.digest != plan.after.digest:
            raise Unsure(f"it was written, and is {now.shown}: somebody else wrote too")

    def verify(self, plan: Plan) -> Look:
        """Where the alias is: what reads the alias decides when it takes."""
        try:
            now = self._now()
        except Refused as error:
            return Look(Where.OTHER, Rollout.FAILED, str(error))
        where = side(plan, now)
        rollout = Rollout.DONE if where is Where.AFTER else Rollout.FAILED
        return Look(where, rollout, f"the alias is at {now.shown}")

    def _now(self) -> State:
        query = {"name": self._model, "alias": self._alias}
        path = f"{API}/registered-models/alias"
        try:
            answer = self._client.ask("GET", path, query)
        except Broken as error:
            raise Unreachable(str(error)) from None
        if answer.status in {400, 404} and _code(answer.content) in _NONE:
            what = f"{self._model} has no alias {self._alias} ({answer.words()})"
            raise Refused(f"{self._client.server}: {what}; set it once, to what is served now")
        if answer.status != 200:
            raise Unreachable(f"{self._client.server}: GET {path}: {answer.words()}")
        return self._state(self._client.parsed(answer, path)["model_version"])

    def _held(self) -> Iterator[Held]:
        named: dict[str, list[str]] = {}
        for version, number in (self._versions or {}).items():
            named.setdefault(number, []).append(version)
        for one in self._registered():
            number, tags = str(one["version"]), {t["key"]: t["value"] for t in one.get("tags", ())}
            if one.get("status", "READY") != "READY":
                continue
            names = [number] if self._tag is None else [tags[self._tag]] * (self._tag in tags)
            for version in names if self._versions is None else named.get(number, []):
                yield Held(version, number, self._state(one))

    def _registered(self) -> Iterator[dict[str, Any]]:
        query = {"filter": f"name='{self._model}'", "max_results": str(PAGE)}
        for _ in range(MOST // PAGE):
            found = self._client.read(f"{API}/model-versions/search", query)
            yield from found.get("model_versions", ())
            token = found.get("next_page_token")
            if not token:
                return
            query["page_token"] = token
        raise Refused(f"{self._model} has more than {MOST:,} versions; delete old ones")

    def _state(self, one: dict[str, Any]) -> State:
        number = str(one["version"])
        same = [self._client.server, self._model, number, one.get("source"), one.get("run_id")]
        return State(digest(same), f"version {clean(number)}")


def _code(content: bytes) -> str:
    try:
        return str(json.loads(content).get("error_code"))
    except (ValueError, AttributeError, RecursionError):
        return ""
