"""A reference on trial: its calibration, and what its own panes do under that."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

import numpy as np

from collectors.drift.calibrate import timeline
from collectors.drift.calibrated import DAYS, Calibration, Rules
from collectors.drift.calibration.fitted import Fitted
from collectors.drift.calibration.measures import Floats
from collectors.drift.calibration.seasons import Ints
from collectors.drift.comparisons import Summaries
from collectors.drift.detectable import Detectable, Windows
from monitor.config_alarms import Alarms
from monitor.judging.calibrations import Calibrations
from monitor.judging.child import panes_of
from monitor.judging.stored import Calibrated
from monitor.references.file import Reference

USUAL = Rules(budget=Alarms().budget.per_day * DAYS, min_rows=Alarms().min_rows, zone="UTC")
"""What a calibration is asked for where no config says otherwise."""


@dataclass(frozen=True)
class Trial:
    """A reference whose hours are calibrated.

    Attributes:
        hourly: the fit of its hours.
        panes: summaries of all versions together, by start (us).
        min_effect: floors by kind of change, where they are others than the usual ones.
    """

    reference: Reference
    calibrated: Calibrated
    hourly: Fitted
    panes: Mapping[int, Summaries]
    min_effect: Mapping[str, float] = field(default_factory=dict)

    @property
    def calibration(self) -> Calibration:
        """Of hours and days."""
        return self.calibrated.calibration

    @cached_property
    def windows(self) -> Windows:
        """Its panes, as windows that changes can be put into."""
        rules = self.calibration.rules
        one = self.calibrated
        return Windows(
            self.hourly,
            one.comparisons,
            self.panes,
            one.merged,
            rules.zone,
            rules.min_rows,
            self.min_effect,
        )

    @cached_property
    def changes(self) -> tuple[Detectable, ...]:
        """How small a change each column would show."""
        return tuple(self.windows.changes())

    def held_out(self) -> tuple[Ints, Floats]:
        """Starts (us) of its panes that could be judged, and the largest held-out score of each."""
        found, reference = self.calibrated.comparisons, self.reference
        starts = timeline(found, self.panes, reference.pane, reference.left_out)
        largest = self.hourly.largest
        given = np.isfinite(largest)
        return starts[given], largest[given]

    def passed(self) -> tuple[int, int]:
        """Hours of it that pass a threshold: alone, and at most as two of three.

        At most, for of the largest score alone it cannot be said whether it is of the same column.
        """
        largest = np.nan_to_num(self.hourly.largest, nan=-np.inf)
        over = np.concatenate(([False, False], largest > self.hourly.together.value))
        again = over[2:] & (over[1:-1] | over[:-2])
        alone = largest > self.hourly.alone.value
        return int(alone.sum()), int((again & ~alone).sum())


def on_trial(
    path: Path,
    reference: Reference,
    rules: Rules,
    state: Path | None,
    min_effect: Mapping[str, float] = MappingProxyType({}),
) -> Trial | None:
    """Calibrate the reference in a file; None where no threshold on it is safe.

    Args:
        state: folder where calibrations are kept; one that another user owns, or that is not
            there, stays as it is.

    Raises:
        StateError, OSError: see `Calibrations.of`.
    """
    with _folder(state) as folder:
        calibrated = Calibrations(folder).of(path, reference, rules)
    hourly = calibrated.calibration.hourly
    if hourly is None:
        return None
    panes = panes_of(reference, rules.ignore)
    return Trial(reference, calibrated, hourly, panes, min_effect)


@contextlib.contextmanager
def _folder(state: Path | None) -> Iterator[Path]:
    if state is not None and state.is_dir() and state.stat().st_uid == os.geteuid():
        kept = state / "calibrations"
        if os.access(kept if kept.is_dir() else state, os.W_OK):
            yield kept
            return
    with tempfile.TemporaryDirectory(prefix="inferwatch-") as folder:
        yield Path(folder)
