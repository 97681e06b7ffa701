"""What a process holds of the machine over time, and whether it grows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

MOST_MORE = 0.02
"""Share by which memory may grow from the second quarter to the last."""

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Held:
    """What a process held of the machine, sample by sample."""

    rss: Sequence[int]
    threads: Sequence[int]
    files: Sequence[int]

    @property
    def more(self) -> float:
        """Growth of memory, as a share, from the second quarter to the last."""
        return _last(self.rss) / _second(self.rss) - 1

    @property
    def leaks(self) -> bool:
        """Whether threads or files are always more in the last quarter than ever in the second."""
        both = (self.threads, self.files)
        return any(min(_quarter(some, 3)) > max(_quarter(some, 1)) for some in both)

    def said(self) -> str:
        """In a line."""
        threads, files = (f"{_second(s):.0f} to {_last(s):.0f}" for s in (self.threads, self.files))
        return (
            f"RSS {_second(self.rss) / MIB:.1f} to {_last(self.rss) / MIB:.1f} MiB "
            f"({self.more:+.1%}), threads {threads}, files {files}"
        )


def _quarter(some: Sequence[int], number: int) -> Sequence[int]:
    edge = len(some) // 4
    return some[number * edge : (number + 1) * edge]


def _second(some: Sequence[int]) -> float:
    return median(_quarter(some, 1))


def _last(some: Sequence[int]) -> float:
    return median(_quarter(some, 3))
