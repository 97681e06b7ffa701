"""The values that pages show: made in one place, read by the templates, and given out as JSON.

Times are seconds since the epoch, in event time unless it is said; shares are from 0 to 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct

State = Literal["alarm", "no_data", "insufficient_data", "no_reference", "waiting", "ok"]
"""Of a model: a verdict, or `waiting` where no window has closed yet."""

STATES: tuple[State, ...] = (
    "alarm",
    "no_data",
    "insufficient_data",
    "waiting",
    "no_reference",
    "ok",
)
"""Worst first."""


class Cause(Struct, frozen=True):
    """What changed, in words; `score` is none where only the quantities are known."""

    subject: str
    feature: str
    version: str
    kind: str
    reference: float
    now: float
    words: str
    score: float | None = None


class WindowState(Struct, frozen=True):
    """The newest window of one length.

    Attributes:
        since: when the alarm that goes on began.
        score: the largest; none where nothing was compared.
        threshold: what a window's score must pass alone.
        causes: of the newest flagged window, while in alarm.
    """

    window: str
    verdicts: Mapping[str, str]
    rows: int
    end: int | None
    since: int | None
    score: float | None
    threshold: float | None
    alarms_30d: int
    causes: Sequence[Cause]


class ModelLine(Struct, frozen=True):
    """One model among others.

    Attributes:
        says: what is wrong, or what to do, in one sentence.
        zone: in which its times are shown.
        closed: wall time at which the newest window closed.
        budget: false alarms that it may have, as the config states them for 30 days.
    """

    name: str
    state: State
    says: str
    since: int | None
    zone: str
    rows: int
    end: int | None
    closed: int | None
    versions: Sequence[str]
    reference: str
    certainty: str
    budget: float | None
    alarms_30d: int
    windows: Sequence[WindowState]


class Link(Struct, frozen=True):
    """Another page, and what is there."""

    path: str
    about: str


class Fleet(Struct, frozen=True):
    """Every model, worst first, and where else to look."""

    inferwatch: str
    models: Sequence[ModelLine]
    links: Sequence[Link]


class Bars(Struct, frozen=True):
    """Shares of named values; `reference` is none where there is no reference."""

    names: Sequence[str]
    now: Sequence[float]
    reference: Sequence[float] | None


class Curve(Struct, frozen=True):
    """Shares of numbers between edges, ascending; what is beyond them is in the first and last."""

    edges: Sequence[float]
    now: Sequence[float]
    reference: Sequence[float] | None


class Part(Struct, frozen=True):
    """One distribution of a column: its own (`name` is ""), or of its length, brightness ..."""

    name: str
    bars: Bars | None
    curve: Curve | None


class Numbers(Struct, frozen=True):
    """Of a number; none where there is no value."""

    mean: float | None
    stddev: float | None
    low: float | None
    middle: float | None
    high: float | None
    smallest: float | None
    largest: float | None


class Side(Struct, frozen=True):
    """A column in one window, or in the reference; shares of unseen are of the values present."""

    rows: int
    missing: float | None
    invalid: float | None
    unseen: float | None
    numbers: Numbers | None


class FeatureLine(Struct, frozen=True):
    """One feature, or the answers, in one window.

    Attributes:
        statistic: what the score is of.
        score: none where nothing was compared.
        ratio: score over threshold.
        quiet: why it opens no alarm, where it does not.
    """

    feature: str
    subject: str
    kind: str
    score: float | None
    ratio: float | None
    statistic: str
    words: str
    quiet: str
    now: Side
    reference: Side | None
    parts: Sequence[Part]


class Other(Struct, frozen=True):
    """A comparison that is of no single feature."""

    what: str
    score: float
    ratio: float | None
    words: str


class Figure(Struct, frozen=True):
    """One statistic of a window, for each version, and in the reference where it has it."""

    metric: str
    about: str
    unit: str
    labels: Mapping[str, str]
    versions: Mapping[str, float]
    reference: float | None


class Shown(Struct, frozen=True):
    """One window of a model, as the archive has it.

    Attributes:
        verdicts: as they were said then; none where the window was not judged.
        reference: what it was judged by; `compared` is what is drawn beside it.
        above_fixed: distances above a fixed threshold.
        features: the worst first.
    """

    window: str
    start: int
    end: int
    rows: Mapping[str, int]
    verdicts: Mapping[str, str]
    score: float | None
    threshold: float | None
    together: float | None
    reference: str
    compared: str
    above_fixed: Mapping[str, float]
    features: Sequence[FeatureLine]
    others: Sequence[Other]
    figures: Sequence[Figure]


class Judged(Struct, frozen=True):
    """What was said of one window."""

    window: str
    end: int
    state: str
    score: float
    threshold: float
    verdicts: Mapping[str, str]


class AlarmLine(Struct, frozen=True):
    """One alarm; `ended` is none while it goes on."""

    id: str
    model: str
    window: str
    zone: str
    time: int
    ended: int | None
    score: float
    rarity: str
    moved_first: str
    reference: str
    causes: Sequence[Cause]


class Note(Struct, frozen=True):
    """Something else that happened: a version, a reference, a mute; `time` is event time where it
    has one, else wall time."""

    time: int
    kind: str
    subject: str
    words: str


class Timeline(Struct, frozen=True):
    """Verdicts from `start` up to `end`, by length of window, and what happened between.

    Attributes:
        days: how many it was asked for.
        more: whether there is something before it.
    """

    start: int
    end: int
    days: int
    more: bool
    windows: Mapping[str, Sequence[Judged]]
    notes: Sequence[Note]


class ModelPage(Struct, frozen=True):
    """One model: now, in time, and one window of it.

    Attributes:
        advice: what to do, where something is not there yet.
        process: gauges of the model server's own process.
        trouble: why a part of it could not be read.
    """

    line: ModelLine
    advice: Sequence[str]
    timeline: Timeline
    shown: Shown | None
    alarms: Sequence[AlarmLine]
    process: Sequence[Figure]
    reports: Sequence[Link]
    trouble: Sequence[str]


class Track(Struct, frozen=True):
    """One feature over time, pane by pane: each list as long as `times`, none where it has none.

    Attributes:
        times: ends of the panes.
        values: statistics over all versions, by name.
        scores, threshold: the largest score of the feature, and what it had to pass.
    """

    times: Sequence[int]
    values: Mapping[str, Sequence[float | None]]
    scores: Sequence[float | None]
    threshold: Sequence[float | None]


class FeaturePage(Struct, frozen=True):
    """One feature of a model in one window, and over the days before it."""

    line: ModelLine
    shown: Shown | None
    feature: FeatureLine | None
    name: str
    days: int
    track: Track
    reference: Mapping[str, float]
    scores: Mapping[str, float]
    advice: Sequence[str]
    trouble: Sequence[str]


class AlarmPage(Struct, frozen=True):
    """One alarm, and its window."""

    alarm: AlarmLine
    line: ModelLine | None
    shown: Shown | None
    trouble: Sequence[str]


class Alarms(Struct, frozen=True):
    """Alarms of all models, the newest first."""

    alarms: Sequence[AlarmLine]
    days: int
    trouble: Sequence[str]


class JobLine(Struct, frozen=True):
    """One job; times are wall times, none where there was no run yet."""

    name: str
    last_success: int | None
    seconds: float | None
    failures: int
    next: int | None


class JobsPage(Struct, frozen=True):
    """The jobs."""

    jobs: Sequence[JobLine]


class MonitorPage(Struct, frozen=True):
    """The monitor's own state.

    Attributes:
        troubles: what is wrong with it, in words.
        figures: its own metrics.
    """

    inferwatch: str
    python: str
    ready: bool
    now: int
    troubles: Sequence[str]
    figures: Sequence[Figure]
    jobs: Sequence[JobLine]
    links: Sequence[Link]
