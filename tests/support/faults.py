"""A disk that fails, or a process that dies at it: stands in for `os` inside `monitor.disk`."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import Any

FAILING = ("write", "fsync", "replace", "unlink", "mkdir")


class Killed(BaseException):
    """The process ends here: nothing that handles errors, or tidies up after them, sees it."""


class FailingOs:
    """`os`, whose writing calls fail from the `first` one on, `times` of them in a row.

    A write that fails has written half of what it was given.
    """

    def __init__(self, first: int, times: int, number: int = errno.ENOSPC) -> None:
        self.calls = 0
        self.failed = 0
        self._first = first
        self._times = times
        self._errno = number

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        if name not in FAILING:
            return real

        def call(*arguments: Any, **more: Any) -> Any:
            self.calls += 1
            if self._first <= self.calls < self._first + self._times:
                self.failed += 1
                if name == "write":
                    handle, data = arguments
                    os.write(handle, bytes(data)[: len(data) // 2])
                raise self.error()
            return real(*arguments, **more)

        return call

    def error(self) -> BaseException:
        """What a call that fails raises."""
        return OSError(self._errno, os.strerror(self._errno))


class DyingOs(FailingOs):
    """`os`, at whose call of this number the process is killed."""

    def __init__(self, at: int) -> None:
        super().__init__(at, 1)

    def error(self) -> BaseException:
        return Killed()


class WatchedOs:
    """`os`, before each of whose writing calls something else is done, told the call's number."""

    def __init__(self, before: Callable[[int], None]) -> None:
        self.calls = 0
        self._before = before

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        if name not in FAILING:
            return real

        def call(*arguments: Any, **more: Any) -> Any:
            self.calls += 1
            self._before(self.calls)
            return real(*arguments, **more)

        return call
