"""Where records go that could not be used: as they came, with where from and why.

A bounded share of them: at most `PER_SECOND`, each cut to `MOST_BYTES`, in files that never pass
`max_bytes` or in a topic of Kafka. What is not kept is counted all the same: the counters are the
truth, this is for looking. A letter is known by the place of its record in the log, so that what is
read again after a crash is not kept twice.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from collectors.family import Statistic
from collectors.sources import Partition
from monitor.board import Board
from monitor.config import Config
from monitor.dead_letter_files import LetterFiles
from monitor.letter import Name, make_letter

if TYPE_CHECKING:
    from monitor.dead_letter_topic import LetterTopic

log = logging.getLogger(__name__)

PER_SECOND = 100
"""Letters a second that are kept; so many may come at once, too."""

Outcome = Literal["kept", "dropped", "failed"]
OUTCOMES: tuple[Outcome, ...] = ("kept", "dropped", "failed")
"""What becomes of a letter: `dropped` for want of room or time, `failed` where the place did."""


def _uncounted(outcome: Outcome, number: int) -> None:
    """For those who do not ask."""


class DeadLetters:
    """Keeps letters in files of one folder, or in a topic. No method raises.

    Args:
        count: told what became of letters, by any thread.
        topic: where they go instead of the files.
    """

    def __init__(
        self,
        folder: Path,
        max_bytes: int,
        count: Callable[[Outcome, int], None] = _uncounted,
        topic: LetterTopic | None = None,
    ) -> None:
        self.files = LetterFiles(folder, max_bytes)
        self._topic = topic
        self._count = count
        self._known: set[Name] = set()
        self._allowance = float(PER_SECOND)
        self._last = 0.0
        self._failing = False
        for outcome in OUTCOMES:
            count(outcome, 0)

    def resume(self, positions: Mapping[Partition, int]) -> None:
        """These partitions are read from these offsets on: know the letters that are kept already.

        A topic is not looked at: there the key tells doubles.
        """
        self._known = {name for name in self._known if name.partition not in positions}
        if self._topic is not None:
            return
        try:
            self._known |= self.files.names(positions)
        except OSError as error:
            log.warning("dead letters cannot be read: some may be kept twice", extra=_why(error))

    def add(
        self,
        partition: Partition,
        offset: int,
        item: int,
        reason: str,
        value: bytes | None,
        now: float,
    ) -> None:
        """Keep one record, if the rate allows; `now` is wall time in seconds."""
        if self._known and (name := Name(partition, offset, item)) in self._known:
            self._known.discard(name)
            self._count("kept", 1)
            return
        if not self._allowed(now):
            self._count("dropped", 1)
            return
        letter = make_letter(partition, offset, item, reason, value)
        if self._topic is not None:
            self._topic.put(letter)
            return
        try:
            self._count("kept" if self.files.put(letter) else "dropped", 1)
        except OSError as error:
            self._count("failed", 1)
            if not self._failing:
                log.warning("dead letters are not kept", extra=_why(error))
            self._failing = True
        else:
            if self._failing:
                log.info("dead letters are kept again")
            self._failing = False

    def sync(self) -> None:
        """Make durable what was added, before a checkpoint that goes past it. For any thread."""
        try:
            if self._topic is None:
                self.files.sync()
            else:
                self._topic.sync()
        except OSError as error:
            log.debug("dead letters cannot be synced: %s", error)

    def close(self) -> None:
        """Give back what it holds, after a last try at what is under way."""
        if self._topic is not None:
            self._topic.close()

    def _allowed(self, now: float) -> bool:
        since = max(now - self._last, 0.0)
        self._last = now
        self._allowance = min(self._allowance + since * PER_SECOND, float(PER_SECOND))
        if self._allowance < 1:
            return False
        self._allowance -= 1
        return True


def make_dead_letters(config: Config, board: Board) -> DeadLetters:
    """The place that a config asks for; what becomes of letters shows on the board.

    Raises:
        OSError, UnicodeDecodeError: the file of Kafka's password cannot be read any more.
    """
    section = config.state.dead_letters
    count = partial(_count_on, board)
    topic: LetterTopic | None = None
    if section.topic is not None and config.source.kafka is not None:
        from monitor.dead_letter_topic import LetterTopic, producer_of

        topic = LetterTopic(section.topic, producer_of(config.source.kafka), count)
    return DeadLetters(config.state.dir, section.max_bytes, count, topic)


def _count_on(board: Board, outcome: Outcome, number: int) -> None:
    board.add(Statistic("dead_letters", number, {"outcome": outcome}))


def _why(error: OSError) -> dict[str, str]:
    return {"why": str(error)}
