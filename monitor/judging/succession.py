"""How a model's judging is succeeded by another: when a reference is accepted, or has grown.

What is in force stands in the state folder (`monitor/references/in_force.py`). The daemon looks
whether that has changed, makes the judging by it in a thread of its own, and takes it over between
two batches.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from collectors.schema import SchemaError, SchemaMismatch
from collectors.summaries.state import StateError
from monitor.event_clock import NEVER, SECOND
from monitor.references.in_force import Change, InForce, pointer, read

if TYPE_CHECKING:
    from monitor.judging.judging import Judging

log = logging.getLogger(__name__)

LOOKS = SECOND
"""Time between two looks at the file, us of wall time."""

RETRY = 600 * SECOND
"""Time after which what could not be taken over is tried again, us of wall time."""

CANNOT = (StateError, SchemaError, SchemaMismatch, OSError, ValueError)
"""What making a judging raises where the file, the config and the schema do not fit."""

_Stamp = tuple[int, int, int] | None


@dataclass(slots=True)
class Succession:
    """Of one model whose configured reference has the id `base`.

    Attributes:
        folder: of references that were accepted or grown.
        make: makes the judging by one of these; by the configured reference where there is none.
        changes: all that were made since the configured reference, in order.
    """

    model: str
    folder: Path
    base: str
    make: Callable[[Change | None], Judging]
    changes: tuple[Change, ...] = ()
    _current: str = ""
    _seen: _Stamp = None
    _looked: int = NEVER
    _retry: int | None = None
    _thread: threading.Thread | None = None
    _made: Judging | None = None
    _failed: bool = False

    def begin(self) -> Judging:
        """The judging by what is in force now; by the configured reference where that is damaged
        or does not fit, which is said."""
        self._seen = self._stamp()
        try:
            made = self._of(self._known())
        except CANNOT as error:
            log.error(  # noqa: TRY400  # a person is told, and needs no traceback
                "what was accepted cannot be used: the configured reference is in force",
                extra={"model": self.model, "why": str(error)},
            )
            made = self._of(None)
        self._current = made.reference
        return made

    def made(self, now: int) -> Judging | None:
        """The judging by what has come into force since, once it is made; `now` is in us."""
        if self._thread is not None:
            if self._thread.is_alive():
                return None
            self._thread = None
            if self._failed:
                self._retry = now + RETRY
            made, self._made = self._made, None
            if made is not None:
                self._current = made.reference
            return made
        if 0 <= now - self._looked < LOOKS:
            return None
        self._looked = now
        stamp = self._stamp()
        again = self._retry is not None and now >= self._retry
        if stamp != self._seen or again:
            self._seen, self._retry = stamp, None
            self._thread = threading.Thread(target=self._work, name="reference", daemon=True)
            self._thread.start()
        return None

    def _work(self) -> None:
        self._failed = False
        try:
            known = self._known()
            if (self.base if known is None else known.newest.id) != self._current:
                self._made = self._of(known)
        except Exception as error:  # whatever it is, rows are counted on
            self._failed = True
            log.warning(
                "what was accepted cannot be used: the reference stays as it is",
                extra={"model": self.model, "reference": self._current, "why": str(error)},
            )

    def _of(self, known: InForce | None) -> Judging:
        made = self.make(None if known is None else known.newest)
        made.succession = self
        self.changes = () if known is None else known.changes
        return made

    def _known(self) -> InForce | None:
        """What is in force instead of the configured reference."""
        known = read(self.folder, self.model)
        if known is not None and known.base != self.base:
            log.warning(
                "the config names another reference: what was accepted is not in force any more",
                extra={"model": self.model, "accepted": known.newest.id, "reference": self.base},
            )
            return None
        return known

    def _stamp(self) -> _Stamp:
        try:
            found = pointer(self.folder, self.model).stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino
