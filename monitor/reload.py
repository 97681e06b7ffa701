"""Reloading: who asks for it, and what may not change without a restart."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator

from monitor.config import Config

PATIENCE = 60.0
"""Seconds that one who asked over HTTP waits for the answer."""


class NotReloaded(Exception):
    """The config is not taken over; the message says why, and what to do."""


class Request:
    """One wish for a reload; its answer is None, or the sentence why not."""

    def __init__(self) -> None:
        self._answered = threading.Event()
        self._answer: str | None = None

    def answer(self, refusal: str | None) -> None:
        """Say what came of it."""
        self._answer = refusal
        self._answered.set()

    def wait(self) -> str | None:
        """What came of it."""
        if not self._answered.wait(PATIENCE):
            return f"no answer within {PATIENCE:g} s; the log says what comes of it"
        return self._answer


class Reloads:
    """Wishes for a reload, from signals and from HTTP; the pipeline's thread sees to them."""

    def __init__(self) -> None:
        self._asked: queue.SimpleQueue[Request] = queue.SimpleQueue()

    def ask(self) -> Request:
        """Ask, and go on; safe in a signal's handler."""
        request = Request()
        self._asked.put(request)
        return request

    def ask_and_wait(self) -> str | None:
        """Ask, and wait: None when it went well, else why not."""
        return self.ask().wait()

    def waiting(self) -> Iterator[Request]:
        """The wishes so far."""
        while True:
            try:
                yield self._asked.get_nowait()
            except queue.Empty:
                return


def _letters_to(config: Config) -> object:
    """What says where dead letters of a topic go; None where they go to files."""
    return None if config.state.dead_letters.topic is None else config.source.kafka


def check_fixed(old: Config, new: Config) -> None:
    """That nothing changes which only a restart can change.

    Raises:
        NotReloaded: names the first key that does.
    """
    for section in ("state", "log"):
        before, after = getattr(old, section), getattr(new, section)
        for key in type(before).model_fields:
            if getattr(before, key) != getattr(after, key):
                raise NotReloaded(
                    f"{section}.{key} has changed, and only a restart can change it; restart, or "
                    "restore it"
                )
    if _letters_to(old) != _letters_to(new):
        raise NotReloaded(
            "source.kafka has changed, and dead letters go there too; restart, or restore it"
        )
