"""Takes messages in Slack's and a mail server's place, on loopback, and shows them."""

from __future__ import annotations

import json
import secrets
import socket
import threading
from collections.abc import Mapping
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from monitor.demo.inbox.messages import Mail, SlackMessage, page, read_mail, slack_message

HOST = "127.0.0.1"
MAX_BYTES = 2**20
"""Of one message."""

MOST = 200
"""Messages, and mails, that are kept."""

REFRESH = 4
TIMEOUT = 10.0
"""Seconds that a client may say nothing."""

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
_MAIL_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; "
    "style-src 'unsafe-inline'; form-action 'none'; frame-ancestors 'self'"
)
"""A mail is a page of somebody else: it runs nothing, and fetches nothing."""


class Inbox:
    """The inbox, while the context lasts.

    Attributes:
        url: its page.
        slack_url: the webhook; its path is a secret, as Slack's are.
        smtp: HOST:PORT of the mail server, without TLS and without a login.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._slack: list[SlackMessage] = []
        self._mails: list[Mail] = []
        self._told = 0, 0
        self._path = f"/services/{secrets.token_urlsafe(16)}"
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)
        self._smtp: Any = None
        self.url = f"http://{HOST}:{self._server.server_port}/"
        self.slack_url = self.url.rstrip("/") + self._path
        self.smtp = f"{HOST}:{free_port()}"

    def __enter__(self) -> Self:
        """Open it.

        Raises:
            ImportError: aiosmtpd is not installed.
            OSError: it cannot listen.
        """
        from aiosmtpd.controller import Controller

        port = int(self.smtp.rpartition(":")[2])
        self._smtp = Controller(self, hostname=HOST, port=port, data_size_limit=MAX_BYTES)
        try:
            self._smtp.start()
        except BaseException:
            self._server.server_close()
            raise
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._smtp.stop()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def told(self) -> tuple[int, int]:
        """How many messages and how many mails came."""
        return self._told

    def wait_beyond(self, told: tuple[int, int], timeout: float) -> bool:
        """Wait until there are more messages and more mails than these; False if there are not."""

        def more() -> bool:
            return self._told[0] > told[0] and self._told[1] > told[1]

        with self._changed:
            return self._changed.wait_for(more, timeout)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        """Take a mail; called by aiosmtpd."""
        mail = read_mail(bytes(envelope.content), _now())
        with self._changed:
            self._mails = [*self._mails, mail][-MOST:]
            self._told = self._told[0], self._told[1] + 1
            self._changed.notify_all()
        return "250 Taken"

    def take(self, path: str, body: bytes) -> tuple[int, str]:
        """Take what was posted; the answer's status and text."""
        if not secrets.compare_digest(path.encode(), self._path.encode()):
            return 404, "no_team"
        try:
            payload = json.loads(body)
            taken = [slack_message(one, _now()) for one in payload["attachments"]]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return 400, "invalid_payload"
        with self._changed:
            self._slack = [*self._slack, *taken][-MOST:]
            self._told = self._told[0] + 1, self._told[1]
            self._changed.notify_all()
        return 200, "ok"

    def show(self, path: str) -> tuple[int, str, Mapping[str, str]]:
        """The page at a path: its status, what it is, and headers."""
        with self._changed:
            slack, mails = self._slack, self._mails
        if path == "/":
            return 200, page(slack, mails, REFRESH), {"Content-Security-Policy": _PAGE_POLICY}
        number = path.removeprefix("/mails/")
        if number.isascii() and number.isdigit() and len(number) < 4 and int(number) < len(mails):
            html = mails[int(number)].html.replace("<head>", '<head><base target="_blank">', 1)
            return 200, html, {"Content-Security-Policy": _MAIL_POLICY}
        return 404, "There is no such page.\n", {"Content-Security-Policy": _PAGE_POLICY}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, inbox: Inbox) -> None:
        self.inbox = inbox
        super().__init__((HOST, 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = TIMEOUT

    def do_GET(self) -> None:
        # A name that leads to loopback is not enough: pages of others may not look in here.
        if self.headers["Host"] != f"{HOST}:{self.server.server_port}":
            self._answer(403, "The inbox is of this machine alone.\n", {})
        else:
            self._answer(*self.server.inbox.show(self.path))

    def do_POST(self) -> None:
        length = self.headers["Content-Length"] or ""
        if not (length.isascii() and length.isdigit()):
            self._answer(411, "invalid_payload", {})
        elif len(length) > 9 or int(length) > MAX_BYTES:
            self._answer(413, "invalid_payload", {})
        else:
            self._answer(*self.server.inbox.take(self.path, self.rfile.read(int(length))), {})

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self, status: int, text: str, headers: Mapping[str, str]) -> None:
        body = text.encode("utf-8", "replace")
        html = "text/html" if status == 200 and self.command == "GET" else "text/plain"
        self.send_response(status)
        self.send_header("Content-Type", f"{html}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        for name, value in {**_HEADERS, **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def free_port() -> int:
    """A port on loopback that nobody listens on."""
    with socket.socket() as found:
        found.bind((HOST, 0))
        return int(found.getsockname()[1])


def _now() -> datetime:
    return datetime.now().astimezone()
