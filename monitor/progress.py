"""Progress of long work: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

from typing import TextIO

WIDTH = 40


class Progress:
    """Says how much of `total` is done, in steps that a person can follow."""

    def __init__(self, what: str, total: int, stream: TextIO) -> None:
        self._what = what
        self._total = max(total, 1)
        self._stream = stream
        self._bar = stream.isatty()
        self._said = -1

    def show(self, done: int) -> None:
        """Say it, if there is something new: each percent on a terminal, else each tenth."""
        percent = min(100 * done // self._total, 100)
        step = percent if self._bar else percent // 10 * 10
        if step <= self._said:
            return
        self._said = step
        if self._bar:
            filled = "#" * (WIDTH * percent // 100)
            end = "\n" if percent == 100 else ""
            self._stream.write(f"\r{self._what} [{filled:<{WIDTH}}] {percent:3}%{end}")
        else:
            self._stream.write(f"{self._what}: {done:,} of {self._total:,} ({percent}%)\n")
        self._stream.flush()
