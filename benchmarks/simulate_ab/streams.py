"""Experiments drawn by seed: rows of two arms, pane by pane, in the buckets of their units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter
from scipy.special import expit, logit

from collectors.events import Floats, Ints
from collectors.experiments.units import BUCKETS

PANES = 720
ROWS = 200
"""A pane of both arms, on average."""

SHARE, LARGE = 0.1, 1.0
"""How many rows answer yes, and above which limit a number is large."""

METRICS = ("share", "mean", "share above")
MARGINS = (0.01, 0.02, 0.01)


@dataclass(frozen=True, slots=True)
class Regime:
    """A kind of traffic.

    Attributes:
        users: how many there are, who return; 0 where every row is of a new one.
        wander: the spread of the panes' own effect, AR(0.9), on both arms.
        metrics: how many are looked at, of `METRICS`.
        by_unit: False where no unit is known, and panes are paired.
    """

    name: str
    users: int = 0
    wander: float = 0.0
    metrics: int = 1
    by_unit: bool = True


REGIMES = (
    Regime("independent rows"),
    Regime("returning heavy users", users=1_000),
    Regime("panes that wander", wander=0.5),
    Regime("three metrics", users=1_000, wander=0.5, metrics=3),
    Regime("no unit, panes that wander", wander=0.5, by_unit=False),
)


class Drawn(NamedTuple):
    """One experiment.

    Attributes:
        counts: rows by pane, arm and bucket, [720, 2, 512].
        sums: of each metric, [M, 720, 2, 512].
        firsts: units by pane of their first row and arm, [720, 2].
    """

    counts: Floats
    sums: Floats
    firsts: Ints


def draw(regime: Regime, seed: tuple[int, ...], effect: float = 0.0, share: float = 0.5) -> Drawn:
    """One experiment in which the treatment adds `effect`, and gets this share of units."""
    rng = np.random.default_rng(seed)
    wander = regime.wander * _autoregressive(rng)
    rows = rng.poisson(ROWS * np.exp(wander - regime.wander**2 / 2))
    pane = np.repeat(np.arange(PANES), rows)
    unit, arm, taste = _units(regime, rng, len(pane), share)
    bucket = unit % BUCKETS if regime.by_unit else pane % BUCKETS
    place = (pane * 2 + arm) * BUCKETS + bucket
    values = _values(regime, rng, taste, wander[pane], arm, effect)
    table = (PANES, 2, BUCKETS)
    size = PANES * 2 * BUCKETS
    counts = np.bincount(place, minlength=size).astype(np.float64)
    sums = [np.bincount(place, weights=value, minlength=size).reshape(table) for value in values]
    first = np.unique(unit, return_index=True)[1] if regime.users else np.arange(len(pane))
    firsts = np.bincount(pane[first] * 2 + arm[first], minlength=PANES * 2).reshape(PANES, 2)
    return Drawn(counts.reshape(table), np.stack(sums), firsts)


def _autoregressive(rng: np.random.Generator, memory: float = 0.9) -> Floats:
    """A stationary AR(1) of variance 1, [720]."""
    noise = np.sqrt(1 - memory**2) * rng.standard_normal(PANES)
    noise[0] = rng.standard_normal()
    return np.asarray(lfilter([1.0], [1.0, -memory], noise), dtype=np.float64)


def _units(
    regime: Regime, rng: np.random.Generator, rows: int, share: float
) -> tuple[Ints, NDArray[np.intp], Floats]:
    """Of each row the unit, its arm, and what is peculiar to it."""
    if not regime.users:
        unit = rng.integers(0, 2**40, rows)
        return unit, (rng.random(rows) < share).astype(np.intp), np.zeros(rows)
    activity = rng.lognormal(0.0, 1.0, regime.users)
    edges = np.cumsum(activity / activity.sum())
    who = np.minimum(np.searchsorted(edges, rng.random(rows)), regime.users - 1)
    hashes = rng.integers(0, 2**40, regime.users)
    arms = (rng.random(regime.users) < share).astype(np.intp)
    taste = rng.standard_normal(regime.users)
    return hashes[who], arms[who], taste[who]


def _values(
    regime: Regime,
    rng: np.random.Generator,
    taste: Floats,
    wander: Floats,
    arm: NDArray[np.intp],
    effect: float,
) -> list[Floats]:
    shares = expit(logit(SHARE) + taste + wander) + effect * arm
    values = [(rng.random(len(arm)) < shares).astype(np.float64)]
    if regime.metrics == 3:
        numbers = 0.5 * (taste + wander + rng.standard_normal(len(arm))) + effect * arm
        values += [np.clip(numbers, -3.0, 3.0), (numbers > LARGE).astype(np.float64)]
    return values
