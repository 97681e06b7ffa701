"""A server on loopback, or on a socket file, that answers what a test tells it, and keeps what it
was asked, to the byte."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import ThreadingUnixStreamServer
from typing import Any, Self


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def line(self) -> str:
        return f"{self.method} {self.path}"


@dataclass
class Said:
    """An answer: a status, an object, and headers; `cut` closes the connection instead."""

    status: int = 200
    body: Any = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    raw: bytes | None = None


class StandIn:
    """Answers by `answer`, which takes each request."""

    def __init__(self, answer: Callable[[Asked], Said], path: Path | None = None) -> None:
        self.answer = answer
        self.asked: list[Asked] = []
        self._server: Any
        if path is None:
            server = _Server(("127.0.0.1", 0), _handler(self))
            self._server, self.url = server, f"http://127.0.0.1:{server.server_port}"
        else:
            self._server, self.url = _Unix(str(path), _handler(self)), f"unix://{path}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def lines(self) -> list[str]:
        return [one.line for one in self.asked]

    @property
    def writes(self) -> list[Asked]:
        return [one for one in self.asked if one.method != "GET"]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is what some tests are about."""


class _Unix(ThreadingUnixStreamServer):
    daemon_threads = True
    block_on_close = False


def _handler(stand_in: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            asked = Asked(self.command, self.path, dict(self.headers), body)
            stand_in.asked.append(asked)
            said = stand_in.answer(asked)
            if said.cut:
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            if said.raw is not None:
                self.wfile.write(said.raw)
                return
            data = json.dumps(said.body).encode()
            self.send_response(said.status)
            for name, value in said.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = do_PUT = _any  # noqa: N815

        def address_string(self) -> str:
            return "client"

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
