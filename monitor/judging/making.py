"""From the config of a model to its judging."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from collectors.drift.calibrated import DAYS, HOUR, Rules
from collectors.drift.comparisons import Comparison
from collectors.schema import Schema
from collectors.summaries.state import StateError
from monitor.board import Board
from monitor.config_model import ModelConfig
from monitor.disk import make_folder, sync_folders
from monitor.event_clock import SECOND
from monitor.judging import fixed
from monitor.judging.calibrations import Calibrations
from monitor.judging.first import FirstPanes
from monitor.judging.judging import DAY, Judging
from monitor.judging.rules import JudgingRules
from monitor.judging.succession import Succession
from monitor.model import ModelRules, Settled
from monitor.references.building import Task
from monitor.references.file import Reference, load
from monitor.references.fitting import Fitting
from monitor.references.from_archive import from_archive
from monitor.references.in_force import Change, file_of, first_path, load_fitting
from monitor.references.span import Span
from monitor.settling import Known, Settling

log = logging.getLogger(__name__)

_ONE_AT_A_TIME = threading.Lock()
"""A reload may begin to make a reference that is being made."""


def make_judging(
    model: ModelConfig, rules: ModelRules, settling: Settling, state: Path
) -> Callable[[Settled, Board], Judging | FirstPanes | None]:
    """Makes the judging of a model once it is settled; None where it has no reference.

    The first time it waits for the calibration of the reference, some seconds.
    """
    making = _Making(model, rules, settling, state)

    def make(settled: Settled, board: Board) -> Judging | FirstPanes | None:
        settings = model.reference
        if settings is None or not settings.fixed:
            return None
        if settings.path is not None and settling.reference is not None:
            return making.in_force(settings.path, settling.reference, settled, board)
        return making.first(settings.first or 0, settled, board)

    return make


def asked(model: ModelConfig) -> Rules:
    """What the calibration of a reference is asked for by the config of its model."""
    alarms = model.alarms
    lengths = {round(seconds * SECOND) for _, seconds in model.named_windows()}
    return Rules(
        budget=model.alarms_per_day * DAYS,
        min_rows=alarms.min_rows,
        zone=model.timezone,
        ignore=frozenset(alarms.ignore),
        subjects=frozenset(alarms.subjects),
        days={HOUR, DAY} <= lengths,
        fixed=frozenset(alarms.thresholds),
    )


@dataclass(frozen=True, slots=True)
class _Making:
    model: ModelConfig
    rules: ModelRules
    settling: Settling
    state: Path

    @property
    def folder(self) -> Path:
        """Where references lie that the daemon made, or that were accepted."""
        return self.state / "references"

    def in_force(self, path: Path, base: Reference, settled: Settled, board: Board) -> Judging:
        """The judging by what is in force: the configured reference, or what succeeded it.

        Raises:
            StateError, OSError: of the configured one; see `Calibrations.of`.
        """

        def make(change: Change | None) -> Judging:
            if change is None:
                return self.judging(path, base, settled, board)
            known = Known.read(self.settling.path)
            if known is None:
                raise StateError(f"{self.settling.path} is gone; restore it from a backup")
            file = file_of(self.folder, self.model.name, change.id)
            fitting = Fitting(self.model, file, self.settling.path)
            reference = load_fitting(change.id, fitting, known)
            made = self.judging(file, reference, settled, board)
            made.origin = {**change.about(), "base": base.id}
            return made

        return Succession(self.model.name, self.folder, base.id, make).begin()

    def judging(self, path: Path, reference: Reference, settled: Settled, board: Board) -> Judging:
        """The judging by a reference in a file.

        Raises:
            StateError, OSError: see `Calibrations.of`.
        """
        alarms = self.model.alarms
        told = JudgingRules(
            model=self.model.name,
            windows=self.rules.windows,
            per_day=self.model.alarms_per_day,
            features=tuple(settled.schema.columns),
            methods=alarms.live_methods,
            min_effect=alarms.min_effect,
            mute={name: round(until.timestamp() * SECOND) for name, until in alarms.mute.items()},
            thresholds=alarms.thresholds,
            ends=reference.panes[-1].end if reference.pane else None,
        )
        calibrated = Calibrations(self.state / "calibrations").of(
            path, reference, asked(self.model)
        )
        for said in fixed.amiss(alarms.thresholds, calibrated.merged):
            log.warning("a fixed threshold says nothing", extra={"why": said})
        had = [one for one in calibrated.comparisons if _had(one, settled.schema)]
        calibrated = replace(calibrated, comparisons=had)
        return Judging(told, calibrated, board, settled.collection.subjects)

    def first(self, needed: int, settled: Settled, board: Board) -> Judging | FirstPanes:
        """The judging by the first panes, if they were there before; else what waits for them."""
        path = first_path(self.state, self.model.name, needed)
        if path.exists():
            return self.in_force(path, load(path), settled, board)
        pane, min_rows = self.rules.time.pane, self.model.alarms.min_rows

        def make(start: int, end: int) -> Judging | None:
            with _ONE_AT_A_TIME:
                return (
                    self.in_force(path, load(path), settled, board)
                    if path.exists()
                    else build(start, end)
                )

        def build(start: int, end: int) -> Judging | None:
            make_folder(path.parent)
            aside = path.with_suffix(".new")
            task = Task(
                config=self.model,
                known=Known.read(self.settling.path),
                out=aside,
                now=time.time_ns() // 1000,
                span=Span(start, end),
                progress=lambda _what, _of: lambda _done: None,
            )
            built = from_archive(task, self.state / "archive")
            rows: Counter[int] = Counter()
            for one in built.reference.panes:
                rows[one.start] += one.rows
            if sum(number >= min_rows for number in rows.values()) < needed:
                return None  # the newest ones are not on disk yet
            aside.replace(path)
            sync_folders([path.parent])
            return self.in_force(path, load(path), settled, board)

        return FirstPanes(self.model.name, needed, pane, min_rows, make)


def _had(one: Comparison, schema: Schema) -> bool:
    """Whether the windows of a model with this schema have what is compared."""
    if one.key.subject == "output":
        return schema.output is not None
    return not one.key.feature or one.key.feature in schema.columns
