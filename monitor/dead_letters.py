"""Where records go that could not be read: as they came, with where from and why.

A bounded share of them: at most `PER_SECOND`, each cut to `MOST_BYTES`, in two files of JSON lines
that take turns, so that they never hold more than `max_bytes`. What is not kept is counted all the
same: the counter is the truth, this is for looking.
"""

from __future__ import annotations

import base64
import logging
from pathlib import Path

import msgspec

from collectors.sources import Partition

log = logging.getLogger(__name__)

PER_SECOND = 100
MOST_BYTES = 64 * 1024


class DeadLetters:
    """A rotating file of records that are no inference."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self.path = folder / "dead-letters.jsonl"
        self._older = folder / "dead-letters.1.jsonl"
        self._half = max_bytes // 2
        self._allowance = float(PER_SECOND)
        self._last = 0.0
        self._failing = False

    def add(  # one record is all of these
        self,
        partition: Partition,
        offset: int,
        item: int,
        reason: str,
        value: bytes | None,
        now: float,
    ) -> None:
        """Keep one record, if the rate allows; `now` is wall time in seconds. Never raises."""
        since = max(now - self._last, 0.0)
        self._allowance = min(self._allowance + since * PER_SECOND, float(PER_SECOND))
        self._last = now
        if self._allowance < 1:
            return
        self._allowance -= 1
        line = msgspec.json.encode(
            {
                "topic": partition.topic,
                "partition": partition.number,
                "offset": offset,
                "item": item,
                "reason": reason,
                "bytes": None if value is None else len(value),
                "value": None if value is None else base64.b64encode(value[:MOST_BYTES]).decode(),
            }
        )
        try:
            self._write(line + b"\n")
            self._failing = False
        except OSError as error:
            if not self._failing:
                log.warning("dead letters are not kept", extra={"why": str(error)})
            self._failing = True

    def _write(self, line: bytes) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.path.exists() and self.path.stat().st_size + len(line) > self._half:
            self.path.replace(self._older)
        if len(line) <= self._half:
            with self.path.open("ab") as file:
                file.write(line)
