"""The section `limits` of a model: fixed bounds, each exported as a metric for alert rules."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from collectors.layout import Kind
from monitor.config_types import (
    Misplaced,
    Number,
    Section,
    Size,
    SomeDuration,
    Text,
    Written,
    show,
)

if TYPE_CHECKING:
    from monitor.config_model import ModelConfig


def _share(value: float) -> float:
    if not 0 <= value <= 1:
        raise ValueError(f"{value:g} is not a share from 0 to 1; write for example 0.05")
    return value


def _above_nothing(value: float) -> float:
    if value <= 0:
        raise ValueError(f"{value:g} is not above 0; write a number that is")
    return value


SomeShare = Annotated[Number, AfterValidator(_share)]
Positive = Annotated[Number, AfterValidator(_above_nothing)]
Shares = Annotated[Mapping[Text, SomeShare], Written("shares by feature")]
_BY_FEATURE = Written("section by feature")


class _Between(Section):
    """A least and a most, of which one may be left out."""

    @model_validator(mode="after")
    def _ordered(self) -> _Between:
        least, most = getattr(self, "min", None), getattr(self, "max", None)
        if least is None and most is None:
            raise ValueError("gives neither min nor max; give one of them, or both")
        if least is not None and most is not None and least > most:
            what = f"{least:g} is above max, which is {most:g}"
            raise Misplaced(f"{what}; write a min that is not above max", "min")
        return self


class Between(_Between):
    """Bounds of a quantity."""

    min: Positive | None = Field(default=None, description="Below it is too low.", examples=[5])
    max: Positive | None = Field(default=None, description="Above it is too high.", examples=[100])


class BetweenShares(_Between):
    """Bounds of something between 0 and 1."""

    min: SomeShare | None = Field(default=None, description="Below it is too low.", examples=[0.1])
    max: SomeShare | None = Field(default=None, description="Above it is too high.", examples=[0.6])


class Length(Section):
    """Bounds of a mean length, by unit."""

    chars: Between | None = Field(default=None, description="Of a text.")
    words: Between | None = Field(default=None, description="Of a text.")
    items: Between | None = Field(default=None, description="Of a list.")

    @model_validator(mode="after")
    def _some(self) -> Length:
        if not self.given:
            raise ValueError("gives no unit; give chars or words of a text, or items of a list")
        return self

    @property
    def given(self) -> dict[str, Between]:
        """The bounds by unit."""
        units = {"chars": self.chars, "words": self.words, "items": self.items}
        return {unit: bounds for unit, bounds in units.items() if bounds is not None}


class Limits(Section):
    """Fixed bounds, in plain numbers. Each becomes a metric of its own (`docs/limits.md`), which
    the shipped alert rules compare with what is measured; what has no limit opens no such alert."""

    latency_p50: SomeDuration | None = Field(
        default=None, description="Most that half of the inferences may take.", examples=["50ms"]
    )
    latency_p90: SomeDuration | None = Field(
        default=None, description="The same of 90%.", examples=["100ms"]
    )
    latency_p95: SomeDuration | None = Field(
        default=None, description="The same of 95%.", examples=["150ms"]
    )
    latency_p99: SomeDuration | None = Field(
        default=None, description="The same of 99%.", examples=["200ms"]
    )
    error_ratio: SomeShare | None = Field(
        default=None,
        description="Largest share of inferences that may end in an error.",
        examples=[0.01],
    )
    null_ratio: SomeShare | None = Field(
        default=None, description="Largest share of answers that may be null.", examples=[0.05]
    )
    missing: Shares = Field(
        default_factory=dict,
        description="Largest share of rows in which a feature may be missing.",
        examples=[{"dep_delay": 0.1}],
    )
    invalid: Shares = Field(
        default_factory=dict,
        description="Largest share of a feature's values that may be invalid or unseen.",
        examples=[{"carrier": 0.02}],
    )
    throughput: Between | None = Field(
        default=None, description="Inferences a second.", examples=[{"min": 5, "max": 100}]
    )
    log_memory: Size | None = Field(
        default=None,
        description="Largest mean memory of an inference, as the log gives it.",
        examples=["512MiB"],
    )
    log_cpu: SomeDuration | None = Field(
        default=None,
        description="Largest mean processor time of an inference, as the log gives it.",
        examples=["250ms"],
    )
    process_memory: Size | None = Field(
        default=None, description="Most memory of the model server.", examples=["2GiB"]
    )
    process_cpu: Positive | None = Field(
        default=None,
        description="Most processor cores that the model server may keep busy.",
        examples=[1.5],
    )
    length: Annotated[Mapping[Text, Length], _BY_FEATURE] = Field(
        default_factory=dict,
        description="Mean lengths of texts and lists, by feature and unit.",
        examples=[{"comment": {"words": {"min": 3, "max": 500}}}],
    )
    brightness: Annotated[Mapping[Text, BetweenShares], _BY_FEATURE] = Field(
        default_factory=dict,
        description="Mean brightness of images, 0 (black) to 1 (white), by feature.",
        examples=[{"photo": {"min": 0.1, "max": 0.9}}],
    )
    items: Positive | None = Field(
        default=None, description="Largest mean number of inferences in a record.", examples=[64]
    )
    bytes: Size | None = Field(
        default=None, description="Largest mean size of a record.", examples=["256KiB"]
    )
    rerun_mismatch_ratio: SomeShare | None = Field(
        default=None,
        description="Largest share of repeated inputs that may be answered differently.",
        examples=[0.01],
    )
    rerun_stddev: Positive | None = Field(
        default=None,
        description="Largest standard deviation of the answers to equal inputs.",
        examples=[0.5],
    )
    class_ratio: Annotated[Mapping[Text, BetweenShares], Written("section by class")] = Field(
        default_factory=dict,
        description="Shares of classes among the answers.",
        examples=[{"late": {"max": 0.6}}],
    )
    silence: SomeDuration | None = Field(
        default=None,
        description="Longest time without an inference, in hours that have any; 15m without it "
        "where the model has a reference.",
        examples=["15m"],
    )

    def by_feature(self) -> Iterator[tuple[str, str]]:
        """Key and feature of each limit that is of a feature."""
        for key in ("missing", "invalid", "length", "brightness"):
            for name in getattr(self, key):
                yield key, name


_NEEDS: Mapping[str, Sequence[str]] = {
    **dict.fromkeys(("latency_p50", "latency_p90", "latency_p95", "latency_p99"), ("latency",)),
    "error_ratio": ("error", "status"),
    "log_memory": ("memory_bytes",),
    "log_cpu": ("cpu_seconds",),
    **dict.fromkeys(
        ("null_ratio", "rerun_mismatch_ratio", "rerun_stddev", "class_ratio"), ("prediction",)
    ),
}
"""Of which of `fields` a limit needs one."""


def check_limits(model: ModelConfig) -> None:
    """That each limit of the model has something that it is of.

    Raises:
        Misplaced: names the first that has nothing, and what to do.
    """
    for key, value in model.limits:
        if value is not None and value != {}:
            _check_fields(model, key)
    for key, name in model.limits.by_feature():
        _check_feature(model, key, name)
    _check_classes(model)


def _check_fields(model: ModelConfig, key: str) -> None:
    needed = _NEEDS.get(key, ())
    fields = model.fields
    if fields is not None and needed and all(getattr(fields, one) is None for one in needed):
        names = " or ".join(f"fields.{one}" for one in needed)
        raise Misplaced(f"there is no {names} to judge; add it, or remove this limit", *_at(key))
    if key.startswith("process_") and model.process is None:
        what = "there is no process to look at"
        raise Misplaced(f"{what}; add it to the model, or remove this limit", *_at(key))


def _check_feature(model: ModelConfig, key: str, name: str) -> None:
    listed = model.listed_features()
    if listed is None and model.features is None:
        return  # which there are is found in the first rows
    declared = model.features or {}
    if name not in declared and name not in (listed or {}):
        near = difflib.get_close_matches(name, [*(listed or {}), *declared], n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else "add it to features, or remove this limit"
        raise Misplaced(f"is no feature of the model; {hint}", *_at(key, name))
    kind = declared[name].settled_kind if name in declared else None
    if key == "brightness":
        _check_kind(kind, ("image",), "brightness", _at(key, name))
    if key == "length":
        for unit in model.limits.length[name].given:
            kinds: tuple[Kind, ...] = ("list",) if unit == "items" else ("text",)
            _check_kind(kind, kinds, unit, _at(key, name, unit))


def _check_kind(
    kind: Kind | None, wanted: tuple[Kind, ...], what: str, at: tuple[str, ...]
) -> None:
    if kind is not None and kind not in wanted:
        text = f"a feature of kind {kind} has no {what}"
        raise Misplaced(f"{text}; remove this limit, or set kind: {wanted[0]}", *at)


def _check_classes(model: ModelConfig) -> None:
    output = model.output
    for name in model.limits.class_ratio:
        at = _at("class_ratio", name)
        if output.kind == "number":
            raise Misplaced("an output of kind number has no classes; remove this limit", *at)
        if output.classes is not None and name not in output.classes:
            what = f"{show(name)} is not among output.classes"
            raise Misplaced(f"{what}; add it there, or correct the name", *at)


def _at(*steps: Any) -> tuple[Any, ...]:
    return ("limits", *steps)
