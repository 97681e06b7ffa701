"""What `inferwatch reference show` does: a reference read, calibrated, told and drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from collectors.drift.calibrated import Rules
from monitor.disk import write_whole
from monitor.judging.distances import Limits
from monitor.references import fixed_cost, show, trial_lines
from monitor.references.facts import calibration, gather
from monitor.references.file import load
from monitor.references.picture import missing, picture
from monitor.references.trial import USUAL, Trial, on_trial

PICTURES = (".png", ".svg")


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be shown.

    Attributes:
        rules: of the model's config; the usual ones for a file by itself.
        state: the folder that keeps calibrations; None where there is none.
        thresholds: fixed ones of the config.
        min_effect: floors of the config, by kind of change.
    """

    path: Path
    rules: Rules = USUAL
    state: Path | None = None
    thresholds: Limits = field(default_factory=dict)
    min_effect: Mapping[str, float] = field(default_factory=dict)


def text(asked: Asked, say: Callable[[str], None]) -> tuple[Trial | None, list[str]]:
    """A reference in words, line by line, and on trial, where it can be calibrated.

    Raises:
        StateError, OSError: it cannot be read, or not be calibrated.
    """
    reference = load(asked.path)
    facts = gather(reference)
    lines = list(show.lines(reference, facts, asked.rules.min_rows))
    state, _ = calibration(reference, facts, asked.rules.min_rows)
    if state == "uncalibrated":
        return None, lines
    say("calibrating: some seconds")
    trial = on_trial(asked.path, reference, asked.rules, asked.state, asked.min_effect)
    if trial is not None:
        if asked.state is None:
            lines.append("  rules       the usual ones; name the model for those of its config")
        lines += trial_lines.lines(trial)
        if asked.thresholds:
            lines += ["", *fixed_cost.lines(trial, asked.thresholds)]
    return trial, lines


def drawable(path: Path) -> None:
    """Whether there can be such a picture, before anything else is done.

    Raises:
        ValueError: it is neither a PNG nor an SVG.
        ImportError: Matplotlib is not installed.
        OSError: its folder is not there.
    """
    if path.suffix not in PICTURES:
        raise ValueError(f"{path}: a picture is a .png or a .svg; name it so")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path.parent}: no such folder; make it first")
    if missing():
        raise ImportError("a picture needs Matplotlib; install inferwatch[pictures]")


def draw(trial: Trial | None, path: Path) -> None:
    """Write the picture.

    Raises:
        ValueError: there is nothing to draw.
        OSError: it cannot be written.
    """
    if trial is None:
        raise ValueError("no picture: without a calibration there are no scores to draw")
    write_whole(path, picture(trial, path.suffix.removeprefix(".")))
