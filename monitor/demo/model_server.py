"""The parent's side of the model server: starts it, paces it, and knows how far it is."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

GRACE = 10.0
"""Seconds that the model server has to end by itself before it is killed."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is. `total` is None until the model is fitted."""

    produced: int = 0
    total: int | None = None
    done: bool = False

    def after(self, line: str) -> Progress:
        """What a line of its output makes of it; a line that says nothing changes nothing."""
        match line.split():
            case ["produced", produced, "of", total]:
                return Progress(int(produced), int(total))
            case ["done", produced]:
                return Progress(int(produced), int(produced), done=True)
        return self


class ModelServer:
    """`monitor.demo.scorer` as a child process, while the context lasts.

    It logs the flights of the first `days` days (all without) to `topic`, which must be there, and
    before it is ready puts those of the first four weeks into the file `first_weeks`, if asked.
    With `ahead`, no more of its records than that are unread.
    """

    def __init__(
        self,
        bootstrap_servers: str,
        topic: str,
        days: int | None = None,
        first_weeks: Path | None = None,
        ahead: int | None = None,
    ) -> None:
        self._command = [sys.executable, "-m", "monitor.demo.scorer"]
        self._command += ["--bootstrap-servers", bootstrap_servers, "--topic", topic]
        if days is not None:
            self._command += ["--days", str(days)]
        if first_weeks is not None:
            self._command += ["--first-weeks", str(first_weeks)]
        if ahead is not None:
            self._command += ["--ahead", str(ahead)]
        self._child: subprocess.Popen[str] | None = None
        self._progress = Progress()
        self._ready = threading.Event()
        self._listener: threading.Thread | None = None

    def __enter__(self) -> Self:
        child = subprocess.Popen(  # noqa: S603 - this interpreter, a module of our own
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        if child.stdout is None:
            raise RuntimeError("the pipe asked for is not there")
        self._child = child
        self._listener = threading.Thread(target=self._listen, args=(child.stdout,), daemon=True)
        self._listener.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Its process."""
        return self._running().pid

    @property
    def progress(self) -> Progress:
        """How far it is; never waits."""
        return self._progress

    @property
    def exit_code(self) -> int | None:
        """How it ended, None while it runs; it says why on standard error."""
        return self._running().poll()

    def wait_ready(self, timeout: float) -> bool:
        """Wait until the model is fitted and the flights are read; False if it is not, or ended."""
        self._ready.wait(timeout)
        return self._progress.total is not None

    def consumed(self, records: int) -> None:
        """Tell it how many of its records were read so far; without this it stops to wait."""
        pipe = self._running().stdin
        try:
            if pipe is not None and not pipe.closed:
                pipe.write(f"consumed {records}\n")
                pipe.flush()
        except BrokenPipeError:
            return  # it has ended; exit_code tells

    def stop(self) -> int:
        """End it, and how it ended; may be called twice."""
        child = self._running()
        if child.stdin is not None and not child.stdin.closed:
            with contextlib.suppress(BrokenPipeError):
                child.stdin.close()
        try:
            code = child.wait(GRACE)
        except subprocess.TimeoutExpired:
            child.kill()
            code = child.wait()
        if self._listener is not None:
            self._listener.join()
        if child.stdout is not None:
            child.stdout.close()
        return code

    def _running(self) -> subprocess.Popen[str]:
        if self._child is None:
            raise RuntimeError("enter the context first")
        return self._child

    def _listen(self, lines: IO[str]) -> None:
        for line in lines:
            self._progress = self._progress.after(line)
            if self._progress.total is not None:
                self._ready.set()
        self._ready.set()
