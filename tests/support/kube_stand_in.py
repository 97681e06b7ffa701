"""What of the Kubernetes API the switch asks, as that API documents it: objects by their path, JSON
patches with a resourceVersion, dry runs that write nothing."""

from __future__ import annotations

import copy
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.support.stand_in import Asked, Said


class Kube:
    """Objects by path; a path that ends in a slash is a list of those below it."""

    def __init__(self, objects: dict[str, dict[str, Any]]) -> None:
        self.objects = objects
        self.written: list[Any] = []
        self.defaults: dict[str, Any] = {}
        self.forbidden = False

    def __call__(self, asked: Asked) -> Said:
        parts = urlsplit(asked.path)
        query = parse_qs(parts.query)
        if asked.method == "PATCH":
            return self._patch(parts.path, asked, "dryRun" in query)
        if parts.path in self.objects:
            return Said(200, self.objects[parts.path])
        below = [one for path, one in self.objects.items() if path.startswith(parts.path + "/")]
        return Said(200, {"items": below}) if below else _status(404, "not found")

    def change(self, path: str) -> None:
        """Somebody else writes the object: its resourceVersion moves on."""
        meta = self.objects[path]["metadata"]
        meta["resourceVersion"] = str(int(meta["resourceVersion"]) + 1)

    def _patch(self, path: str, asked: Asked, dry: bool) -> Said:
        if self.forbidden:
            return _status(403, "may not patch")
        if asked.headers["Content-Type"] != "application/json-patch+json":
            return _status(415, "the body is no patch")
        old = self.objects[path]
        new = copy.deepcopy(old)
        for operation in asked.json:
            *steps, last = operation["path"].strip("/").split("/")
            at = new
            for step in steps:
                at = at[step]
            if last not in at:
                return _status(422, "there is no such place")
            if operation["op"] == "test" and at[last] != operation["value"]:
                return _status(422, "the test failed")
            if operation["op"] == "replace":
                at[last] = operation["value"]
        if new["metadata"]["resourceVersion"] != old["metadata"]["resourceVersion"]:
            return _status(409, "the object has been modified")
        if template := new["spec"].get("template"):
            template["spec"] |= self.defaults
        if not dry:
            self.written.append(asked.json)
            self.objects[path] = new
            self.change(path)
            new["metadata"]["generation"] += 1
        return Said(200, new)


def _status(code: int, message: str) -> Said:
    return Said(code, {"kind": "Status", "message": message, "code": code})
