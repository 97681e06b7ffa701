"""The daemon as its users run it: a process of its own, to be killed, stopped and started again."""

from __future__ import annotations

import atexit
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

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
        atexit.register(self._end)
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

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """However it ends, no process stays."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE)

    def start(self) -> None:
        """Start it, and do not wait."""
        self.starts += 1
        command = [str(Path(sys.executable).with_name("inferwatch")), "run", "inferwatch.yml"]
        with (self.folder / "daemon.log").open("ab") as log:
            self.process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log)

    def _end(self) -> None:
        """What a test that failed has left running ends with the tests."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

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

    def peak(self) -> int:
        """The most resident memory that it ever had, in bytes."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        raise LookupError("VmHWM")

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

    def first_scrape(self, within: float = PATIENCE) -> tuple[float, str]:
        """Wait for `/metrics`: seconds until it was there, and its text, not read yet."""
        began, pause = time.monotonic(), threading.Event()
        while time.monotonic() - began < within:
            try:
                text = httpx.get(f"{self.url}/metrics", timeout=within).text
                return time.monotonic() - began, text
            except httpx.HTTPError:
                pause.wait(0.02)
        raise AssertionError(f"no scrape in {within} s; {self.log[-2000:]}")

    def until_closed(self, end: float, within: float = PATIENCE) -> dict[str, float]:
        """Wait until all that is there is read, and every pane up to `end` closed and kept."""

        def done(found: dict[str, float]) -> bool:
            ends = [
                value
                for name, value in found.items()
                if name.startswith("inferwatch_window_end") and "model=m," in name
            ]
            return (
                summed(found, "inferwatch_consumer_lag_records") == 0
                and max(ends, default=0.0) >= end
                and found.get("inferwatch_checkpoint_unsaved_panes") == 0
            )

        self.until(done, within)
        return self.metrics()


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


def counted(found: dict[str, float]) -> float:
    """Records of any outcome that this process has taken in."""
    return summed(found, "inferwatch_records_total")


class Gauge(threading.Thread):
    """Samples what a process holds of the machine, from `start` until `stop`.

    `seconds`, `rss` (bytes), `threads` and `files` are columns of equal length.
    """

    def __init__(self, pid: int, interval: float = 0.1) -> None:
        super().__init__(name="gauge", daemon=True)
        self.seconds: list[float] = []
        self.rss: list[int] = []
        self.threads: list[int] = []
        self.files: list[int] = []
        self._process = psutil.Process(pid)
        self._interval = interval
        self._end = threading.Event()

    def run(self) -> None:
        """See the class."""
        began = time.monotonic()
        while not self._end.wait(self._interval):
            try:
                with self._process.oneshot():
                    rss = self._process.memory_info().rss
                    threads, files = self._process.num_threads(), self._process.num_fds()
            except psutil.Error:
                return
            self.seconds.append(time.monotonic() - began)
            self.rss.append(int(rss))
            self.threads.append(threads)
            self.files.append(files)

    def stop(self) -> None:
        """Sample no more."""
        self._end.set()
        self.join(30)
