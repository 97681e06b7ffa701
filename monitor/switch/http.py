"""One question over HTTP, with an end to it: to an address, or to a socket file.

No redirect is followed, so that a credential goes nowhere else; no proxy of the environment is
asked. The whole of an answer has `TIMEOUT` seconds, however slowly it drips. What went wrong says
whether anything may have arrived: of a write that is all that counts.
"""

from __future__ import annotations

import base64
import json
import math
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from monitor.switch.canonical import clean
from monitor.switch.target import Refused, Unreachable, Unsure

TIMEOUT = 10.0
"""Seconds for a connection, and again for the whole answer."""

MAX_BYTES = 32 * 2**20
MOST_TOKEN = 16_384
"""Bytes of a credential's file that are read."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Attributes:
        status: its code.
        content: its body.
        after: seconds that the server asks to wait, 0 where it does not.
    """

    status: int
    content: bytes
    after: float = 0.0

    def words(self) -> str:
        """What it says for people, on one line."""
        try:
            found = json.loads(self.content)
            text = found.get("message") or found.get("error_code")
        except (ValueError, AttributeError, RecursionError):
            text = None
        return f"{self.status}: {clean(text, 200)}" if isinstance(text, str) else str(self.status)


class Broken(Exception):
    """No answer came.

    Attributes:
        sent: whether the question may have arrived.
    """

    def __init__(self, text: str, sent: bool) -> None:
        super().__init__(text)
        self.sent = sent


class Client:
    """Asks one server.

    `server` is `http://host:port/prefix`, `https://...` or `unix:///path/of/socket`; `token_file`
    holds a bearer token and is read for each question, since tokens are renewed in place;
    `login_file` holds `user:password`.
    """

    def __init__(
        self,
        server: str,
        token_file: Path | None = None,
        ca_file: Path | None = None,
        timeout: float = TIMEOUT,
        login_file: Path | None = None,
    ) -> None:
        self.server = server.rstrip("/")
        self._parts = urlsplit(self.server)
        self._token_file, self._login_file = token_file, login_file
        self._ca_file = ca_file
        self._timeout = timeout

    def read(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        """The JSON object at a path.

        Raises:
            Unreachable: there is none.
        """
        try:
            answer = self.ask("GET", path, query)
        except Broken as error:
            raise Unreachable(str(error)) from None
        if answer.status != 200:
            raise Unreachable(f"{self.server}: GET {path}: {answer.words()}{_hint(answer.status)}")
        return self.parsed(answer, path)

    def write(self, method: str, path: str, body: bytes, kind: str = "application/json") -> Answer:
        """The answer to a write that the server took.

        Raises:
            Refused: it did not; nothing was written.
            Unreachable: it was not reached; nothing was written.
            Unsure: it may have.
        """
        try:
            answer = self.ask(method, path, None, body, {"Content-Type": kind})
        except Broken as error:
            raise (Unsure if error.sent else Unreachable)(str(error)) from None
        return self.took(answer, f"{method} {path.partition('?')[0]}")

    def took(self, answer: Answer, what: str) -> Answer:
        """The answer, where it says that a write was done.

        Raises:
            Refused: it says that nothing was.
            Unsure: it says neither.
        """
        if 200 <= answer.status < 300:
            return answer
        said = f"{self.server}: {what}: {answer.words()}"
        if 400 <= answer.status < 500 and answer.status != 408:
            raise Refused(f"{said}{_hint(answer.status)}; nothing was written")
        raise Unsure(f"{said}{_hint(answer.status)}; it may have been written")

    def parsed(self, answer: Answer, path: str) -> Any:
        """Its JSON object.

        Raises:
            Unreachable: it is none.
        """
        try:
            found = json.loads(answer.content)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise Unreachable(f"{self.server}: GET {path}: the answer is no JSON object")
        return found

    def ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One question and its answer, of any status.

        Raises:
            Broken: there is none.
        """
        prefix = self._parts.path if self._parts.scheme != "unix" else ""
        whole = (prefix + path or "/") + (f"?{urlencode(query)}" if query else "")
        head = {"Accept": "application/json", "User-Agent": "inferwatch", "Connection": "close"}
        head |= dict(headers or {})
        late = f"{self.server} did not answer within {self._timeout:g} s"
        connection = _Connection(self._parts, self._ca_file, self._timeout)
        sent = False
        try:
            if self._token_file is not None:
                head["Authorization"] = f"Bearer {read_secret(self._token_file)}"
            if self._login_file is not None:
                login = base64.b64encode(read_secret(self._login_file).encode()).decode()
                head["Authorization"] = f"Basic {login}"
            with connection:
                sent = True
                connection.request(method, whole, body, head)
                answer = connection.getresponse()
                content = answer.read(MAX_BYTES + 1)
                after = _seconds(answer.headers.get("Retry-After", ""))
                over = connection.over
        except Refused as error:
            raise Broken(str(error), False) from None
        except (OSError, HTTPException, ValueError) as error:
            what = late if connection.over else _why(self.server, error, late)
            raise Broken(what, sent) from None
        if over:
            # An answer without a length ends wherever the connection does.
            raise Broken(late, True)
        if len(content) > MAX_BYTES:
            raise Broken(f"{self.server}: an answer of more than {MAX_BYTES:,} bytes", True)
        return Answer(answer.status, content, after)


def read_secret(file: Path) -> str:
    """A credential in a file: one line of printable ASCII. It is in no message.

    Raises:
        Refused: there is none.
    """
    try:
        with file.open("rb") as opened:
            text = opened.read(MOST_TOKEN + 1).decode("ascii").strip()
    except OSError as error:
        raise Refused(f"{file}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise Refused(f"{file}: is no credential; write one line of ASCII") from None
    if not text or len(text) > MOST_TOKEN or not text.isprintable() or " " in text:
        what = "is empty" if not text else "is not one word on one line"
        raise Refused(f"{file}: {what}; write the credential into it")
    return text


class _Connection(HTTPConnection):
    """A connection that is shut when its time is over, whatever it is doing then."""

    def __init__(self, parts: Any, ca_file: Path | None, timeout: float) -> None:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        super().__init__(parts.hostname or "localhost", port, timeout=timeout)
        self._scheme, self._path, self._ca_file = parts.scheme, parts.path, ca_file
        self._seconds = timeout
        self.over = False
        self._timer = threading.Timer(timeout, self._end)
        self._timer.daemon = True
        self._raw: socket.socket | None = None

    def __enter__(self) -> _Connection:
        try:
            self._open()
        except BaseException:
            self._timer.cancel()
            if self._raw is not None:
                self._raw.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self.close()

    def _open(self) -> None:
        if self._scheme == "unix":
            self._raw = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._raw.settimeout(self._seconds)
            self._raw.connect(self._path)
        else:
            self._raw = socket.create_connection((self.host, self.port), self._seconds)
        if self._scheme == "https":
            context = ssl.create_default_context(cafile=self._ca_file)
            self._raw = context.wrap_socket(
                self._raw, server_hostname=self.host, do_handshake_on_connect=False
            )
        self._timer.start()
        if isinstance(self._raw, ssl.SSLSocket):
            self._raw.do_handshake()
        self.sock = self._raw

    def _end(self) -> None:
        self.over = True
        if self._raw is not None:
            try:
                # Wakes whoever waits on it, also inside TLS.
                socket.socket.shutdown(self._raw, socket.SHUT_RDWR)
            except OSError:
                return


def _why(server: str, error: Exception, late: str) -> str:
    """Why no answer came, for people."""
    if isinstance(error, ssl.SSLError):
        what = f"{server}: no TLS connection ({clean(error.reason or str(error))})"
        return f"{what}; is it http, or its certificate not trusted?"
    if isinstance(error, TimeoutError):
        return late
    if isinstance(error, OSError):
        said = error.strerror or type(error).__name__
        return f"{server}: {said}; is it running, and is this its address?"
    return f"what answers at {server} is no HTTP server ({type(error).__name__})"


def _seconds(text: str) -> float:
    """A `Retry-After` in seconds; its other form, a date, is not worth a clock."""
    try:
        found = float(text)
    except ValueError:
        return 0.0
    return found if math.isfinite(found) and found > 0 else 0.0


def _hint(status: int) -> str:
    if 300 <= status < 400:
        return " (it sends elsewhere, which is not followed; give the address that it leads to)"
    hints = {401: " (the credential is not valid)", 403: " (the credential may not do this)"}
    return hints.get(status, "")
