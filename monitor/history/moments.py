"""The windows of a model as they closed, one moment after the other, out of its archive."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from collectors.family import Statistic
from collectors.summaries.state import StateError, Stored
from monitor.archive import Archive, Unreadable
from monitor.archive_table import ClosedPane
from monitor.config_model import ModelConfig
from monitor.event_clock import DAY, NEVER, SECOND
from monitor.references.building import CannotBuild
from monitor.references.span import Span
from monitor.rollup import Rollup
from monitor.settling import Known, make_settled
from monitor.windows import Pane, PaneKey, Windows

LONGEST_SILENCE = 31 * DAY
"""How long a silence is told of, us: a log that goes on years later is another one."""

Shown = Mapping[str, Mapping[str, Sequence[Statistic]]]
"""Gauges, by window and version."""


@dataclass(frozen=True, slots=True)
class Moment:
    """The close of a pane. Times are in us.

    Attributes:
        end: event time at which the newest window of each length ends.
        published: wall time at which that was told.
        rows: of the newest window of each length, over all versions.
        shown: what is shown of it.
    """

    end: int
    published: int
    rows: Mapping[str, int]
    shown: Shown


@dataclass(slots=True)
class Moments:
    """The moments of one model.

    Attributes:
        amiss: what of the archive could not be used, and how often.
        damage: what is said of the files that are damaged.
    """

    config: ModelConfig
    windows: tuple[tuple[str, int], ...]
    _restoring: Windows
    amiss: Counter[str] = field(default_factory=Counter)
    damage: list[str] = field(default_factory=list)
    _closed: dict[tuple[int, PaneKey], Pane] = field(default_factory=dict)
    _rollup: Rollup[PaneKey, Pane] = field(init=False)

    def __post_init__(self) -> None:
        self._rollup = Rollup(
            lambda number, key: self._closed.get((number * self.pane, key)), Pane.merged
        )

    @classmethod
    def of(cls, config: ModelConfig, known: Known | None) -> Moments:
        """Of a model as it is configured, under the schema that was chosen for it.

        Raises:
            CannotBuild: there is none yet.
            SchemaMismatch: the schema has a column in another way than the config.
        """
        if known is None or (config.needs_discovery and known.discovery is None):
            raise CannotBuild(
                f"model {config.name} has no schema yet, and so no archive; run the daemon first"
            )
        layout = config.layout(known.discovery)
        if lacking := known.schema.lacks(layout):
            raise CannotBuild(
                f"the schema of model {config.name} lacks {', '.join(lacking)}, which the config "
                "asks for; let the daemon run with this config first"
            )
        settled = make_settled(config, layout, known.schema.declare(layout), time.perf_counter)
        lengths = tuple((name, round(s * SECOND)) for name, s in config.named_windows())
        pane = (lengths[0][1],)
        return cls(config, lengths, Windows(settled.collection, pane, lambda _start, _key: None))

    @property
    def pane(self) -> int:
        """Length of a pane, us."""
        return self.windows[0][1]

    @property
    def subjects(self) -> list[str]:
        """What verdicts are given on."""
        return self._restoring.collection.subjects

    def read(self, archive: Archive, span: Span, day: Callable[[int], None]) -> Iterator[Moment]:
        """Those whose newest panes lie in the span, silent ones between them too.

        Args:
            day: told of each pane's start.

        Raises:
            StateError, OSError: a day of the archive cannot be read.
        """
        longest = self.windows[-1][1]
        early = NEVER if span.start == NEVER else span.start - longest
        panes = archive.panes(self.config.name, early, span.end, self._is_damaged)
        edge = published = NEVER
        for start, group in groupby(panes, key=lambda pane: pane.start):
            whole = [pane for pane in group if self._fits(pane)]
            end = start + self.pane
            if not whole or end > span.end:
                continue
            if edge != NEVER:
                silent = min(start, edge + LONGEST_SILENCE)
                for quiet in range(edge + self.pane, silent + 1, self.pane):
                    self._forget(quiet)
                    if quiet > span.start:
                        yield self._moment(quiet, max(quiet, published), ())
            edge, published = end, max(pane.published for pane in whole)
            self._take_in(whole)
            self._forget(end)
            day(start)
            if end > span.start:
                yield self._moment(end, published, whole)

    def _is_damaged(self, error: Unreadable) -> None:
        self.damage.append(str(error))

    def _fits(self, pane: ClosedPane) -> bool:
        if pane.end - pane.start != self.pane or pane.start % self.pane:
            self.amiss["of another length"] += 1
            return False
        return True

    def _take_in(self, panes: Sequence[ClosedPane]) -> None:
        if len(self.windows) == 1:
            return
        for pane in panes:
            try:
                restored = self._restoring.restored(Stored(pane.as_open(), pane.model))
            except StateError:
                self.amiss["counted under another schema, and only in their own window"] += 1
                continue
            self._closed[pane.start, restored.key] = restored
            self._rollup.changed(pane.start // self.pane, restored.key)

    def _forget(self, end: int) -> None:
        oldest = end - self.windows[-1][1]
        for place in [place for place in self._closed if place[0] < oldest]:
            del self._closed[place]
        self._rollup.forget(oldest // self.pane)

    def _moment(self, end: int, published: int, panes: Sequence[ClosedPane]) -> Moment:
        shown: dict[str, dict[str, list[Statistic]]] = {}
        rows: Counter[str] = Counter()
        (shortest, _), *longer = self.windows
        found: list[tuple[str, str, int, Sequence[Statistic]]] = [
            (shortest, pane.version, pane.rows, pane.statistics) for pane in panes
        ]
        for name, length in longer:
            seconds = length / SECOND
            for key, pane in self._window(end, length):
                statistics = self._restoring.collection.statistics(pane.summaries, seconds)
                found.append((name, key.version, pane.rows, statistics))
        for name, version, number, some in found:
            rows[name] += number
            shown.setdefault(name, {})[version] = [
                *some,
                Statistic("window.rows", number),
                Statistic("window.end", end / SECOND),
                Statistic("window.closed", published / SECOND),
            ]
        return Moment(end, published, rows, shown)

    def _window(self, end: int, length: int) -> Iterator[tuple[PaneKey, Pane]]:
        first, last = (end - length) // self.pane, end // self.pane
        keys = {key for start, key in self._closed if end - length <= start < end}
        for key in sorted(keys):
            pane = self._rollup.window(first, last, key)
            if pane is not None:
                yield key, pane
