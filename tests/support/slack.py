"""A webhook in Slack's place: takes what Slack documents, and answers as Slack does."""

from __future__ import annotations

import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

LINK = re.compile(r"<https?://[^\s<>|]+(\|[^<>|\n]+)?>")
ENTITY = re.compile(r"&(amp|lt|gt);")
COLOR = re.compile(r"good|warning|danger|#[0-9a-fA-F]{6}")

LONGEST = 40_000
"""Characters of a message, beyond which Slack cuts it."""

ATTACHMENTS = 100
TITLE = 1024
SECRET = "/services/T000/B000/secret"


def wrong(payload: Any) -> list[str]:
    """What Slack's documented rules for webhooks and attachments have against a payload."""
    if not isinstance(payload, dict):
        return ["the payload is no object"]
    attachments = payload.get("attachments", [])
    found = [] if payload.get("text") or attachments else ["there is neither text nor attachment"]
    if len(attachments) > ATTACHMENTS:
        found.append(f"{len(attachments)} attachments")
    if len(json.dumps(payload, ensure_ascii=False)) > LONGEST:
        found.append("the message is longer than Slack shows")
    for attachment in attachments:
        found += _wrong_in(attachment)
    return found


def shown(text: str) -> str:
    """A text as Slack shows it: entities as their characters, links by their labels."""
    text = re.sub(r"<https?://[^\s<>|]+\|([^<>|\n]+)>", r"\1", text)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _wrong_in(attachment: dict[str, Any]) -> list[str]:
    found = []
    texts = {name: attachment.get(name, "") for name in ("fallback", "title", "text", "pretext")}
    for field in attachment.get("fields", ()):
        if not field["title"] or not field["value"]:
            found.append("a field is empty")
        texts[f"field {field['title']}"] = field["value"]
    for name, text in texts.items():
        rest = ENTITY.sub("", LINK.sub("", text))
        if set("&<>") & set(rest):
            found.append(f"{name} is not escaped: {text!r}")
        if re.search(r"[\x00-\x08\x0b-\x1f]", text):
            found.append(f"{name} has control characters")
    if not texts["fallback"]:
        found.append("there is no fallback")
    if len(texts["title"]) > TITLE or "\n" in texts["title"]:
        found.append("the title is too long, or of several lines")
    if not COLOR.fullmatch(attachment.get("color", "")):
        found.append(f"color is {attachment.get('color')!r}")
    return found


class Slack:
    """A webhook on loopback. `answers` are the next statuses; then it is 200 to what is right."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.arrived: list[float] = []
        self.refused: list[str] = []
        self.answers: list[int] = []
        self.tries = 0
        self._lock = threading.Lock()
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                kind = self.headers["Content-Type"]
                status, text = stub.take(self.path, kind, body)
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self.url = f"http://127.0.0.1:{self._server.server_port}{SECRET}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def take(self, path: str, kind: str, body: bytes) -> tuple[int, bytes]:
        """Judge one request; its answer."""
        with self._lock:
            self.tries += 1
            if path != SECRET:
                return 404, b"no_team"
            if self.answers and (status := self.answers.pop(0)) != 200:
                return status, b"rollup_error"
            if not kind.startswith("application/json"):
                return 400, b"invalid_payload"
            payload = json.loads(body)
            if found := wrong(payload):
                self.refused += [one[:200] for one in found]
                return 400, b"invalid_payload"
            self.messages.append(payload["attachments"][0])
            self.arrived.append(time.time())
            return 200, b"ok"
