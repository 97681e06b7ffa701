"""The daemon as its users run it: a process of its own, to be killed, stopped and started again."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psutil
from prometheus_client.parser import text_string_to_metric_families

from tests.support.kafka import free_port

PATIENCE = 60.0


class Daemon:
    """`inferwatch run` in a folder, with its log in `daemon.log`."""

    def __init__(self, folder: Path, config: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None
        self.starts = 0
        self.write(config)

    def write(self, config: str) -> None:
        """Write the config; LISTEN in it is the address."""
        text = config.replace("LISTEN", f"127.0.0.1:{self.port}")
        (self.folder / "inferwatch.yml").write_text(text)

    @property
    def log(self) -> str:
        """All that it has said."""
        return (self.folder / "daemon.log").read_text()

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self.process is not None
        return self.process.pid

    def start(self) -> None:
        """Start it, and do not wait."""
        self.starts += 1
        command = [str(Path(sys.executable).with_name("inferwatch")), "run", "inferwatch.yml"]
        with (self.folder / "daemon.log").open("ab") as log:
            self.process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log)

    def signal(self, number: int) -> None:
        """Send it a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        self.signal(signal.SIGKILL)
        self.wait()

    def stop(self) -> float:
        """End it in good order; how many seconds that took."""
        began = time.monotonic()
        self.signal(signal.SIGTERM)
        code = self.wait()
        assert code == 0, self.log[-3000:]
        return time.monotonic() - began

    def wait(self) -> int:
        """Wait for its end; its exit code."""
        assert self.process is not None
        code = self.process.wait(PATIENCE)
        self.process = None
        return code

    def rss(self) -> int:
        """Its resident memory in bytes."""
        return int(psutil.Process(self.pid).memory_info().rss)

    def metrics(self) -> dict[str, float]:
        """Every sample, by `name{label=value,...}` with labels in order and empty ones left out."""
        return samples(httpx.get(f"{self.url}/metrics", timeout=30).text)

    def until(self, what: Callable[[dict[str, float]], Any], within: float = PATIENCE) -> float:
        """Wait until the metrics are so; how many seconds that took."""
        began, pause = time.monotonic(), threading.Event()
        found: dict[str, float] = {}
        while time.monotonic() - began < within:
            assert self.process is not None
            assert self.process.poll() is None, self.log[-3000:]
            try:
                found = self.metrics()
                if what(found):
                    return time.monotonic() - began
            except httpx.HTTPError:
                pass
            pause.wait(0.05)
        raise AssertionError(f"not in {within} s; {self.log[-2000:]}")


def samples(text: str) -> dict[str, float]:
    """Every sample of an exposition, by `name{label=value,...}`."""
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f"{k}={v}" for k, v in sorted(sample.labels.items()) if v)
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


def summed(found: dict[str, float], prefix: str) -> float:
    """The sum of all series whose name begins so."""
    return sum(value for name, value in found.items() if name.startswith(prefix))
