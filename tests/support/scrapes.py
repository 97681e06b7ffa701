"""Clients in processes of their own, so that what is measured is not of their own making.

`python -m tests.support.scrapes scrape URL NUMBER INTERVAL` asks NUMBER times for gzip, as
Prometheus does, each time over a connection of its own, and prints the answers as JSON.
`python -m tests.support.scrapes crowd URL IDLE HALF_OPEN SLOW` holds idle connections, half-open
handshakes and slow readers until its standard input ends, and then prints how often it connected.
"""

from __future__ import annotations

import contextlib
import gzip
import http.client
import json
import selectors
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[2]
SLOW_READ = 512
"""Bytes that a slow reader takes at once."""


class Scrape(NamedTuple):
    """One answer."""

    seconds: float
    status: int
    series: int
    counted: float


def scrapes(url: str, number: int, interval: float) -> list[Scrape]:
    """Scrape from another process; waits until it is done."""
    command = [sys.executable, "-m", __name__, "scrape", url, str(number), str(interval)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, timeout=900)
    return [Scrape(*one) for one in json.loads(done.stdout)]


class Scraper(threading.Thread):
    """The same beside something else: `result` after `join`."""

    def __init__(self, url: str, number: int, interval: float) -> None:
        super().__init__(name="scraper")
        self._arguments = (url, number, interval)
        self.result: list[Scrape] = []

    def run(self) -> None:
        self.result = scrapes(*self._arguments)


def percentile(found: list[Scrape], share: float) -> float:
    """The time in seconds within which this share of the answers came."""
    ordered = sorted(one.seconds for one in found)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@contextlib.contextmanager
def crowd(url: str, idle: int, half_open: int, slow: int) -> Iterator[subprocess.Popen[str]]:
    """A crowd in another process, once all of it has connected."""
    arguments = [url, str(idle), str(half_open), str(slow)]
    process = subprocess.Popen(
        [sys.executable, "-m", __name__, "crowd", *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "there\n"
        yield process
    finally:
        process.stdin.close()
        process.wait(60)
        process.stdout.close()


def _context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _scrape(url: str, number: int, interval: float) -> Iterator[Scrape]:
    parts, context = urlsplit(url), _context()
    next_at = time.monotonic()
    idle = threading.Event()
    for _ in range(number):
        idle.wait(max(0.0, next_at - time.monotonic()))
        next_at += interval
        began = time.perf_counter()
        connection = (
            http.client.HTTPSConnection(parts.netloc, timeout=60, context=context)
            if parts.scheme == "https"
            else http.client.HTTPConnection(parts.netloc, timeout=60)
        )
        connection.request("GET", "/metrics", headers={"Accept-Encoding": "gzip"})
        answer = connection.getresponse()
        body = answer.read()
        seconds = time.perf_counter() - began
        connection.close()
        text = gzip.decompress(body).decode()
        lines = [line for line in text.splitlines() if not line.startswith("#")]
        counted = sum(
            float(line.rsplit(" ", 1)[1])
            for line in lines
            if line.startswith("inferwatch_inferences_total{")
        )
        yield Scrape(seconds, answer.status, len(lines), counted)


class _Crowd:
    """Connections that come back as soon as the server has ended them."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._address = (parts.hostname or "", parts.port or 0)
        self._context = _context() if parts.scheme == "https" else None
        self._selector = selectors.DefaultSelector()
        self.connected = 0

    def play(self, idle: int, half_open: int, slow: int, end: threading.Event) -> None:
        """Connect all of them, and keep them connected until `end`."""
        for kind, number in (("idle", idle), ("half open", half_open), ("slow", slow)):
            for _ in range(number):
                self._connect(kind)
        sys.stdout.write("there\n")
        sys.stdout.flush()
        while not end.is_set():
            for key, _events in self._selector.select(0.1):
                self._hear(key)
            end.wait(0.02)

    def _connect(self, kind: str) -> None:
        connection = socket.socket()
        connection.settimeout(30)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        try:
            connection.connect(self._address)
            if self._context is not None and kind != "half open":
                connection = self._context.wrap_socket(connection, server_hostname="localhost")
            if kind == "half open":
                connection.sendall(b"\x16\x03\x01")
            elif kind == "slow":
                request = b"GET /metrics HTTP/1.1\r\nHost: x\r\nAccept-Encoding: identity\r\n\r\n"
                connection.sendall(request)
        except OSError:
            connection.close()
        self.connected += 1
        if connection.fileno() >= 0:
            connection.setblocking(False)
            self._selector.register(connection, selectors.EVENT_READ, kind)

    def _hear(self, key: selectors.SelectorKey) -> None:
        connection = key.fileobj
        assert isinstance(connection, socket.socket)
        try:
            ended = not connection.recv(SLOW_READ)
        except (BlockingIOError, ssl.SSLWantReadError):
            return
        except OSError:
            ended = True
        if ended:
            self._selector.unregister(connection)
            connection.close()
            self._connect(key.data)


def _main(arguments: list[str]) -> None:
    what, url, *rest = arguments
    if what == "scrape":
        sys.stdout.write(json.dumps(list(_scrape(url, int(rest[0]), float(rest[1])))))
        return
    end = threading.Event()
    people = _Crowd(url)

    def wait_for_the_end() -> None:
        sys.stdin.read()
        end.set()

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    people.play(int(rest[0]), int(rest[1]), int(rest[2]), end)
    sys.stdout.write(f"{people.connected}\n")


if __name__ == "__main__":
    _main(sys.argv[1:])
