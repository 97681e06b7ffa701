"""The held-out distances of all columns together, and what is fitted to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from collectors.drift.calibration import scores
from collectors.drift.calibration.heldout import Column, HeldOut, Panes, held_out
from collectors.drift.calibration.measures import Floats
from collectors.drift.calibration.scorer import KNOTS, Pooled, Scorer
from collectors.drift.calibration.seasons import Ints, Season
from collectors.drift.calibration.spread import fit_noise

Usable = NDArray[np.bool_]


@dataclass(slots=True)
class HeldOutColumns:
    """The distances of every column, [C, T], and what they are fitted with."""

    columns: Sequence[Column]
    ones: list[HeldOut]
    blocks: Ints
    squared: Floats
    x: Floats
    y: Floats
    used: Usable
    expected: Floats

    @classmethod
    def take(
        cls,
        columns: Sequence[Column],
        panes: Panes,
        judged: Usable,
        kept: Usable,
        min_rows: int,
        seasons: Sequence[tuple[Season, float]],
        gain: float,
        blocks: Ints,
    ) -> HeldOutColumns:
        ones = []
        for column in columns:
            usable = kept if column.always else judged & kept
            if not column.always:
                usable = usable & (column.measure.rows(column.profile) >= min_rows)
            ones.append(held_out(column, panes, np.flatnonzero(usable), blocks, seasons, gain))
        squared = np.array([one.squared for one in ones])
        expected = [
            column.measure.expected(one.totals.sum(axis=0), one.typical)
            if one.rows.sum() > 0 and one.typical > 0
            else 1.0
            for column, one in zip(columns, ones, strict=True)
        ]
        return cls(
            columns,
            ones,
            blocks,
            squared,
            np.array([one.x for one in ones]),
            np.array([one.y for one in ones]),
            np.isfinite(squared),
            np.array(expected),
        )

    @property
    def kinds(self) -> list[str]:
        return [column.measure.kind for column in self.columns]

    def fitted(self, used: Usable) -> tuple[Floats, Floats, Floats]:
        """a, b and shape of each column, by the panes of `used`."""
        a, b = fit_noise(self.squared, self.x, self.y, self.expected, used)
        ratio = self.ratio(a, b)
        weight = float(np.median(used.sum(axis=1))) / 24.0
        return a, b, scores.shapes(np.where(used, ratio, 0.0), used, self.kinds, weight)

    def ratio(self, a: Floats, b: Floats) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(self.squared / (a[:, None] * self.x + b[:, None] * self.y))

    def deff(self) -> float:
        """By how much the panes cluster in time: median over the columns, at least 1."""
        a, b, _ = self.fitted(self.used)
        ratio = np.where(self.used, self.ratio(a, b), np.nan)
        number = int(self.blocks.max()) + 1
        found = []
        for row in ratio:
            given = np.isfinite(row)
            n = int(given.sum())
            counts = np.bincount(self.blocks[given], minlength=number)
            sums = np.bincount(self.blocks[given], weights=row[given], minlength=number)
            means = sums[counts > 0] / counts[counts > 0]
            spread = float(row[given].var()) if n else 0.0
            if len(means) > 1 and spread > 0:
                found.append(float(means.var(ddof=1)) / len(means) / (spread / n))
        return max(1.0, float(np.median(found))) if found else 1.0

    def scores(self) -> tuple[Floats, float]:
        """Scores of held-out panes [C, T], fitted without their block, and deff."""
        deff = self.deff()
        raw = np.full_like(self.squared, np.nan)
        for block in range(int(self.blocks.max()) + 1):
            out = self.blocks == block
            a, b, shape = self.fitted(self.used & ~out)
            ratio = self.ratio(a, b)[:, out]
            degrees = self._degrees(self.used & ~out, deff)
            raw[:, out] = scores.rarity(ratio, shape[:, None], degrees[:, None])
        return np.where(self.used, raw, np.nan), deff

    def _degrees(self, used: Usable, deff: float) -> Floats:
        """From how many independent panes the noise of each column is known, [C].

        What never stirred cannot follow itself: all of its panes count.
        """
        still = np.where(used, self.squared, 0.0).max(axis=1, initial=0.0) == 0.0
        many = float(np.median(used.sum(axis=1)))
        return np.maximum(np.where(still, many, many / deff) - 1.0, 3.0)

    def scorers(self, pools: Sequence[Pooled], deff: float) -> tuple[Scorer, ...]:
        """What live windows are scored by, fitted to all panes."""
        return self.scorers_of(*self.fitted(self.used), self._degrees(self.used, deff), pools)

    def scorers_of(
        self, a: Floats, b: Floats, shape: Floats, degrees: Floats, pools: Sequence[Pooled] | None
    ) -> tuple[Scorer, ...]:
        """Scorers of this noise and shape; without `pools` scores stay as they are."""
        found = []
        for i, (column, one) in enumerate(zip(self.columns, self.ones, strict=True)):
            raw = scores.rarity(KNOTS, shape[i], float(degrees[i]))
            pooled = None if pools is None else pools[i]
            found.append(
                Scorer(
                    key=column.key,
                    measure=column.measure,
                    always=column.always,
                    season=one.season,
                    totals=one.totals,
                    rows=one.rows,
                    squares=one.squares,
                    a=float(a[i]),
                    b=float(b[i]),
                    raw=raw,
                    scores=raw if pooled is None else pooled.map(raw),
                    farthest=one.farthest,
                )
            )
        return tuple(found)
