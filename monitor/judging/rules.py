"""The settings of one model that have to do with its alarms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from monitor.judging.distances import Limits


@dataclass(frozen=True, slots=True)
class JudgingRules:
    """What the judging of a model is told by its config.

    Attributes:
        windows: name and length (us), shortest first.
        per_day: false alarms in a day that it may have.
        features: all of the model.
        methods: distances that are shown.
        min_effect: floors by kind of change, where they are others than the usual ones.
        mute: features that open no alarm, until when (us of event time).
        thresholds: fixed ones on distances, by feature; those are not scored.
        ends: event time at which the span of the reference ends (us); None where it has no times.
    """

    model: str
    windows: tuple[tuple[str, int], ...]
    per_day: float
    features: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    min_effect: Mapping[str, float] = field(default_factory=dict)
    mute: Mapping[str, int] = field(default_factory=dict)
    thresholds: Limits = field(default_factory=dict)
    ends: int | None = None
