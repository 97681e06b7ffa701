"""Windows of a reference with a change put into them, under what compares them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from collectors.drift.calibration.measures import Floats, JensenShannon, Kolmogorov, Mean, Share
from collectors.drift.calibration.scorer import Scorer
from collectors.drift.comparisons import Comparison
from collectors.summaries.numbers import NumberSummary


@dataclass(frozen=True, slots=True)
class Compared:
    """One comparison of a column over the windows.

    Attributes:
        scorer: its reference, by window, is the bucket of the window without the window.
        profile: of the windows as they are, [T, G].
        floor: where it is another one than that of the measure.
    """

    comparison: Comparison
    scorer: Scorer
    profile: Floats
    floor: float | None = None

    def score(self, profile: Floats, min_rows: int) -> Floats:
        """As a live window is scored, [T]; NaN where one is not judged."""
        every = np.arange(len(profile))
        score = self.scorer.score(self.scorer.over_noise(profile, every, min_rows))
        effect = self.scorer.measure.effect(profile, self.scorer.totals)
        return np.where(np.isnan(score), score, self.scorer.told(score, effect, self.floor))


class Changed(ABC):
    """Windows with a change in them; `compared` are the comparisons that can see it."""

    def __init__(self, compared: Mapping[str, Compared]) -> None:
        self.compared = compared

    @abstractmethod
    def profile(self, statistic: str, size: float) -> Floats:
        """Of all windows under one comparison, with a change of this size, [T, G]."""


class Shifted(Changed):
    """Every value larger by `size` standard deviations."""

    def __init__(
        self, compared: Mapping[str, Compared], numbers: Sequence[NumberSummary], sd: float
    ) -> None:
        super().__init__(compared)
        self._sd = sd
        self._grid = numbers[0].grid
        self._cells = Cells(numbers)

    def profile(self, statistic: str, size: float) -> Floats:
        one, by = self.compared[statistic], size * self._sd
        measure, profile = one.comparison.measure, one.profile
        if isinstance(measure, Mean):
            step = by / self._grid.scale
            count, total, squares = profile.T
            moved = (count, total + step * count, squares + step * (2.0 * total + step * count))
            return np.column_stack(moved)
        if not isinstance(measure, Kolmogorov | JensenShannon | Share):
            return profile  # a spread is about the own mean
        edges = np.zeros(0) if one.comparison.edges is None else one.comparison.edges
        if not len(edges):
            return profile
        low, _ = self._grid.edges(edges.astype(np.int32))
        below = self._cells.below(low - by)
        if isinstance(measure, Share):
            return np.column_stack((self._cells.total - below[:, 0], below[:, 0]))
        groups = np.diff(below, axis=1, prepend=0.0)
        last = self._cells.total - below[:, -1]
        return np.column_stack((groups, last, profile[:, -1]))


class Gone(Changed):
    """A share `size` of the values that are there is missing."""

    def profile(self, statistic: str, size: float) -> Floats:
        one = self.compared[statistic]
        measure, profile = one.comparison.measure, one.profile
        if isinstance(measure, Share) and statistic == "missing":
            return _moved(profile, size)
        left = profile * (1.0 - size)
        if isinstance(measure, Kolmogorov | JensenShannon):
            # Without a value: of numbers the last group, of categories the last but one.
            others = 1 if one.comparison.names is None else 2
            left[:, -others:] = profile[:, -others:]
            left[:, -others] += size * profile[:, :-others].sum(axis=1)
        return left


class Recoded(Changed):
    """A share `size` of the categories that are there is the one at `place`."""

    def __init__(self, compared: Mapping[str, Compared], place: int) -> None:
        super().__init__(compared)
        self._place = place

    def profile(self, statistic: str, size: float) -> Floats:
        profile = self.compared[statistic].profile
        if statistic == "invalid":
            return _moved(profile, size)
        left = profile * (1.0 - size)
        left[:, -2:] = profile[:, -2:]
        left[:, self._place] += size * profile[:, :-2].sum(axis=1)
        return left


class Scaled(Changed):
    """A share more by `size` of the rest; rows less by it; a spread more by it."""

    def profile(self, statistic: str, size: float) -> Floats:
        profile = self.compared[statistic].profile
        if statistic == "volume":
            return np.asarray(profile * np.array([1.0 - size, 1.0]))
        if statistic == "instability":
            return np.asarray(profile * np.array([1.0, (1.0 + size) ** 2]))
        return _moved(profile, size)


class Cells:
    """The values of one number in T panes, as spread evenly within their cells."""

    def __init__(self, numbers: Sequence[NumberSummary]) -> None:
        held = [number.cells() for number in numbers]
        cells = np.unique(np.concatenate([cells for cells, _ in held]))
        counts = np.zeros((len(numbers), len(cells)))
        for row, (own, number) in zip(counts, held, strict=True):
            row[np.searchsorted(cells, own)] = number
        extremes = [(n.minimum, n.maximum) for n in numbers]
        least = min((one for one, _ in extremes if one is not None), default=0.0)
        most = max((one for _, one in extremes if one is not None), default=0.0)
        low, high = numbers[0].grid.edges(cells)
        self._low, high = np.maximum(low, least), np.minimum(high, most)
        self._width = np.maximum(high - self._low, 0.0)
        self._counts = counts
        self._before = np.cumsum(counts, axis=1) - counts
        self.total: Floats = counts.sum(axis=1)

    def below(self, values: Floats) -> Floats:
        """How many lie below each of these values [E], in each pane: [T, E]."""
        if not len(self._low):
            return np.zeros((len(self._counts), len(values)))
        place = np.searchsorted(self._low, values, side="right") - 1
        at = np.maximum(place, 0)
        reached = values - self._low[at]
        with np.errstate(divide="ignore", invalid="ignore"):
            within = np.where(self._width[at] > 0, reached / self._width[at], reached > 0)
        share = np.where(place < 0, 0.0, np.clip(within, 0.0, 1.0))
        return np.asarray(self._before[:, at] + share * self._counts[:, at])


def _moved(profile: Floats, size: float) -> Floats:
    """(have it, have it not), where a share `size` of those that have it not gets it."""
    more = size * profile[:, 1]
    return np.column_stack((profile[:, 0] + more, profile[:, 1] - more))
