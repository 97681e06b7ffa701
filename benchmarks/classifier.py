"""How often reports' domain classifier passes its threshold: `python -m benchmarks.classifier`.

Each reference has 28 days of 300 rows; after it come days of which nothing is wrong, and days in
which two columns go together that never did. Rows are alike in one regime; in the other each day
has means of its own. The share of quiet days that pass is to be held against what was asked for.
Seeds are the references' numbers.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from monitor.event_clock import DAY
from monitor.jobs.report.domain import auc_of, others, parts_of, table_of, threshold
from monitor.jobs.report.frames import Frame
from monitor.jobs.report.task import Column

DAYS, ROWS = 28, 300
NAMES = ("a", "b", "c", "d")
COLUMNS = [Column(f"features.{name}", name, "number") for name in NAMES]

ALPHAS = (0.2, 0.05, 0.02 / 30)
"""Shares asked for; the last is what a budget of 1 per 30d comes to."""

REGIMES = {"rows alike": 0.0, "days wander by 0.3 sd": 0.3}
LATER = {0.0: 15, 0.3: 4, 0.6: 4, 0.9: 4}
"""Days after each reference, by how far two of their columns go together."""


def main() -> None:
    """Print a line for each regime and correlation."""
    parser = argparse.ArgumentParser(description="False alarms and power of the domain classifier.")
    parser.add_argument("--references", type=int, default=8)
    number = parser.parse_args().references
    print("share of days that pass, where so many may:", *(f"{alpha:.2g}" for alpha in ALPHAS))
    with threadpool_limits(1):
        for regime, wandering in REGIMES.items():
            found: dict[float, list[list[bool]]] = {}
            for seed in range(number):
                for together, passed in days_after(seed, wandering):
                    found.setdefault(together, []).append(passed)
            for together, each in found.items():
                shares = " ".join(f"{share:.3f}" for share in np.mean(each, axis=0))
                print(f"{regime}, correlation {together:g}: {shares} of {len(each)}", flush=True)


def days_after(seed: int, wandering: float) -> Iterator[tuple[float, list[bool]]]:
    """How two columns go together in each later day, and whether it passes at each of `ALPHAS`."""
    rng = np.random.default_rng(seed)
    before = _frame([_day(rng, wandering, 0.0) for _ in range(DAYS)], 0, rng)
    later = [together for together, days in LATER.items() for _ in range(days)]
    now = _frame([_day(rng, wandering, one) for one in later], DAYS, rng)
    table = table_of(before, now, COLUMNS, 0, DAY)
    rest = np.arange(len(before))
    parts, _ = parts_of(before, 0, DAY, ROWS, rng)
    null = [auc_of(table, others(rest, part), part, None)[0] for part in parts]
    limits = [threshold(null, alpha) for alpha in ALPHAS]
    for place, together in enumerate(later):
        day = len(before) + np.flatnonzero(now.time // DAY == DAYS + place)
        auc, _ = auc_of(table, others(rest, day), day, None)
        yield together, [auc > limit for limit in limits]


def _frame(days: list[NDArray[np.float64]], first: int, rng: np.random.Generator) -> Frame:
    day = first + np.repeat(np.arange(len(days)), ROWS)
    time = day * DAY + rng.integers(0, DAY, len(day))
    order = rng.permutation(len(day))
    table = pd.DataFrame(np.concatenate(days)[order], columns=list(NAMES))
    return Frame(table, time[order].astype(np.int64))


def _day(rng: np.random.Generator, wandering: float, together: float) -> NDArray[np.float64]:
    values = rng.normal(size=(ROWS, len(NAMES)))
    values[:, 1] = together * values[:, 0] + np.sqrt(1.0 - together**2) * values[:, 1]
    return np.asarray(values + wandering * rng.normal(size=len(NAMES)))


if __name__ == "__main__":
    main()
