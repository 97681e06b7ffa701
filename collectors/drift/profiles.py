"""Profiles: rows of sums that are taken from the summaries of a pane, one function a kind.

The profile of a longer window is the sum of those of its panes.
"""

from __future__ import annotations

import numpy as np

from collectors.drift.calibration.measures import Floats
from collectors.drift.distances import Part
from collectors.drift.distances import parts as parts_of
from collectors.events import INVALID, MISSING, Codes, Ints
from collectors.software import SoftwareSummary
from collectors.summaries.categories import CategorySummary
from collectors.summaries.columns import AnyColumnSummary
from collectors.summaries.numbers import NumberSummary
from collectors.summaries.reruns import RerunSummary

ROUNDING = 1e-12
"""Share of a sum of squares that may be rounding."""

_COMPARED = {
    "": "",
    "top": "",
    "chars": "length",
    "items": "length",
    "brightness": "brightness",
    "contrast": "contrast",
    "entropy": "entropy",
}
"""The parts that are compared, and what their statistics are called after."""


def parts(column: AnyColumnSummary) -> dict[str, Part]:
    """The numbers and categories that a column is compared by; "" is the column itself."""
    return {_COMPARED[name]: part for name, part in parts_of(column) if name in _COMPARED}


def near_equal(numbers: NumberSummary, groups: int) -> Codes:
    """First cells, ascending, of at most so many groups of near-equal mass, the lowest left out.

    Of a column with one value what lies below and above it are groups too, though nothing is there.
    """
    cells, counts = numbers.cells()
    if not len(cells):
        return np.zeros(0, dtype=np.int32)
    if len(cells) == 1:
        return np.array([cells[0], cells[0] + 1], dtype=np.int32)
    middle = np.cumsum(counts) - counts / 2
    group = np.minimum(middle * groups // counts.sum(), groups - 1)
    return np.asarray(cells[1:][np.diff(group) > 0], dtype=np.int32)


def above(numbers: NumberSummary, q: float) -> Codes:
    """The cell above the one that the quantile `q` lies in, as one edge; none without values."""
    cells, counts = numbers.cells()
    if not len(cells):
        return np.zeros(0, dtype=np.int32)
    place = int(np.searchsorted(np.cumsum(counts), np.ceil(q * counts.sum())))
    return (cells[place : place + 1] + 1).astype(np.int32)


def grouped(numbers: NumberSummary, edges: Codes) -> Floats:
    """Values by group, then rows without a usable one: [len(edges) + 2]."""
    cells, counts = numbers.cells()
    groups = np.searchsorted(edges, cells, side="right")
    profile = np.zeros(len(edges) + 2)
    profile[: len(edges) + 1] = np.bincount(groups, weights=counts, minlength=len(edges) + 1)
    profile[-1] = numbers.rows - counts.sum()
    return profile


def beyond(numbers: NumberSummary, edges: Codes) -> Floats:
    """(values from the edge on, values below it)."""
    below, over, _ = grouped(numbers, edges) if len(edges) else (0.0, 0.0, 0.0)
    return np.array([over, below])


def moments(numbers: NumberSummary) -> Floats:
    """(values, sum, sum of squares), both about the grid's centre, in its scale."""
    scale = numbers.grid.scale
    return np.array([numbers.count, numbers.total / scale, numbers.squares / scale / scale])


def squares(numbers: NumberSummary) -> Floats:
    """(degrees of freedom, sum of squares about the own mean), in the grid's scale."""
    count, total, squared = moments(numbers).tolist()
    if count < 2:
        return np.zeros(2)
    apart = squared - total * total / count
    # What is left of equal values by rounding is no spread.
    return np.array([count - 1.0, apart if apart > ROUNDING * squared else 0.0])


def values(categories: CategorySummary) -> Floats:
    """Rows of each known value, of the others by hash, missing, and unusable: [K + 66]."""
    missing = categories.tally[list(MISSING)].sum()
    counted = categories.known.sum() + categories.buckets.sum()
    unusable = categories.rows - counted - missing
    return np.concatenate((categories.known, categories.buckets, [missing, unusable])).astype(float)


def missing(column: AnyColumnSummary) -> Floats:
    """(rows without a value, rows with one)."""
    return _split(column.tally, MISSING)


def invalid(column: AnyColumnSummary) -> Floats:
    """(invalid values, the other values present)."""
    gone = int(column.tally[list(MISSING)].sum())
    wrong = int(column.tally[list(INVALID)].sum())
    return np.array([wrong, column.rows - gone - wrong], dtype=np.float64)


def reruns(outputs: RerunSummary) -> Floats:
    """(answers to inputs that were answered before, the other answers)."""
    again = (outputs.rerun_ratio() or 0.0) * outputs.rows
    return np.array([again, outputs.rows - again])


def mismatches(outputs: RerunSummary) -> Floats:
    """(repeated inputs that were answered differently, the other repeated ones)."""
    groups = outputs.groups()
    repeated = groups.answers >= 2
    differ = int(np.count_nonzero((groups.lowest != groups.highest) & repeated))
    return np.array([differ, np.count_nonzero(repeated) - differ], dtype=np.float64)


def instability(outputs: RerunSummary) -> Floats:
    """(degrees of freedom, sum of squares) of numeric answers to equal inputs."""
    groups = outputs.groups()
    repeated = groups.numbers >= 2
    return np.array([(groups.numbers[repeated] - 1).sum(), groups.m2[repeated].sum()])


def errors(software: SoftwareSummary) -> Floats:
    """(inferences that failed, the others)."""
    return np.array([software.errors, software.rows - software.errors], dtype=np.float64)


def volume(software: SoftwareSummary) -> Floats:
    """(rows, 1): one pane."""
    return np.array([software.rows, 1.0])


def _split(tally: Ints, statuses: tuple[int, ...]) -> Floats:
    those = int(tally[list(statuses)].sum())
    return np.array([those, int(tally.sum()) - those], dtype=np.float64)
