"""What an experiment measures of each row: a share, a mean, a mean of logarithms, a share above."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from collectors.events import AnyColumn, CategoryColumn, Floats, NumberColumn, ScoresColumn, usable

Use = NDArray[np.bool_]
Direction = Literal["higher", "lower"]


class Measure(Protocol):
    """How a column becomes numbers whose mean is compared."""

    @property
    def binary(self) -> bool:
        """Whether every value is 0 or 1."""

    def values(self, column: AnyColumn) -> tuple[Floats, Use]:
        """The value of each row, float64 [n], and where there is one."""


@dataclass(frozen=True, slots=True)
class Share:
    """The share of rows whose category is `of`; a boolean's categories are "true" and "false"."""

    of: str
    binary = True

    def values(self, column: AnyColumn) -> tuple[Floats, Use]:
        top = column.top if isinstance(column, ScoresColumn) else column
        if not isinstance(top, CategoryColumn):
            raise TypeError(f"a share of {self.of!r} needs categories, not {_kind(column)}")
        code = top.names.index(self.of) if self.of in top.names else len(top.names)
        return (top.codes == code).astype(np.float64), usable(top.status) & (top.codes >= 0)


@dataclass(frozen=True, slots=True)
class Above:
    """The share of rows whose number is above a fixed limit."""

    limit: float
    binary = True

    def values(self, column: AnyColumn) -> tuple[Floats, Use]:
        numbers, use = _numbers(column)
        return (numbers > self.limit).astype(np.float64), use


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean of numbers within bounds; what lies beyond a bound counts as the bound.

    Without bounds a single broken value could decide an experiment.
    """

    low: float
    high: float
    binary = False

    def values(self, column: AnyColumn) -> tuple[Floats, Use]:
        numbers, use = _numbers(column)
        return np.clip(np.where(use, numbers, self.low), self.low, self.high), use


@dataclass(frozen=True, slots=True)
class LogMean:
    """The mean of natural logarithms: a difference of 0.01 is a ratio of about 1%.

    What is not above 0 has no logarithm, and is in no statistic.
    """

    binary = False

    def values(self, column: AnyColumn) -> tuple[Floats, Use]:
        numbers, use = _numbers(column)
        use &= np.where(use, numbers, 0.0) > 0
        return np.log(np.where(use, numbers, 1.0)), use


@dataclass(frozen=True, slots=True)
class Metric:
    """One thing that is compared.

    Attributes:
        name: for people.
        field: the column that is measured.
        margin: a difference that is too small to matter, in units of the measure.
        better: which way is good; None where nobody says.
    """

    name: str
    field: str
    measure: Measure
    margin: float
    better: Direction | None = None

    def __post_init__(self) -> None:
        if not 0 < self.margin < np.inf:
            raise ValueError(f"metric {self.name}: margin {self.margin}; it must be above 0")

    @property
    def counted_as(self) -> str:
        """What the sums of the metric depend on, as text: two that say the same may be added."""
        measure = {"kind": type(self.measure).__name__, **asdict(self.measure)}  # type: ignore[call-overload]
        return json.dumps([self.name, self.field, measure], sort_keys=True)


def _numbers(column: AnyColumn) -> tuple[Floats, Use]:
    if not isinstance(column, NumberColumn):
        raise TypeError(f"this measure needs numbers, not {_kind(column)}")
    return column.values, usable(column.status) & np.isfinite(column.values)


def _kind(column: AnyColumn) -> str:
    return type(column).__name__.removesuffix("Column").lower()
