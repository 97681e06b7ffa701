"""A disk that fails: stands in for the module `os` inside `monitor.disk`."""

from __future__ import annotations

import errno
import os
from typing import Any

FAILING = ("write", "fsync", "replace", "unlink", "mkdir")


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
                raise OSError(self._errno, os.strerror(self._errno))
            return real(*arguments, **more)

        return call
