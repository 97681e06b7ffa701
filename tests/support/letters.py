"""Dead letters in files, written without a daemon, and read again."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from collectors.sources import Partition
from monitor.dead_letters import DeadLetters

P, Q = Partition("t", 0), Partition("t", 1)
ROOMY = 1 << 30


class Letters:
    """Dead letters with a count, and a clock that leaves room for any number of them."""

    def __init__(self, folder: Path, max_bytes: int = ROOMY) -> None:
        self.counts: Counter[str] = Counter()
        self.place = DeadLetters(folder, max_bytes, self._count)
        self.now = 0.0

    def _count(self, outcome: str, number: int) -> None:
        self.counts[outcome] += number

    def add(
        self, offset: int, partition: Partition = P, item: int = -1, value: bytes = b"x"
    ) -> None:
        """Add one, a second after the last."""
        self.now += 1
        self.place.add(partition, offset, item, "malformed", value, self.now)


def read(folder: Path) -> list[dict[str, Any]]:
    """Every letter in the files, the oldest first."""
    files = [folder / "dead-letters.1.jsonl", folder / "dead-letters.jsonl"]
    return [json.loads(x) for f in files if f.exists() for x in f.read_bytes().splitlines()]


def names(folder: Path) -> list[tuple[int, int, int]]:
    """Partition, offset and item of each."""
    return [(one["partition"], one["offset"], one["item"]) for one in read(folder)]
