"""A reference of the first panes of live traffic: waited for, then made while rows are read on."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from collectors.summaries.state import State, Stored
from monitor.judging.judging import Judging
from monitor.references.building import CannotBuild
from monitor.windows import Pane

log = logging.getLogger(__name__)


MOST = 100_000
"""Panes that are remembered while too few of them can be judged."""


@dataclass(slots=True)
class FirstPanes:
    """Waits until so many panes that can be judged have closed.

    Attributes:
        pane: length of one, us.
        min_rows: rows of a pane that can be judged, over all versions.
        make: makes the judging of the panes from a start up to an end (us) in the archive; None
            where they are not all there yet. It is called from a thread of its own.
    """

    model: str
    needed: int
    pane: int
    min_rows: int
    make: Callable[[int, int], Judging | None]
    _rows: dict[tuple[int, str], int] = field(default_factory=dict)
    _thread: threading.Thread | None = None
    _made: Judging | None = None
    _look: bool = True

    def closed(self, panes: Sequence[Pane]) -> None:
        """Take note of panes that closed or were revised."""
        for pane in panes:
            self._rows[pane.start, pane.key.version] = pane.rows
        while len(self._rows) > MOST:
            del self._rows[min(self._rows)]
        self._look = self._look or bool(panes)

    def made(self) -> Judging | None:
        """The judging, once it is made; begins to make it as soon as the panes are there.

        Where it cannot be made, the next pane that closes is waited for.
        """
        if self._thread is not None:
            if self._thread.is_alive():
                return None
            self._thread = None
            return self._made
        span = self._span() if self._look else None
        self._look = False
        if span is not None:
            self._thread = threading.Thread(
                target=self._work, args=span, name="reference", daemon=True
            )
            self._thread.start()
        return None

    def state(self) -> State:
        """All that it holds; the caller owns it."""
        return {"rows": [[*place, rows] for place, rows in self._rows.items()]}

    def restore(self, stored: Stored) -> None:
        """Become what the state was taken of."""
        self._rows = {(start, version): rows for start, version, rows in stored.rows("rows")}

    def _span(self) -> tuple[int, int] | None:
        """From the first pane to the end of the last one needed; None where there are too few."""
        rows: Counter[int] = Counter()
        for (start, _), number in self._rows.items():
            rows[start] += number
        enough = sorted(start for start, number in rows.items() if number >= self.min_rows)
        if len(enough) < self.needed:
            return None
        return min(rows), enough[self.needed - 1] + self.pane

    def _work(self, start: int, end: int) -> None:
        try:
            self._made = self.make(start, end)
        except CannotBuild as error:  # most of all: not all of them are on disk yet
            log.info("the first panes are not a reference yet", extra=self._why(error))
        except Exception as error:  # whatever it is, rows are counted on
            what = "the reference of the first panes cannot be made: it is tried again"
            log.warning(what, extra=self._why(error))

    def _why(self, error: Exception) -> dict[str, str]:
        return {"model": self.model, "why": str(error)}
