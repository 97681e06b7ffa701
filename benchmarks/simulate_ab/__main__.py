"""Run as `python -m benchmarks.simulate_ab [--quick]`: exit code 1 where a bar is missed."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.simulate_ab.looks import play
from benchmarks.simulate_ab.streams import REGIMES, Regime
from benchmarks.simulate_ab.tables import (
    OURS,
    Played,
    missed,
    nothing_differs,
    page,
    something_differs,
    splits_broken,
)

PAGE = Path(__file__).parents[2] / "docs" / "experiments.md"

EFFECTS = ((0, (0.005, 0.01, 0.02)), (1, (0.03, 0.05, 0.1)))
"""By regime: what the treatment's share of yes is larger by."""

SPLITS = ((0, (0.505, 0.51, 0.52)), (1, (0.55, 0.6, 0.7)))
"""By regime: the share of units that the treatment gets, where 0.5 was planned."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Play, print, and write the page after a full run."""
    parser = argparse.ArgumentParser(prog="make simulate-ab", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="100 a regime; writes no page")
    parser.add_argument("--experiments", type=int, default=2_000, help="a regime (2000)")
    options = parser.parse_args(arguments)
    quick = options.quick
    experiments = 100 if quick else options.experiments
    trials = max(experiments // 10, 1)
    print(
        f"{experiments} experiments a regime without a difference, {trials} with each", flush=True
    )
    began = time.monotonic()
    null = []
    for i, regime in enumerate(REGIMES):
        null.append(_played(regime, experiments, (0, i)))
        rang = ", ".join(f"{test} {null[-1].rang(test)}" for test in OURS)
        print(f"{regime.name}: {rang}; {(time.monotonic() - began) / 60:.1f} minutes", flush=True)
    print(f"\n{nothing_differs(null)}\n", flush=True)
    power = [
        _played(REGIMES[i], trials, (1, i, j), effect=effect)
        for i, effects in EFFECTS
        for j, effect in enumerate(effects)
    ]
    print(f"{something_differs(power)}\n", flush=True)
    splits = [
        _played(REGIMES[i], trials, (2, i, j), share=share)
        for i, shares in SPLITS
        for j, share in enumerate(shares)
    ]
    print(f"{splits_broken(splits)}\n")
    lost = missed(null)
    print("\n".join(["Missed:", *lost] if lost else ["Every bar is reached."]))
    minutes = (time.monotonic() - began) / 60
    print(f"{minutes:.1f} minutes")
    if not quick:
        PAGE.write_text(page(null, power, splits, datetime.now(UTC).date(), minutes))
    return 1 if lost else 0


def _played(
    regime: Regime, count: int, seed: tuple[int, ...], effect: float = 0.0, share: float = 0.5
) -> Played:
    outcomes = [play(regime, (*seed, i), effect, share) for i in range(count)]
    return Played(regime, outcomes, effect, share)


if __name__ == "__main__":
    sys.exit(main())
