"""A real Prometheus over blocks of the past, asked by its HTTP API, stopped by its process id."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import httpx

LOOK_BACK = "65m"
"""Samples are an hour apart: this is how far a query looks for one, and a little for live ones."""

BEGIN_WITHIN = 60.0
"""Seconds that it has to be ready."""

MOST_POINTS = 11_000
"""Of a series that one range query may give."""


class Sampled(NamedTuple):
    """One series of a range query.

    Attributes:
        labels: all, the name too.
        values: by time, s.
    """

    labels: Mapping[str, str]
    values: Mapping[float, float]


class Prometheus:
    """One that runs.

    Attributes:
        url: where it listens.
        data: its blocks.
    """

    def __init__(self, url: str, data: Path) -> None:
        self.url = url
        self.data = data
        self._client = httpx.Client(base_url=f"{url}/api/v1", timeout=300)

    def query(self, expression: str, at: float) -> list[tuple[Mapping[str, str], float]]:
        """The samples of an instant query; `at` in s."""
        found = self._ask("query", query=expression, time=at)
        return [(one["metric"], float(one["value"][1])) for one in found["result"]]

    def query_range(
        self, expression: str, start: float, end: float, step: float
    ) -> Iterator[Sampled]:
        """The series of a range query, of any length; times in s, `end` in it."""
        found: dict[str, tuple[Mapping[str, str], dict[float, float]]] = {}
        while start <= end:
            last = min(end, start + (MOST_POINTS - 1) * step)
            part = self._ask("query_range", query=expression, start=start, end=last, step=step)
            for one in part["result"]:
                key = json.dumps(one["metric"], sort_keys=True)
                _, values = found.setdefault(key, (one["metric"], {}))
                values |= {float(at): float(value) for at, value in one["values"]}
            start = last + step
        return (Sampled(*one) for one in found.values())

    def names(self) -> set[str]:
        """Every metric that it has."""
        found = self._client.get("/label/__name__/values")
        return set(found.json()["data"])

    def _ask(self, path: str, **asked: str | float) -> Any:
        answer = self._client.post(f"/{path}", data=asked)
        said = answer.json()
        if said["status"] != "success":
            raise RuntimeError(f"{asked.get('query', path)}: {said['error']}")
        return said["data"]

    def wait(self, process: subprocess.Popen[bytes], log: Path) -> None:
        """Wait until it is ready."""
        deadline, pause = time.monotonic() + BEGIN_WITHIN, threading.Event()
        while time.monotonic() < deadline and process.poll() is None:
            try:
                if httpx.get(f"{self.url}/-/ready", timeout=5).is_success:
                    return
            except httpx.TransportError:
                pass  # not up yet
            pause.wait(0.1)
        raise RuntimeError(f"Prometheus is not ready: {log.read_text()[-2000:]}")

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()


@contextmanager
def serving(
    blocks: Sequence[Path],
    folder: Path,
    body: bytes = b"",
    more: Mapping[str, Any] | None = None,
) -> Iterator[Prometheus]:
    """A Prometheus over the blocks of these folders, with its own data in a folder of its own.

    Args:
        body: what its job `inferwatch` scrapes each second, where there is something.
        more: of its configuration.
    """
    data, log = folder / "prometheus", folder / "prometheus.log"
    data.mkdir(parents=True)
    for one in blocks:
        linked(one, data)
    with _scraped(body) as target:
        jobs = [{"job_name": "inferwatch", "static_configs": [{"targets": [target]}]}]
        settings = {
            "global": {"scrape_interval": "1s"},
            "scrape_configs": jobs if target else [],
            **(more or {}),
        }
        (folder / "prometheus.yml").write_text(json.dumps(settings))
        address = f"127.0.0.1:{free_port()}"
        command = [
            "prometheus",
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={data}",
            "--storage.tsdb.retention.time=100y",
            # Blocks stay as they are: nothing is compacted while one looks.
            "--storage.tsdb.min-block-duration=2h",
            "--storage.tsdb.max-block-duration=2h",
            f"--query.lookback-delta={LOOK_BACK}",
            f"--web.listen-address={address}",
        ]
        with log.open("wb") as output:
            process = subprocess.Popen(command, stdout=output, stderr=output)
        running = Prometheus(f"http://{address}", data)
        try:
            running.wait(process, log)
            yield running
        finally:
            running.close()
            process.terminate()
            process.wait(30)


def linked(blocks: Path, data: Path) -> None:
    """The blocks in a folder of their own, which others may add to; no byte is copied."""
    for path in blocks.rglob("*"):
        if path.is_file():
            own = data / path.relative_to(blocks)
            own.parent.mkdir(parents=True, exist_ok=True)
            try:
                own.hardlink_to(path)
            except OSError:  # another file system
                shutil.copyfile(path, own)


@contextmanager
def _scraped(body: bytes) -> Iterator[str]:
    """Where a body is served, if there is one."""
    if not body:
        yield ""
        return

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def free_port() -> int:
    """A port on loopback that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
