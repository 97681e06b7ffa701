"""How large a change must be to matter, however many rows prove it: one floor a kind of change.

Thresholds are calibrated without floors, so that they hold with any: a floor only takes away.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Floor:
    """The floor of one kind of change.

    Attributes:
        least: the change that matters where nobody says otherwise.
        most: the largest change that there is; a floor above it would hide everything.
        of: what is measured, for people.
    """

    least: float
    most: float
    of: str


_SHARE = 1.0
_DIVERGENCE = 0.83  # the square root of ln 2
_ANY = 1e6

FLOORS: Mapping[str, Floor] = MappingProxyType(
    {
        "ks": Floor(0.02, _SHARE, "Kolmogorov-Smirnov distance of numbers"),
        "shape": Floor(0.03, _DIVERGENCE, "square root of the divergence of numbers in groups"),
        "categories": Floor(0.03, _DIVERGENCE, "square root of the divergence of categories"),
        "mean": Floor(0.05, _ANY, "difference of means in standard deviations"),
        "spread": Floor(0.1, _ANY, "change of the variance, as a share of it"),
        "missing": Floor(0.01, _SHARE, "rise of the share of missing values"),
        "invalid": Floor(0.005, _SHARE, "rise of the share of invalid values"),
        "errors": Floor(0.002, _SHARE, "rise of the share of errors"),
        "tail": Floor(0.01, _SHARE, "rise of the share of slow answers"),
        "reruns": Floor(0.01, _SHARE, "change of the share of reruns"),
        "mismatches": Floor(0.01, _SHARE, "rise of the share of reruns answered differently"),
        "volume": Floor(0.0, _ANY, "change of the rows, as a share of those expected"),
        "mmd": Floor(0.025, 2.0, "maximum mean discrepancy of all features together"),
        "pca": Floor(0.1, _ANY, "change of the mean error of reconstruction, as a share of it"),
        "correlation": Floor(0.1, 2.0, "largest change of a correlation"),
        "joint": Floor(0.02, _SHARE, "mean Kolmogorov-Smirnov distance of all numbers"),
    }
)
"""By the kind of the measures, and `joint`."""
