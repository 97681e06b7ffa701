"""Kinds of columns: a latent standard normal, cut into the cells that a summary would count."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri
from scipy.stats import poisson

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Kind:
    """A kind of column.

    Attributes:
        edges: of the latent normal, ascending, [G - 1].
        values: what each of the G cells stands for, ascending; None for categories.
    """

    edges: Floats
    values: Floats | None

    def shares(self, mean: Floats, scale: Floats) -> Floats:
        """Share of each cell, [T, G], by mean and log-scale of the latent normal, each [T]."""
        below = ndtr((self.edges - mean[:, None]) / np.exp(scale)[:, None])
        ends = np.zeros((len(mean), 1)), np.ones((len(mean), 1))
        return np.diff(np.concatenate((ends[0], below, ends[1]), axis=1), axis=1)


def _normal() -> Floats:
    """Cells of near-equal mass in the middle, and of equal width in the tails."""
    middle = ndtri(np.arange(1, 128) / 128)
    tail = np.arange(middle[-1] + 0.1, 6.0, 0.1)
    return np.concatenate((-tail[::-1], middle, tail))


def _middles(edges: Floats) -> Floats:
    ends = 2 * edges[0] - edges[1], 2 * edges[-1] - edges[-2]
    wide = np.concatenate(([ends[0]], edges, [ends[1]]))
    return np.asarray((wide[1:] + wide[:-1]) / 2)


def _number() -> Kind:
    return Kind(_normal(), _middles(_normal()))


def _latency() -> Kind:
    return Kind(_normal(), np.exp(0.8 * _middles(_normal())))


def _sparse(share: float) -> Kind:
    """Zero but for a share, which is exponential."""
    cuts = 1.0 - share * np.concatenate((np.arange(64, 0, -1) / 64, 2.0 ** -np.arange(7.0, 14.0)))
    rest = -np.log((1.0 - cuts) / share)
    values = np.concatenate(([0.0], (rest[1:] + rest[:-1]) / 2, [rest[-1] + 1.0]))
    return Kind(np.asarray(ndtri(cuts)), values)


def _binary(share: float) -> Kind:
    return Kind(np.array([float(ndtri(1.0 - share))]), np.array([0.0, 1.0]))


def _integer(mean: float) -> Kind:
    """Poisson, the far tail in the last cell."""
    last = int(poisson.isf(1e-7, mean))
    cuts = poisson.cdf(np.arange(last), mean)
    return Kind(np.asarray(ndtri(cuts)), np.arange(last + 1.0))


def _category(levels: int) -> Kind:
    """Zipf shares; the last cell is of values that were never seen, and stays empty."""
    mass = 1.0 / np.arange(1.0, levels + 1.0)
    cuts = ndtri(np.cumsum(mass / mass.sum())[:-1])
    return Kind(np.append(cuts, np.inf), None)


KINDS = {
    "number": _number(),
    "latency": _latency(),
    "5% not zero": _sparse(0.05),
    "1% not zero": _sparse(0.01),
    "30% not zero": _sparse(0.3),
    "binary 50%": _binary(0.5),
    "binary 10%": _binary(0.1),
    "binary 2%": _binary(0.02),
    "integer 3": _integer(3.0),
    "integer 0.3": _integer(0.3),
} | {f"category {levels}": _category(levels) for levels in range(3, 21)}
