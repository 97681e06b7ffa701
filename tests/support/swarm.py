"""A real Docker engine in Swarm mode, in a network of its own, with an image that only sleeps.

It needs what `Engine` needs, and a `busybox` that is linked statically.
"""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any, Self

import httpx

from tests.support.engine import Engine, own_network
from tests.support.program import eventually
from tests.support.real import require

LABEL = "org.opencontainers.image.version"


class Swarm:
    """An engine in a network of its own, with services whose version is a label."""

    def __init__(self) -> None:
        self._busybox = require("busybox")
        self._engine = Engine()
        self.socket = self._engine.socket
        self.url = f"unix://{self.socket}"
        self._http = httpx.Client(
            transport=httpx.HTTPTransport(uds=str(self.socket)),
            base_url="http://localhost",
            timeout=60,
        )
        self._image = ""

    def __enter__(self) -> Self:
        with own_network():
            self._engine.__enter__()
        try:
            self._image = self._import()
            here = {"ListenAddr": "127.0.0.1:2377", "AdvertiseAddr": "127.0.0.1"}
            self.ask("POST", "/swarm/init", here)
        except BaseException:
            self._engine.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            for service in self.ask("GET", "/services"):
                self.ask("DELETE", f"/services/{service['ID']}")
            eventually(lambda: self.ask("GET", "/containers/json?all=true") == [])
        finally:
            self._http.close()
            self._engine.__exit__()

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """One call of its API, that is expected to end well."""
        answer = self._http.request(method, path, json=body)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def create(self, name: str, version: str, replicas: int = 2) -> None:
        """A service of a version, running."""
        self.ask("POST", "/services/create", self.spec(name, version, replicas))
        eventually(lambda: self.running(name) == [version] * replicas)

    def update(self, name: str, version: str, replicas: int = 2) -> None:
        """Somebody else rolls out a version; waited for."""
        index = self.index(name)
        self.ask(
            "POST", f"/services/{name}/update?version={index}", self.spec(name, version, replicas)
        )
        eventually(lambda: self.running(name) == [version] * replicas)
        eventually(lambda: self.service(name)["UpdateStatus"]["State"] == "completed")

    def spec(self, name: str, version: str, replicas: int) -> dict[str, Any]:
        """A whole spec, as the command line would write it."""
        container = {
            "Image": self._image,
            "Command": ["/bin/sleep", "100000"],
            "Env": [f"V={version}"],
            "StopGracePeriod": 0,
        }
        return {
            "Name": name,
            "Labels": {LABEL: version},
            "TaskTemplate": {"ContainerSpec": container, "Networks": [{"Target": "host"}]},
            "Mode": {"Replicated": {"Replicas": replicas}},
            "UpdateConfig": {"Parallelism": 0, "Monitor": 100_000_000, "Order": "stop-first"},
        }

    def service(self, name: str) -> dict[str, Any]:
        """The service, as the engine has it."""
        found: dict[str, Any] = self.ask("GET", f"/services/{name}")
        return found

    def index(self, name: str) -> int:
        """How often its object was written, by its version index."""
        return int(self.service(name)["Version"]["Index"])

    def running(self, name: str) -> list[str]:
        """The versions of its containers that run, by their environment."""
        wanted = json.dumps({"service": [name], "desired-state": ["running"]})
        tasks = self.ask("GET", f"/tasks?filters={wanted}")
        return [
            one["Spec"]["ContainerSpec"]["Env"][0].removeprefix("V=")
            for one in tasks
            if one["Status"]["State"] == "running"
        ]

    def _import(self) -> str:
        """An image by its id, so that nobody looks for its name elsewhere."""
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            archive.add(Path(self._busybox).resolve(), "bin/busybox")
            link = tarfile.TarInfo("bin/sleep")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            archive.addfile(link)
        head = {"Content-Type": "application/x-tar"}
        answer = self._http.post(
            "/images/create?fromSrc=-", content=packed.getvalue(), headers=head
        )
        return str(answer.json()["status"])
