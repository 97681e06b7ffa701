"""The section `reference` of a model: what live traffic is compared with."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from collectors.drift.calibrated import LEAST
from monitor.config_types import Count, File, Section, Truth


def _enough(value: int) -> int:
    if value < LEAST:
        what = f"{value} panes are too few to calibrate anything"
        raise ValueError(f"{what}; write {LEAST} or more, for example 168")
    return value


class ReferenceConfig(Section):
    """What live traffic is compared with: `path` or `first`, and what is shown beside it."""

    path: File | None = Field(
        default=None,
        description="File that `inferwatch reference build` wrote. A model that has no schema yet "
        "takes that of the file.",
        examples=["reference.parquet"],
    )
    first: Annotated[Count, AfterValidator(_enough)] | None = Field(
        default=None,
        description="The first so many panes that can be judged, at least 24.",
        examples=[168],
    )

    beside: tuple[Literal["previous", "seasonal"], ...] = Field(
        default=(),
        description="What is shown beside it, and decides nothing: `previous` is the window before "
        "of the same length, `seasonal` the same hour of the week (of days the same weekday) over "
        "the newest four weeks that have rows. Alone, without `path` and `first`, there are "
        "distances and no alarms.",
        examples=[["previous", "seasonal"]],
    )

    grow: Truth = Field(
        default=True,
        description="Whether days without an alarm are added, a week later, until it has 28 days.",
    )

    @model_validator(mode="after")
    def _one(self) -> ReferenceConfig:
        given = (self.path is not None) + (self.first is not None)
        if given > 1 or not (given or self.beside):
            raise ValueError("exactly one of path and first is wanted; give one of them")
        return self

    @property
    def fixed(self) -> bool:
        """Whether there is a reference that alarms rest on."""
        return self.path is not None or self.first is not None
