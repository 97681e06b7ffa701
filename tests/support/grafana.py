"""A server that answers as Grafana's documented HTTP API does, for what inferwatch asks of it.

A stand-in: a real Grafana is not to be had here. Status codes and JSON are those of its pages on
dashboards, folders, data sources and annotations.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "glsa_for-tests-alone"

Answer = tuple[int, Any]


@dataclass
class Grafana:
    """Its state, and what to do wrong.

    Attributes:
        path: under which it is served, `/grafana` or nothing.
        role: of the token's service account.
        faults: answers to give, in turn, instead of the right ones; None for the right one, and
            "lost" to do what is asked and hang up.
        html: answers to everything with a page.
    """

    path: str = ""
    role: str = "Admin"
    datasources: list[dict[str, Any]] = field(default_factory=list)
    folders: list[dict[str, Any]] = field(default_factory=list)
    boards: dict[str, dict[str, Any]] = field(default_factory=dict)
    annotations: list[dict[str, Any]] = field(default_factory=list)
    faults: list[Answer | str | None] = field(default_factory=list)
    html: bool = False
    moved_to: str = ""
    asked: list[str] = field(default_factory=list)
    url: str = ""

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> Answer:
        """What it says to one request that has a good token."""
        name = f"{method} {path}"
        if name == "GET /api/datasources":
            if self.role != "Admin":
                return 403, {"message": "You'll need additional permissions: datasources:read"}
            return 200, self.datasources
        if name == "GET /api/folders":
            return 200, self.folders
        if name == "POST /api/folders":
            made = {"uid": f"folder{len(self.folders)}", "title": body["title"]}
            self.folders.append(made)
            return 200, made
        if method == "GET" and path.startswith("/api/dashboards/uid/"):
            found = self.boards.get(path.rpartition("/")[2])
            return (200, found) if found else (404, {"message": "Dashboard not found"})
        if name == "POST /api/dashboards/db":
            return self._save(body)
        if name == "GET /api/annotations":
            return 200, self._found(query)
        if name == "POST /api/annotations":
            return self._annotated(body)
        return 404, {"message": "Not found"}

    def _save(self, body: dict[str, Any]) -> Answer:
        board = body["dashboard"]
        if body["folderUid"] not in {one["uid"] for one in self.folders}:
            return 400, {"message": "folder not found"}
        known = self.boards.get(board["uid"])
        if known and not body.get("overwrite"):
            said = "A dashboard with the same uid already exists"
            return 412, {"message": said, "status": "version-mismatch"}
        version = known["dashboard"]["version"] + 1 if known else 1
        self.boards[board["uid"]] = {
            "dashboard": board | {"version": version},
            "meta": {"folderUid": body["folderUid"]},
        }
        url = f"{self.path}/d/{board['uid']}/slug"
        return 200, {"uid": board["uid"], "url": url, "status": "success", "version": version}

    def _found(self, query: dict[str, list[str]]) -> list[dict[str, Any]]:
        start, end = int(query["from"][0]), int(query["to"][0])
        wanted = set(query.get("tags", []))
        return [
            one
            for one in self.annotations
            if one["time"] <= end and one["timeEnd"] >= start and wanted <= set(one["tags"])
        ]

    def _annotated(self, body: dict[str, Any]) -> Answer:
        if not body.get("text"):
            return 400, {"message": "text field should not be empty"}
        self.annotations.append({**body, "id": len(self.annotations) + 1})
        return 200, {"message": "Annotation added", "id": len(self.annotations)}


@contextmanager
def grafana(**settings: Any) -> Iterator[Grafana]:
    """One that listens on loopback."""
    state = Grafana(**settings)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._do("GET", None)

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            self._do("POST", json.loads(self.rfile.read(length)))

        def _do(self, method: str, body: Any) -> None:
            parts = urlsplit(self.path)
            state.asked.append(f"{method} {parts.path}")
            if state.moved_to:
                self.send_response(301)
                self.send_header("Location", f"{state.moved_to}{self.path}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            path = parts.path.removeprefix(state.path)
            fault = state.faults.pop(0) if state.faults else None
            if isinstance(fault, tuple):
                self._say(*fault)
                return
            if not parts.path.startswith(state.path):
                found: Answer = (404, "<h1>not here</h1>")
            elif self.headers.get("Authorization") != f"Bearer {TOKEN}":
                found = (401, {"message": "Invalid API key"})
            else:
                found = state.answer(method, path, parse_qs(parts.query), body)
            if fault == "lost":
                self.close_connection = True
                return
            self._say(*found)

        def _say(self, status: int, body: Any) -> None:
            page = state.html or isinstance(body, str)
            text = "<html>a page with a message</html>" if page else json.dumps(body)
            self.send_response(200 if state.html else status)
            self.send_header("Content-Type", "text/html" if page else "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *arguments: Any) -> None:
            """Say nothing."""

    with serving(Handler) as address:
        state.url = f"http://{address}{state.path}"
        yield state


@contextmanager
def serving(handler: Callable[..., BaseHTTPRequestHandler]) -> Iterator[str]:
    """Host and port of a server of this handler."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join(30)
