"""The section `models`: what one model's log looks like, and how it is to be watched."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, PrivateAttr, field_validator, model_validator

from collectors.discovery import Discovery, Hints
from collectors.layout import ImageLimits, Layout, Path
from monitor.config_alarms import Alarms, Share
from monitor.config_fields import FeatureConfig, Fields, Match, OutputConfig
from monitor.config_layout import build_hints, build_layout
from monitor.config_limits import Limits, check_limits
from monitor.config_reference import ReferenceConfig
from monitor.config_types import (
    Count,
    Duration,
    File,
    Misplaced,
    Number,
    Section,
    Size,
    SomeDuration,
    Text,
    Zone,
    show,
)
from monitor.durations import format_duration

DAY = 86_400.0
LOOKED_AT = 8
"""Weeks back that `seasonal` looks for the four that it is merged of."""

_MODEL_NAME = re.compile(r"(?!\.{1,2}$)[a-zA-Z0-9_.-]{1,100}")


def _ascending(values: tuple[float, ...]) -> tuple[float, ...]:
    for place, value in enumerate(values[1:], 1):
        if value <= values[place - 1]:
            what = f"{value:g} does not pass {values[place - 1]:g} before it"
            raise Misplaced(f"{what}; put them in ascending order, each once", place)
    return values


class Process(Section):
    """The model server's own process, read where this daemon runs: exactly one of the three."""

    pid: Count | None = Field(default=None, description="Its process id.", examples=[4711])
    pid_file: File | None = Field(
        default=None,
        description="File that holds its process id, read again when the process is gone.",
        examples=["/run/model.pid"],
    )
    name: Text | None = Field(
        default=None,
        description="Its name; of several, the one that started first.",
        examples=["tritonserver"],
    )

    @model_validator(mode="after")
    def _one(self) -> Process:
        if sum(value is not None for value in (self.pid, self.pid_file, self.name)) != 1:
            raise ValueError("exactly one of pid, pid_file and name is wanted; give one of them")
        return self


class Images(Section):
    """What an image may weigh before anything of it is decoded."""

    max_bytes: Size = Field(
        default=ImageLimits.max_bytes,
        description="Encoded bytes; a larger image is counted as undecodable.",
        examples=["10MiB"],
    )
    max_pixels: Count = Field(
        default=ImageLimits.max_pixels,
        description="Width times height; a larger image is counted as undecodable.",
        examples=[50_000_000],
    )


class Caps(Section):
    """How many values a label may take; the rest is counted together, as `__other__`."""

    versions: Count = Field(default=20, description="Versions of the model.", examples=[20])
    classes: Count = Field(default=100, description="Classes of its answers.", examples=[100])
    errors: Count = Field(default=50, description="Reasons of errors.", examples=[50])


class ModelConfig(Section):
    """One model. Durations are in seconds, sizes in bytes."""

    name: Text = Field(
        description="Its name in every metric: letters, digits, `_`, `.` and `-`, at most 100.",
        examples=["arrival-delay"],
    )
    match: Match | None = Field(
        default=None,
        description="Which records are its own; needed as soon as there are two models.",
    )
    format: Literal["json"] = Field(
        default="json", description="What the records are written in.", examples=["json"]
    )
    fields: Fields | None = Field(
        default=None,
        description="Where the parts of an inference lie; without it, found in the first rows.",
    )
    features: Mapping[Text, FeatureConfig] | None = Field(
        default=None,
        min_length=1,
        description="The inputs by name; without it, found in the first rows. A name is also the "
        "path from `fields.features` on, if the feature has no `path` of its own.",
    )
    output: OutputConfig = Field(
        default_factory=OutputConfig, description="What the model answers."
    )
    process: Process | None = Field(
        default=None, description="The model server's own process, to be watched beside the log."
    )
    reference: ReferenceConfig | None = Field(
        default=None, description="What live traffic is compared with."
    )
    alarms: Alarms = Field(
        default_factory=Alarms, description="What may ring, and how often for nothing."
    )
    limits: Limits = Field(
        default_factory=Limits, description="Fixed bounds that alert rules judge by."
    )
    replicas: Count = Field(
        default=1,
        description="How many daemons watch this model, each its share of the traffic, as sidecars "
        "do: each has this part of the budget.",
        examples=[3],
    )
    windows: tuple[SomeDuration, ...] = Field(
        default=(3_600.0, DAY),
        min_length=1,
        max_length=10,
        description="Lengths of the windows, in event time. The first divides a day, each other "
        "one is a whole multiple of the first.",
        examples=[["1h", "1d"]],
    )
    lateness: Duration = Field(
        default=300.0,
        description="How far behind the newest event time of its partition a row may lie before "
        "its window closes without it.",
        examples=["5m"],
    )
    keep_late: Duration = Field(
        default=DAY,
        description="How long after its window's close a late row still makes a revision.",
        examples=["1d"],
    )
    idle_timeout: SomeDuration = Field(
        default=60.0,
        description="How long a partition must be read to its end before it holds nothing back.",
        examples=["1m"],
    )
    max_future: Duration = Field(
        default=300.0,
        description="How far past the broker's time an event time may lie before the row is "
        "counted as `future` and left out.",
        examples=["5m"],
    )
    forget_after: SomeDuration = Field(
        default=7 * DAY,
        description="How long a version must be unseen before its counters go.",
        examples=["7d"],
    )
    timezone: Zone = Field(
        default="UTC",
        description="Where days begin, and what an hour of the day is (IANA name).",
        examples=["America/New_York"],
    )
    latency_buckets: Annotated[tuple[Number, ...], AfterValidator(_ascending)] = Field(
        default=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
        min_length=1,
        max_length=100,
        description="Upper bounds of the latency histogram's buckets, in seconds.",
        examples=[[0.01, 0.1, 1]],
    )
    quantiles: Annotated[tuple[Number, ...], AfterValidator(_ascending)] = Field(
        default=(0.05, 0.5, 0.95),
        min_length=1,
        max_length=20,
        description="Quantiles exported of every window, between 0 and 1.",
        examples=[[0.5, 0.99]],
    )
    images: Images = Field(
        default_factory=Images, description="What an image may weigh before it is decoded."
    )
    caps: Caps = Field(default_factory=Caps, description="How many values a label may take.")
    _max_record_bytes: int = PrivateAttr(default=1024 * 1024)
    _share: Share | None = PrivateAttr(default=None)

    @field_validator("name")
    @classmethod
    def _nameable(cls, value: str) -> str:
        if not _MODEL_NAME.fullmatch(value):
            allowed = "letters, digits, underscores, dots and hyphens"
            raise ValueError(f"{show(value)} is not a model's name; use at most 100 {allowed}")
        return value

    @field_validator("windows")
    @classmethod
    def _tiling(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        pane = value[0]
        if DAY / pane != DAY // pane or pane != int(pane):
            what = f"{format_duration(pane)} does not divide a day into whole seconds"
            raise Misplaced(f"{what}; write for example 5m, 1h or 1d", 0)
        for place, window in enumerate(value[1:], 1):
            if window % pane:
                what = f"{format_duration(window)} is no whole multiple of {format_duration(pane)}"
                raise Misplaced(f"{what}, the first window; write one that is", place)
        return _ascending_windows(value)

    @field_validator("latency_buckets")
    @classmethod
    def _positive(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if value[0] <= 0:
            raise Misplaced(f"{value[0]:g} is not above 0; write seconds, for example 0.01", 0)
        return value

    @field_validator("quantiles")
    @classmethod
    def _between(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        for place, quantile in enumerate(value):
            if not 0 < quantile < 1:
                what = f"{quantile:g} is not between 0 and 1"
                raise Misplaced(f"{what}; write for example 0.95", place)
        return value

    @model_validator(mode="after")
    def _features_fit(self) -> ModelConfig:
        known = self.listed_features()
        for name, feature in (self.features or {}).items():
            if known is not None and name not in known and feature.path is None:
                what = "is not among the names of fields.features, and has no path"
                raise Misplaced(f"{what}; add it there, or give it a path", "features", name)
        return self

    @model_validator(mode="after")
    def _limits_fit(self) -> ModelConfig:
        check_limits(self)
        return self

    def listed_features(self) -> Mapping[str, Path] | None:
        """The features that `fields.features` lists by path or by name; None if it does not."""
        place = None if self.fields is None else self.fields.features
        return None if place is None else place.listed()

    def named_windows(self) -> tuple[tuple[str, float], ...]:
        """Each window's name (`1h`) and seconds, shortest first."""
        return tuple((format_duration(window), window) for window in self.windows)

    @property
    def late(self) -> float:
        """Seconds after a window's end for which rows of it may still come."""
        return self.lateness + self.keep_late

    @property
    def reads_back(self) -> tuple[float, str]:
        """How far back closed windows are asked for, in seconds of event time, and by what."""
        longest, reference = self.windows[-1], self.reference
        asked = [(longest, f"its window of {format_duration(longest)}")]
        if reference is not None and reference.first is not None:
            first = reference.first * self.windows[0]
            asked.append((first, f"its reference of the first {reference.first} panes"))
        if reference is not None and "seasonal" in reference.beside:
            weeks = LOOKED_AT * 7 * DAY + longest
            asked.append((weeks, f"its seasonal reference of the last {LOOKED_AT} weeks"))
        return max(asked, key=lambda one: one[0])

    @property
    def needs_kept(self) -> float:
        """Seconds for which closed windows may still be asked for, in event time, and a day more
        for what comes late."""
        return self.reads_back[0] + self.late + DAY

    @property
    def needs_discovery(self) -> bool:
        """Whether something is left open that the first rows have to say."""
        if self.fields is None:
            return True
        listed = self.listed_features() or {}
        features = self.features or {}
        if self.fields.features is not None and self.features is None:
            return True
        if any(name not in features for name in listed):
            return True
        if any(feature.settled_kind is None for feature in features.values()):
            return True
        return self.fields.prediction is not None and self.output.kind is None

    def hints(self) -> Hints:
        """What the config says, for `collectors.discover.discover`."""
        return build_hints(self)

    def layout(self, discovery: Discovery | None) -> Layout:
        """Where everything lies; what the config says wins over what was found.

        Raises:
            ValueError: `needs_discovery`, and there is none.
        """
        if discovery is None and self.needs_discovery:
            raise ValueError(f"{self.name}: the config leaves fields open; discover them first")
        return build_layout(self, discovery, self._max_record_bytes)

    @property
    def spends_shared(self) -> bool:
        """Whether it has alarms, and no budget of its own for them."""
        stated = "budget" in self.alarms.model_fields_set
        return self.reference is not None and self.reference.fixed and not stated

    def share_budget(self, share: Share) -> None:
        """Take over its share of the file's budget."""
        self._share = share

    @property
    def alarms_per_day(self) -> float:
        """False alarms in a day that this daemon may have of it."""
        share = self._share
        whole = self.alarms.budget.per_day if share is None else share.budget.per_day / share.models
        return whole / self.replicas

    @property
    def budget_in_words(self) -> str:
        """`1 per 30d`, and how it came about where it is a part of something."""
        share, how = self._share, []
        if share is not None:
            models = "models" if share.models > 1 else "model"
            how.append(f"a share of {share.budget} of {share.models} {models}")
        if self.replicas > 1:
            how.append(f"divided by {self.replicas} replicas")
        if not how:
            return str(self.alarms.budget)
        return f"{self.alarms_per_day * 30:.3g} per 30d: {', '.join(how)}"

    def limit_records(self, max_bytes: int) -> None:
        """Take over the source's limit, which the layout repeats."""
        self._max_record_bytes = max_bytes


def _ascending_windows(value: tuple[Any, ...]) -> tuple[float, ...]:
    for place, window in enumerate(value[1:], 1):
        if window <= value[place - 1]:
            before = format_duration(value[place - 1])
            what = f"{format_duration(window)} does not pass {before} before it"
            raise Misplaced(f"{what}; put them in ascending order, each once", place)
    return value
