"""A real Prometheus that has a past: series as OpenMetrics, and what the rules record of them."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.support.kafka import free_port
from tests.support.real import require

RECORDING = Path(__file__).parents[2] / "rules" / "recording.yml"

DEPTH = 3
"""How far rules rest on rules: promtool knows only what was recorded before its run."""


@contextmanager
def prometheus_with(text: str, start: int, end: int, folder: Path) -> Iterator[httpx.Client]:
    """A client of its API; the rules were evaluated over all of the past."""
    file, data = folder / "past.txt", folder / "data"
    file.write_text(text)
    promtool("tsdb", "create-blocks-from", "openmetrics", str(file), str(data))
    for _ in range(DEPTH):  # started again, Prometheus finds the new blocks at once
        with _running(folder, data) as address:
            where = [f"--start={start}", f"--end={end}", f"--url=http://{address}"]
            where += ["--eval-interval=60s", f"--output-dir={data}"]
            promtool("tsdb", "create-blocks-from", "rules", *where, str(RECORDING))
    with (
        _running(folder, data) as address,
        httpx.Client(base_url=f"http://{address}/api/v1", timeout=60) as client,
    ):
        yield client


def promtool(*arguments: str) -> str:
    """What promtool says, if it succeeds."""
    done = subprocess.run(
        [require("promtool"), *arguments], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout


@contextmanager
def _running(folder: Path, data: Path) -> Iterator[str]:
    config = folder / "prometheus.yml"
    config.write_text("{}")
    address = f"127.0.0.1:{free_port()}"
    command = [require("prometheus"), f"--config.file={config}", f"--storage.tsdb.path={data}"]
    command += [f"--web.listen-address={address}", "--storage.tsdb.retention.time=100y"]
    with (folder / "prometheus.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            _wait(address, process)
            yield address
        finally:
            process.terminate()
            process.wait(30)


def _wait(address: str, process: subprocess.Popen[bytes]) -> None:
    pause = threading.Event()
    for _ in range(300):
        assert process.poll() is None, "Prometheus has ended; see prometheus.log"
        try:
            if httpx.get(f"http://{address}/-/ready").is_success:
                return
        except httpx.TransportError:  # not up yet
            pass
        pause.wait(0.1)
    raise AssertionError("Prometheus is not ready")


def asked(client: httpx.Client, path: str, **parameters: str) -> list[Any]:
    """The result of a question to the API."""
    answer = client.get(path, params=parameters)
    assert answer.is_success, f"{parameters}: {answer.text}"
    data = answer.json()["data"]
    return list(data["result"] if isinstance(data, dict) else data)
