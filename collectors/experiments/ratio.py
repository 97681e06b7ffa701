"""Whether the arms get the share of units that was planned: a test that may be looked at always."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln

from collectors.events import Floats, Ints
from collectors.experiments.firsts import UnitSample
from collectors.experiments.units import UnitsSummary
from collectors.summaries.state import State, StateError, Stored

CONCENTRATION = 1_000.0
"""How near to the plan other splits are thought to be: within 1.6 points of an even one."""


def log_evidence(counts: ArrayLike, split: ArrayLike) -> Floats:
    """The logarithm of the Bayes factor against the split, float64 [...], of counts [..., A].

    The probability of the counts if the shares were drawn from a Dirichlet distribution around the
    planned ones, over their probability under the plan (Lindon and Malek 2020). Under
    the plan it is a martingale of mean 1: it reaches 1 / error at any time with probability at most
    `error` (Ville 1939).
    """
    counts, split = np.asarray(counts, np.float64), np.asarray(split, np.float64)
    prior = CONCENTRATION * split
    drawn = (gammaln(prior + counts) - gammaln(prior)).sum(axis=-1)
    total = gammaln(CONCENTRATION + counts.sum(axis=-1)) - gammaln(CONCENTRATION)
    return np.asarray(drawn - total - (counts * np.log(split)).sum(axis=-1), dtype=np.float64)


class RatioCheck:
    """The test on units as they are first seen; without units, on rows.

    A unit counts once, for the arm that it was first seen in, if its hash lay below the threshold
    then. When the threshold falls what was counted stays: it fell by hashes alone, which know
    nothing of arms.

    Attributes:
        split: the planned shares of the arms, [A], control first.
        counts: first sights by arm, int64 [A].
        peak: the largest evidence so far, as a logarithm.
        seen: the units so far.
    """

    __slots__ = ("counts", "peak", "seen", "split")

    def __init__(self, split: Sequence[float], schema_id: str) -> None:
        shares = np.asarray(split, dtype=np.float64)
        if not ((shares > 0).all() and np.isfinite(shares).all()):
            raise ValueError(f"split {tuple(split)}: every share must be above 0")
        self.split: Floats = shares / shares.sum()
        self.counts: Ints = np.zeros(len(shares), dtype=np.int64)
        self.peak = 0.0
        self.seen = UnitSample(schema_id)

    def look(self, pane: UnitsSummary) -> None:
        """Take in one more pane."""
        if pane.by_unit:
            seen = self.seen.merge(pane.sample)
            new = pane.sample.new_arms(self.seen, seen.level, len(self.split))
            self.seen = seen
        else:
            new = pane.rows_by_arm
        self.counts = self.counts + new
        self.peak = max(self.peak, float(log_evidence(self.counts, self.split)))

    @property
    def p_value(self) -> float:
        """Valid at every look, and never rising."""
        return float(np.exp(-self.peak))

    def state(self) -> State:
        """What `restore` takes."""
        return {
            "split": self.split,
            "counts": self.counts,
            "peak": self.peak,
            "seen": self.seen.state(),
        }

    def restore(self, stored: Stored) -> None:
        """Become what the state was taken of.

        Raises:
            StateError: it is damaged, or was of another planned split.
        """
        if not np.array_equal(stored.array("split", np.float64, len(self.split)), self.split):
            raise StateError("split: the check was of another planned split; begin a new one")
        self.counts = stored.array("counts", np.int64, len(self.split))
        self.peak = stored.real("peak")
        self.seen.restore(stored.part("seen"))
