"""When to ask, what is being asked, and how often to say that nobody answers."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from collectors.sources.kafka.options import REMINDER
from collectors.sources.kafka.questions import Question


class Timer:
    """Says when something is due again. A clock that went back makes it due, not late."""

    def __init__(self) -> None:
        self._next: float | None = None

    def due(self, now: float, every: float) -> bool:
        """Whether `every` seconds have passed; if so, they begin anew."""
        if self._next is not None and self._next - every <= now < self._next:
            return False
        self._next = now + every
        return True

    def hurry(self) -> None:
        """Make it due."""
        self._next = None


class Pending:
    """At most one question of a kind under way.

    Attributes:
        error: why the last one was not answered; None where it was.
    """

    def __init__(self) -> None:
        self.error: Exception | None = None
        self._question: Question | None = None
        self._asked = 0.0

    @property
    def free(self) -> bool:
        """Whether nothing is being asked."""
        return self._question is None

    def put(self, question: Question, now: float) -> None:
        """Ask."""
        self._question, self._asked = question, now

    def take(self, now: float, fresh: float | None = None) -> Any:
        """The answer, once; None while there is none, or if it was asked over `fresh` ago."""
        question = self._question
        if question is None or not question.done:
            return None
        self._question, self.error = None, None
        try:
            answer = question.answer()
        except Exception as error:
            self.error = error
            return None
        return answer if fresh is None or abs(now - self._asked) <= fresh else None

    def wait(self, seconds: float) -> bool:
        """Wait for the answer, so long at most; whether there was anything to wait for."""
        if self._question is None:
            return False
        self._question.wait(seconds)
        return True

    def drop(self) -> None:
        """Nobody will answer any more."""
        self._question = None


class Reminder:
    """Log lines about what is still waited for, one in a while."""

    def __init__(self, log: logging.Logger, servers: Sequence[str]) -> None:
        self._log = log
        self._servers = ",".join(servers)
        self._timer = Timer()

    def say(self, now: float, what: str, error: Exception | None = None, /, **fields: str) -> None:
        """Say it, unless something was said lately."""
        if self._timer.due(now, REMINDER):
            extra = {"bootstrap_servers": self._servers, **fields}
            if error is not None:
                extra["why"] = str(error) or repr(error)
            self._log.warning(what, extra=extra)
