"""References that are shown beside the fixed one, and decide nothing: the window before, and the
same hour of the week, or weekday, over some weeks."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from collectors.drift.comparisons import Summaries, merge
from collectors.family import Statistic
from collectors.summaries.state import State, StateError, Stored
from monitor.board import Board
from monitor.event_clock import NEVER
from monitor.judging import distances, shown
from monitor.judging.spans import Spans, Window
from monitor.windows import Pane

Kind = Literal["previous", "seasonal"]

WEEKS = 4
"""Weeks that `seasonal` is merged of, the newest that have rows."""

LOOKED_AT = 8
"""Weeks back that are looked at for them."""

PANES = 4
"""Panes fetched in one turn: most come from disk, and rows are waiting."""

PAUSE = 500_000
"""Wall time between two turns that fetch some, us."""

_COMPARED = ("inputs", "outputs")

Panes = Callable[[int], Sequence[Pane]]
"""The last revision of every closed pane that starts then, of all versions."""


@dataclass(frozen=True, slots=True)
class BesideRules:
    """What is shown of one model, and by which distances."""

    kinds: tuple[Kind, ...] = ()
    methods: tuple[str, ...] = ()
    ignore: frozenset[str] = frozenset()
    min_rows: int = 1
    zone: str = "UTC"


NOTHING = BesideRules()


@dataclass(slots=True)
class _Side:
    """One window: rows and summaries by version."""

    rows: dict[str, int] = field(default_factory=dict)
    versions: dict[str, Summaries] = field(default_factory=dict)

    def add(self, pane: Pane) -> None:
        """Take in one of its panes."""
        version = pane.key.version
        part = {name: pane.summaries[name] for name in _COMPARED if name in pane.summaries}
        known = self.versions.get(version)
        self.versions[version] = part if known is None else merge((known, part))
        self.rows[version] = self.rows.get(version, 0) + pane.rows


@dataclass(slots=True)
class _Length:
    """One length of window.

    Attributes:
        window: the newest whole one; None before the first.
        due: whether what is shown of it is still to be worked out.
        shown, encoded: what is shown, and the same as states have it.
        known: the newest window that was worked out: the next one's previous.
    """

    name: str
    length: int
    window: Window | None = None
    due: bool = False
    shown: Sequence[Statistic] = ()
    encoded: bytes = b""
    known: tuple[Window, _Side] | None = None


class Beside:
    """Compares the newest window of each length with the past; event times in us.

    What is shown is a function of the panes alone, as they are by now: unlike a verdict it follows
    rows that came late. Panes are fetched a few at a time, while rows are read on.
    """

    def __init__(
        self,
        rules: BesideRules,
        model: str,
        windows: Sequence[tuple[str, int]],
        board: Board,
        panes: Panes,
    ) -> None:
        self.rules = rules
        self._model = model
        self._board = board
        self._panes = panes
        self._pane = windows[0][1]
        self._spans = Spans(rules.zone, self._pane)
        self._lengths = [_Length(*one) for one in windows]
        self._running: tuple[_Length, Iterator[None]] | None = None
        self._worked_at = NEVER
        for one in self._lengths:  # the board may know something from before a reload
            self._put(one, ())

    def closed(self, starts: Sequence[int], closed_until: int) -> None:
        """Panes that start then were closed or revised, and all are closed up to `closed_until`.

        What is shown of a window that is not the newest any more goes at once.
        """
        for one in self._lengths if self.rules.kinds else ():
            window = self._spans.newest(one.length, closed_until)
            if window != one.window:
                one.window, one.due = window, window is not None
                self._put(one, ())
            elif starts and window is not None:
                one.due |= any(w.holds(s) for w in self._used(one.length, window) for s in starts)
            if one.known is not None and any(map(one.known[0].holds, starts)):
                one.known = None
            if one.due and self._running is not None and self._running[0] is one:
                self._running = None

    def work(self, now: int) -> None:
        """Do a part of what is due; `now` is wall time in us."""
        if now - self._worked_at < PAUSE:
            return
        for _ in range(PANES):
            if self._running is None:
                one = next((one for one in self._lengths if one.due), None)
                if one is None or one.window is None:
                    return
                one.due = False
                self._running = (one, self._shown_of(one, one.window))
            self._worked_at = now
            if next(self._running[1], self) is self:
                self._running = None

    def set_back(self, closed_until: int) -> None:
        """The wall clock was set back, and with it what counts as closed."""
        self._worked_at = NEVER
        self.closed((), closed_until)

    def state(self) -> State:
        """What is shown; the caller owns it."""
        running = None if self._running is None else self._running[0]
        return {
            one.name: {
                "window": None if one.window is None else [one.window.start, one.window.end],
                "due": one.due or one is running,
                "shown": one.encoded,
            }
            for one in self._lengths
        }

    def restore(self, stored: Stored, closed_until: int, *, same: bool) -> None:
        """Show what the state was taken of; where the config is not the `same`, it is worked out.

        Raises:
            StateError: it is damaged.
        """
        for one in self._lengths if same and self.rules.kinds else ():
            if one.name not in stored:
                continue
            part = stored.part(one.name)
            if part.given("window"):
                try:
                    self._take(one, part)
                except (msgspec.MsgspecError, KeyError, TypeError, ValueError) as error:
                    what = (
                        f"what model {self._model} shows beside its reference is damaged: {error}"
                    )
                    raise StateError(what) from error
        self.closed((), closed_until)

    def _take(self, one: _Length, part: Stored) -> None:
        start, end = part.rows("window")
        one.window, one.due = Window(int(start), int(end)), part.truth("due")
        self._put(one, shown.kept(part.blob("shown")) if part.blob("shown") else ())

    def _put(self, one: _Length, statistics: Sequence[Statistic]) -> None:
        one.shown = statistics
        one.encoded = msgspec.msgpack.encode([tuple(s) for s in statistics]) if statistics else b""
        self._board.replace_group(("beside", self._model, one.name), statistics, self._model)

    def _used(self, length: int, window: Window) -> Iterator[Window]:
        """All windows that what is shown of this one may rest on."""
        yield window
        yield self._spans.previous(length, window)
        for weeks in range(1, LOOKED_AT + 1):
            earlier = self._spans.earlier(length, window, weeks)
            if earlier is not None:
                yield earlier

    def _shown_of(self, one: _Length, window: Window) -> Generator[None, None, None]:
        """Work out what is shown of a window, and show it; it stops after each pane's start."""
        found: list[Statistic] = []
        now = yield from self._side(one, window)
        if self._enough(now):
            for kind in self.rules.kinds:
                past = yield from self._past(kind, one, window)
                if self._enough(past):
                    found += self._compared(kind, one, now, merge(past.versions.values()))
        one.known = (window, now)
        self._put(one, found)

    def _past(self, kind: Kind, one: _Length, window: Window) -> Generator[None, None, _Side]:
        if kind == "previous":
            return (yield from self._side(one, self._spans.previous(one.length, window)))
        past, weeks = _Side(), 0
        for ago in range(1, LOOKED_AT + 1):
            earlier = self._spans.earlier(one.length, window, ago)
            if earlier is None or weeks == WEEKS:
                break
            before = sum(past.rows.values())
            yield from self._gather(past, earlier)
            weeks += sum(past.rows.values()) > before
        return past

    def _side(self, one: _Length, window: Window) -> Generator[None, None, _Side]:
        if one.known is not None and one.known[0] == window:
            return one.known[1]
        side = _Side()
        yield from self._gather(side, window)
        return side

    def _gather(self, side: _Side, window: Window) -> Generator[None, None, None]:
        for start in window.panes(self._pane):
            for pane in self._panes(start):
                side.add(pane)
            yield

    def _enough(self, side: _Side) -> bool:
        return bool(side.rows) and sum(side.rows.values()) >= self.rules.min_rows

    def _compared(
        self, kind: Kind, one: _Length, now: _Side, past: Summaries
    ) -> Iterator[Statistic]:
        methods, ignore = self.rules.methods, self.rules.ignore
        of: Mapping[str, str] = {"window": one.name, "reference": kind}
        together = merge(now.versions.values())
        yield from distances.of_inputs(together, past, methods, of, ignore)
        for version, summaries in now.versions.items():
            if now.rows[version] >= self.rules.min_rows:
                labels = {**of, "version": version}
                yield from distances.of_answers(summaries, past, methods, labels)
        if one is self._lengths[0]:
            # These have no label for the length: what is drawn is the shortest.
            yield from distances.of_reference(past, kind, ignore)
