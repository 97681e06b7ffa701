"""What of one model is shown: gauges and verdict of the newest closed window of each length.

What is shown is kept with the state, as it was shown: after a restart the first scrape is right
before a single pane was read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from collectors.family import Statistic
from collectors.summaries.state import State, Stored
from monitor import verdicts
from monitor.board import Board
from monitor.collection import Collection
from monitor.event_clock import NEVER, SECOND
from monitor.judging.judging import Judging
from monitor.verdicts import Verdict, without_scores
from monitor.windows import Pane, Windows

_Shown = dict[str, list[tuple[str, float, dict[str, str]]]]
"""Statistics by version."""


class Showcase:
    """The gauges of one model's windows; times in us."""

    def __init__(
        self,
        model: str,
        windows: Sequence[tuple[str, int]],
        collection: Collection,
        board: Board,
        judging: Judging | None = None,
    ) -> None:
        self._model = model
        self._windows = windows
        self._collection = collection
        self._board = board
        self._judging = judging
        self._subjects = collection.subjects
        self._closed_at = 0
        self._shown: dict[str, bytes] = {}
        self._versions: dict[str, Iterable[str]] = {}
        self._of_panes: dict[tuple[int, int], list[Statistic]] = {}

    def judge_by(self, judging: Judging) -> None:
        """Show these verdicts from the next window on."""
        self._judging = judging

    def of_pane(self, pane: Pane) -> list[Statistic]:
        """Every statistic of one pane, worked out once for the archive and the shortest window."""
        known = (id(pane), pane.rows)
        found = self._of_panes.get(known)
        if found is None:
            found = self._collection.statistics(pane.summaries, (pane.end - pane.start) / SECOND)
            self._of_panes[known] = found
        return found

    def forget_panes(self) -> None:
        """Let go of what was worked out: the panes may change, or go, from here on."""
        self._of_panes.clear()

    def show(self, windows: Windows, now: int | None = None) -> None:
        """Show the newest windows as they are now; `now` where they have moved."""
        if windows.closed_until == NEVER:
            return
        if now is not None:
            self._closed_at = now
        for name, length in self._windows:
            shown: _Shown = {}
            for key, pane in windows.current(length).items():
                found = [
                    *(
                        self.of_pane(pane)
                        if length == windows.pane
                        else self._collection.statistics(pane.summaries, length / SECOND)
                    ),
                    Statistic("window.rows", pane.rows),
                    Statistic("window.end", windows.closed_until / SECOND),
                    Statistic("window.closed", self._closed_at / SECOND),
                ]
                shown[key.version] = [(s.id, _number(s), dict(s.labels)) for s in found]
            self._shown[name] = msgspec.msgpack.encode(shown)
            self._put(name, length, shown, windows.closed_until)

    def state(self) -> State:
        """What is shown; the caller owns it."""
        return {"closed_at": self._closed_at, "windows": dict(self._shown)}

    def restore(self, stored: Stored) -> None:
        """Show what the state was taken of; a window that is not asked for any more is left out.

        Raises:
            StateError: the state is damaged.
        """
        self._closed_at = stored.whole("closed_at")
        windows = stored.part("windows")
        for name, length in self._windows:
            if name in windows:
                self._shown[name] = windows.blob(name)
                shown = msgspec.msgpack.decode(self._shown[name], type=_Shown)
                ends = [value for of in shown.values() for id, value, _ in of if id == "window.end"]
                end = round(max(ends) * SECOND) if ends else NEVER
                self._put(name, length, shown, end)

    def _put(
        self,
        name: str,
        length: int,
        shown: Mapping[str, list[tuple[str, float, dict[str, str]]]],
        end: int,
    ) -> None:
        for version in set(self._versions.get(name, ())) - shown.keys():
            self._board.drop_window(self._model, version, name)
        self._versions[name] = set(shown)
        rows = 0.0
        for version, statistics in shown.items():
            self._board.set_window(
                self._model, version, name, [Statistic(*one) for one in statistics]
            )
            rows += sum(value for id, value, _ in statistics if id == "window.rows")
        if self._judging is None:
            found: Mapping[str, Verdict] = dict.fromkeys(self._subjects, without_scores(int(rows)))
            reference = ""
        else:
            found = self._judging.verdicts(length, int(rows), end)
            reference = self._judging.reference
        given = verdicts.statistics(found, name, reference)
        self._board.replace_group(("verdict", self._model, name), given, self._model)


def _number(statistic: Statistic) -> float:
    if not isinstance(statistic.value, int | float):
        raise TypeError(f"{statistic.id}: a window's statistic is one number")
    return float(statistic.value)
