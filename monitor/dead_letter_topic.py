"""Dead letters in a topic of the Kafka that records are read from."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
from collections.abc import Callable
from typing import Any, Literal

from kafka import KafkaProducer
from kafka.errors import (
    CorruptRecordError,
    InvalidTimestampError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
)

from monitor.config_source import KafkaSource
from monitor.letter import Letter
from monitor.source import client_settings

log = logging.getLogger(__name__)

ROOM = 512
"""Letters that may wait; with those under way, the most that a broker's absence can cost."""

AT_ONCE = 64
"""Letters under way."""

RETRY = 1.0
"""Seconds after a failure before the next try."""

LAST_TRY = 2.0
"""Seconds that a stop, or a checkpoint, waits for what is under way."""

_HOPELESS = (
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    CorruptRecordError,
    InvalidTimestampError,
)

Count = Callable[[Literal["kept", "dropped", "failed"], int], None]


def producer_of(kafka: KafkaSource) -> Callable[[], Any]:
    """What makes a producer for the Kafka that the config reads from.

    Raises:
        OSError, UnicodeDecodeError: the file of the password cannot be read any more.
    """
    settings: dict[str, Any] = {
        "bootstrap_servers": list(kafka.bootstrap_servers),
        "client_id": "inferwatch",
        "acks": "all",
        # A letter may be written twice, under one key; a right for more is not asked for.
        "enable_idempotence": False,
        "allow_auto_create_topics": False,
        "bootstrap_timeout_ms": 2_000,
        "max_block_ms": 5_000,
        "request_timeout_ms": 5_000,
        "delivery_timeout_ms": 10_000,
        "metrics_enabled": False,
        **client_settings(kafka),
    }
    return lambda: KafkaProducer(**settings)


class LetterTopic:
    """Writes letters from a thread of its own; whoever puts one never waits.

    Letters are tried again for as long as Kafka cannot be written; meanwhile up to `ROOM` wait, and
    what comes beyond them is dropped and counted.

    Args:
        connect: makes a producer.
        count: told what became of letters.
    """

    def __init__(self, topic: str, connect: Callable[[], Any], count: Count) -> None:
        self.topic = topic
        self._connect = connect
        self._count = count
        self._waiting: queue.Queue[Letter | None] = queue.Queue(ROOM)
        self._producer: Any = None
        self._ending = threading.Event()
        self._idle = threading.Condition()
        self._pending = 0
        self._failing = False
        self._thread = threading.Thread(target=self._work, name="dead-letters", daemon=True)
        self._thread.start()

    def put(self, letter: Letter) -> None:
        """Have it written, if there is room."""
        with self._idle:
            self._pending += 1
        try:
            self._waiting.put_nowait(letter)
        except queue.Full:
            self._done("dropped")

    def sync(self, timeout: float = LAST_TRY) -> None:
        """Wait until everything that was put is written, so long at most."""
        with self._idle:
            self._idle.wait_for(lambda: self._pending == 0, timeout)

    def close(self, timeout: float = LAST_TRY) -> None:
        """Stop, after a last try; may be called twice."""
        self.sync(timeout)
        self._ending.set()
        with contextlib.suppress(queue.Full):  # it has letters to wake up for
            self._waiting.put_nowait(None)
        self._thread.join(timeout)

    def _work(self) -> None:
        while not self._ending.is_set():
            letters = self._some()
            while letters and not self._ending.is_set():
                letters = self._send(letters)
                if letters:
                    self._ending.wait(RETRY)
        if self._producer is not None:
            self._producer.close(timeout=LAST_TRY)

    def _some(self) -> list[Letter]:
        found = [self._waiting.get()]
        while len(found) < AT_ONCE and not self._waiting.empty():
            found.append(self._waiting.get())
        return [letter for letter in found if letter is not None]

    def _send(self, letters: list[Letter]) -> list[Letter]:
        """Those that are to be sent again."""
        try:
            if self._producer is None:
                self._producer = self._connect()
            sent = [(letter, self._begin(letter)) for letter in letters]
        except Exception as error:  # whatever it is, this thread has to live
            self._say(error)
            return letters
        return [letter for letter, future in sent if not self._ended(future)]

    def _ended(self, future: Any) -> bool:
        """Whether there is nothing more to do for what was sent."""
        try:
            future.get()
        except _HOPELESS as error:
            self._say(error)
            self._done("failed")
        except Exception as error:
            self._say(error)
            return False
        else:
            if self._failing:
                log.info("dead letters are written again", extra={"topic": self.topic})
            self._failing = False
            self._done("kept")
        return True

    def _begin(self, letter: Letter) -> Any:
        return self._producer.send(
            self.topic, key=letter.name.key, value=letter.value, headers=letter.headers()
        )

    def _done(self, outcome: Literal["kept", "dropped", "failed"]) -> None:
        self._count(outcome, 1)
        with self._idle:
            self._pending -= 1
            self._idle.notify_all()

    def _say(self, error: Exception) -> None:
        if not self._failing:
            what = {"topic": self.topic, "why": str(error) or repr(error)}
            log.warning("dead letters cannot be written: tried again", extra=what)
        self._failing = True
