"""The sections of a model that say where things lie, and of what kind: match, fields, features."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from collectors.layout import Kind, LatencyUnit, OutputKind, Path, Where
from monitor.config_types import (
    FieldPath,
    Misplaced,
    Name,
    Number,
    Section,
    Text,
    Truth,
    Written,
    Zone,
    show,
)
from monitor.paths import format_path, parse_path


def _path_alone(value: Any) -> Any:
    return {"path": value} if isinstance(value, str) else value


def _paths_alone(value: Any) -> Any:
    return {"paths": value} if isinstance(value, list) else _path_alone(value)


def _names_once(values: tuple[str, ...] | None) -> tuple[str, ...] | None:
    for place, value in enumerate(values or ()):
        if value in (values or ())[:place]:
            raise Misplaced(f"{show(value)} is given twice; keep one of them", place)
    return values


Names = Annotated[tuple[Name, ...], AfterValidator(_names_once)]
AlsoPath = BeforeValidator(_path_alone)


def _one_of(section: Section, keys: tuple[str, ...]) -> None:
    if sum(getattr(section, key) not in (None, False) for key in keys) != 1:
        text = f"{', '.join(keys[:-1])} and {keys[-1]}"
        raise ValueError(f"exactly one of {text} is wanted; give one of them")


class Match(Section):
    """Which records are the model's: by topic, by a field's value, or by a header's."""

    topic: Text | None = Field(
        default=None, description="All records of this topic.", examples=["inferences"]
    )
    field: FieldPath | None = Field(
        default=None, description="Records in which this path holds `equals`.", examples=["model"]
    )
    header: Text | None = Field(
        default=None,
        description="Records whose header of this name holds `equals`.",
        examples=["model"],
    )
    equals: Name | None = Field(
        default=None, description="The value of `field` or `header`.", examples=["arrival-delay"]
    )

    @model_validator(mode="after")
    def _one(self) -> Match:
        _one_of(self, ("topic", "field", "header"))
        if (self.topic is None) != (self.equals is not None):
            text = "has no use beside topic; remove it"
            if self.topic is None:
                text = "is missing; say which value makes a record the model's"
            raise Misplaced(text, "equals")
        return self


class TimeField(Section):
    """Event time: ISO 8601, or an epoch in s, ms, us or ns, told apart by size."""

    path: FieldPath = Field(description="Where it lies.", examples=["timestamp"])
    timezone: Zone = Field(
        default="UTC",
        description="The zone of times that carry none.",
        examples=["America/New_York"],
    )


class LatencyField(Section):
    """How long the inference took."""

    path: FieldPath = Field(description="Where it lies.", examples=["latency_ms"])
    unit: LatencyUnit = Field(default="ms", description="Its unit.", examples=["s"])


class RequestIdField(Section):
    """A request's id: exactly one of the three."""

    path: FieldPath | None = Field(
        default=None, description="Where it lies in the record.", examples=["request_id"]
    )
    header: Text | None = Field(
        default=None, description="The header that holds it.", examples=["request-id"]
    )
    key: Truth = Field(default=False, description="The record's key is it.", examples=[True])

    @model_validator(mode="after")
    def _one(self) -> RequestIdField:
        _one_of(self, ("path", "header", "key"))
        return self

    def where(self) -> Where:
        """The same, as formats read it."""
        return Where(path=self.path, header=self.header, key=self.key)


class VersionField(Section):
    """The model's version: exactly one of the four."""

    path: FieldPath | None = Field(
        default=None, description="Where it lies in the record.", examples=["model_version"]
    )
    header: Text | None = Field(
        default=None, description="The header that holds it.", examples=["model-version"]
    )
    key: Truth = Field(default=False, description="The record's key is it.", examples=[True])
    topics: Mapping[Text, Name] | None = Field(
        default=None,
        min_length=1,
        description="The version of every record, by topic.",
        examples=[{"inferences-a": "1", "inferences-b": "2"}],
    )

    @model_validator(mode="after")
    def _one(self) -> VersionField:
        _one_of(self, ("path", "header", "key", "topics"))
        return self

    def where(self) -> Where:
        """The same, as formats read it."""
        return Where(path=self.path, header=self.header, key=self.key, topics=self.topics)


class FeaturesField(Section):
    """Where the features lie."""

    path: FieldPath | None = Field(
        default=None,
        description="The object that holds them by name, or the list.",
        examples=["features"],
    )
    names: Names | None = Field(
        default=None,
        min_length=1,
        description="Names of a list's places, in order.",
        examples=[["age", "income"]],
    )
    paths: tuple[FieldPath, ...] | None = Field(
        default=None,
        min_length=1,
        description="Each feature's own path, which is then its name. The whole of "
        "`fields.features` may also be just this list.",
        examples=[["age", "home.income"]],
    )

    @model_validator(mode="after")
    def _one(self) -> FeaturesField:
        _one_of(self, ("path", "paths"))
        if self.paths is not None and self.names is not None:
            raise Misplaced("has no use beside paths; remove it", "names")
        for place, path in enumerate(self.paths or ()):
            if path in (self.paths or ())[:place]:
                what = f"{format_path(path)} is given twice"
                raise Misplaced(f"{what}; keep one of them", "paths", place)
        return self

    def listed(self) -> dict[str, Path] | None:
        """Every feature's path by name, where they are listed; None for an object."""
        if self.paths is not None:
            return {format_path(path): path for path in self.paths}
        if self.names is not None:
            return {name: (*(self.path or ()), i) for i, name in enumerate(self.names)}
        return None


_FEATURES = Written("path, list of paths, or section")
_PATH = Written("path or section")


class Fields(Section):
    """Where the parts of an inference lie in a record: paths such as `a.b`, `a[0].b`.

    A key with dots in it is quoted: `a["b.c"]`.
    """

    request_id: Annotated[RequestIdField, AlsoPath, _PATH] | None = Field(
        default=None, description="The request's id.", examples=["request_id", {"key": True}]
    )
    time: Annotated[TimeField, AlsoPath, _PATH] | None = Field(
        default=None,
        description="Event time; without it, the broker's timestamp.",
        examples=["timestamp", {"path": "at", "timezone": "Europe/Berlin"}],
    )
    version: Annotated[VersionField, AlsoPath, _PATH] | None = Field(
        default=None,
        description="The model's version.",
        examples=["model_version", {"header": "model-version"}],
    )
    latency: Annotated[LatencyField, AlsoPath, _PATH] | None = Field(
        default=None,
        description="How long the inference took; a bare path is in ms.",
        examples=[{"path": "latency", "unit": "s"}],
    )
    error: FieldPath | None = Field(
        default=None,
        description="An error's name; null, false, 0 and an empty text are none.",
        examples=["error"],
    )
    status: FieldPath | None = Field(
        default=None,
        description="An HTTP-like status; 400 and above is an error.",
        examples=["status_code"],
    )
    features: Annotated[FeaturesField, BeforeValidator(_paths_alone), _FEATURES] | None = Field(
        default=None,
        description="The inputs.",
        examples=["features", ["age", "income"], {"path": "row", "names": ["age", "income"]}],
    )
    prediction: FieldPath | None = Field(
        default=None, description="The answer.", examples=["prediction"]
    )
    memory_bytes: FieldPath | None = Field(
        default=None,
        description="Memory that the inference took, in bytes.",
        examples=["usage.memory_bytes"],
    )
    cpu_seconds: FieldPath | None = Field(
        default=None, description="CPU time that it took, in seconds.", examples=["cpu_seconds"]
    )
    gpu_memory_bytes: FieldPath | None = Field(
        default=None,
        description="GPU memory that it took, in bytes.",
        examples=["gpu_memory_bytes"],
    )
    gpu_utilization_ratio: FieldPath | None = Field(
        default=None,
        description="How busy the GPU was, 0 to 1.",
        examples=["gpu_utilization_ratio"],
    )


class FeatureConfig(Section):
    """One input."""

    kind: Kind | None = Field(
        default=None,
        description="What it is; without it, found in the first rows.",
        examples=["number"],
    )
    range: Annotated[tuple[Number, ...], Field(min_length=2, max_length=2)] | None = Field(
        default=None,
        description="Smallest and largest valid number; others count as invalid.",
        examples=[[-120, 3000]],
    )
    categories: Annotated[Names, Field(min_length=1)] | None = Field(
        default=None,
        description="The valid names; others count as invalid.",
        examples=[["AA", "UA"]],
    )
    private: Truth = Field(
        default=False,
        description="Its values never enter a sample, and are known by their hashes alone.",
        examples=[True],
    )
    path: FieldPath | None = Field(
        default=None,
        description="Where it lies, from the record's root on.",
        examples=["context.age"],
    )

    @model_validator(mode="after")
    def _fitting(self) -> FeatureConfig:
        if self.range is not None and self.range[0] >= self.range[1]:
            what = f"{self.range[0]:g} is not below {self.range[1]:g}"
            raise Misplaced(f"{what}; write [smallest, largest]", "range")
        for key, kind in (("range", "number"), ("categories", "category")):
            if getattr(self, key) is not None and self.settled_kind != kind:
                what = f"has no use for a feature of kind {self.settled_kind}"
                raise Misplaced(f"{what}; set kind: {kind}, or remove the key", key)
        return self

    @property
    def settled_kind(self) -> Kind | None:
        """The kind, as far as the config says or implies it."""
        if self.kind is None and self.range is not None:
            return "number"
        return "category" if self.kind is None and self.categories is not None else self.kind


class OutputConfig(Section):
    """What the model answers."""

    kind: OutputKind | None = Field(
        default=None,
        description="What it is; without it, found in the first rows.",
        examples=["number"],
    )
    null_words: Names = Field(
        default=(),
        description="Texts that mean no answer, compared without case and outer white space.",
        examples=[["n/a", "unknown"]],
    )
    classes: Annotated[Names, Field(min_length=1)] | None = Field(
        default=None,
        description="Names of the scores' places, or the categories that an answer may take.",
        examples=[["cat", "dog"]],
    )
    private: Truth = Field(
        default=False,
        description="Answers never enter a sample, and are known by their hashes alone.",
        examples=[True],
    )

    @model_validator(mode="after")
    def _fitting(self) -> OutputConfig:
        if self.classes is not None and self.kind in ("number", "boolean"):
            what = f"has no use for an output of kind {self.kind}"
            raise Misplaced(f"{what}; set kind: category or scores, or remove the key", "classes")
        return self


def path_below(base: Path, name: str) -> Path:
    """Where a feature lies by its name: a path from `base` on, or a key if it is no path."""
    try:
        return (*base, *parse_path(name))
    except ValueError:
        return (*base, name)
