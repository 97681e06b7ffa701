"""A server of somebody else's as a process of its own: started, killed, and started again."""

from __future__ import annotations

import atexit
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx

T = TypeVar("T")

PATIENCE = 30.0


class Program:
    """One that answers on `url` once it is ready, and logs into `<name>.log` of its folder."""

    patience = PATIENCE
    """Seconds that it may take until it is ready."""

    def __init__(self, name: str, folder: Path, command: Sequence[str], ready: str) -> None:
        self.folder = folder
        self._log = folder / f"{name}.log"
        self._command = [*command]
        self._ready = ready
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self.kill)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def log(self) -> str:
        """All that it has said."""
        return self._log.read_text()

    def start(self) -> None:
        """Start it, and wait until it is ready."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, cwd=self.folder, stdout=log, stderr=log)
        eventually(self._is_ready, self.patience)

    def stop(self) -> None:
        """End it in good order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        self._end(signal.SIGKILL)

    def _is_ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log[-3000:]
        try:
            return httpx.get(self._ready, timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def _end(self, number: int) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(number)
            process.wait(PATIENCE)


def eventually(what: Callable[[], T], within: float = PATIENCE, why: Any = "") -> T:
    """Ask again and again until the answer is true; that answer."""
    deadline, pause = time.monotonic() + within, threading.Event()
    while not (answer := what()):
        assert time.monotonic() < deadline, f"not within {within} s: {why() if why else what}"
        pause.wait(0.05)
    return answer
