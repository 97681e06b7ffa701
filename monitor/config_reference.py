"""The section `reference` of a model: what live traffic is compared with."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from collectors.drift.calibrated import LEAST
from monitor.config_types import Count, File, Section


def _enough(value: int) -> int:
    if value < LEAST:
        what = f"{value} panes are too few to calibrate anything"
        raise ValueError(f"{what}; write {LEAST} or more, for example 168")
    return value


class ReferenceConfig(Section):
    """What live traffic is compared with: exactly one of the two."""

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

    @model_validator(mode="after")
    def _one(self) -> ReferenceConfig:
        if (self.path is None) == (self.first is None):
            raise ValueError("exactly one of path and first is wanted; give one of them")
        return self
