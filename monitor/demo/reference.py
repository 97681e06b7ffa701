"""The demo's reference: its first four weeks, built as `inferwatch reference build` does."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from collectors.drift.calibration.seasons import iso_day
from monitor.config import Config
from monitor.judging.families import empty
from monitor.judging.stored import unpack
from monitor.references.building import Task
from monitor.references.file import Reference
from monitor.references.from_files import from_files
from monitor.references.span import Span

WEEKS = 4
DAYS = 7 * WEEKS
"""Days of the reference."""

LEAST_DAYS = DAYS + 2
"""Days of a replay from which on there is something to compare with a reference."""


def build(config: Config, records: Path, out: Path) -> Reference:
    """Build the reference of the config's one model from a file of records, in `out`.

    Raises:
        CannotBuild: the file cannot be read, or lacks a feature.
        OSError: the reference cannot be written.
    """
    now = time.time_ns() // 1000
    task = Task(config.models[0], None, out, now, Span(), _silent)
    return from_files(task, [str(records)], config.source.max_record_bytes).reference


def sentence(reference: Reference, calibrations: Path, ignore: frozenset[str]) -> str:
    """What the reference is, and how far alarms can rest on it, by its one calibration there.

    Raises:
        StateError: the calibration is damaged.
        OSError: it cannot be read.
    """
    kept = next(calibrations.glob("*.calibration"))
    calibrated = unpack(kept.read_bytes(), str(kept), empty(reference.schema, ignore))
    calibration, rows = calibrated.calibration, calibrated.merged["inputs"].rows
    hourly, certainty = calibration.hourly, str(calibration.certainty)
    judged, dropped = (0, ()) if hourly is None else (hourly.judged, hourly.dropped)
    if certainty == "extrapolated":
        certainty += f" x{calibration.beyond:.0f}"
    return (
        f"Reference: {rows:,} flights in {len(reference.panes):,} hours, {judged:,} judged; "
        f"days dropped: {', '.join(map(iso_day, dropped)) or 'none'}; {certainty}."
    )


def _silent(_what: str, _total: int) -> Callable[[int], None]:
    return lambda _done: None
