"""Run as `python -m benchmarks.simulate [--quick]`: exit code 1 where a bar is missed."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.simulate import plan, tables
from benchmarks.simulate.bars import missed_alarms, missed_power
from benchmarks.simulate.null import Alarms, Task
from benchmarks.simulate.page import render
from benchmarks.simulate.power import Row, Trial

PAGE = Path(__file__).parents[2] / "docs" / "calibration.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """Play, print, and write the page after a full run."""
    parser = argparse.ArgumentParser(prog="make simulate", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few streams; writes no page")
    parser.add_argument("--features", type=int, choices=(5, 20, 100), help="only these")
    parser.add_argument("--streams", type=int, default=5, help="streams a regime (5)")
    options = parser.parse_args(arguments)
    quick = options.quick
    tasks = plan.quick_tasks() if quick else plan.full_tasks()
    tasks = [task for task in tasks if options.features in (None, task.features)]
    tasks = [task for task in tasks if task.stream < options.streams]
    trials = plan.quick_trials() if quick else plan.full_trials()
    trials = [trial for trial in trials if trial.stream < 4 * options.streams]
    if not tasks:
        parser.error("nothing to play: a quick run has 20 features, and any run a stream")
    print(_announced(quick, tasks, trials), flush=True)
    began = time.monotonic()
    alarms: list[Alarms] = []
    for features in dict.fromkeys(task.features for task in tasks):
        alarms += plan.played_tasks([task for task in tasks if task.features == features])
        print(f"Windows flagged in 30 days at a budget of 1, {features} features:\n")
        print(tables.false_alarms(alarms, features))
        print(tables.said(alarms, features), flush=True)
    rows = plan.played_trials(trials)
    _print_power(rows)
    missed = [*missed_alarms(alarms), *missed_power(rows)]
    print("\n".join(["Missed:", *missed] if missed else ["Every bar is reached."]))
    minutes = (time.monotonic() - began) / 60
    print(f"{minutes:.0f} minutes")
    if not quick:
        given = " ".join(sys.argv[1:] if arguments is None else arguments)
        PAGE.write_text(render(alarms, rows, missed, datetime.now(UTC).date(), minutes, given))
    return 1 if missed else 0


def _announced(quick: bool, tasks: Sequence[Task], trials: Sequence[Trial]) -> str:
    seeds = f"{tasks[0].seed} to {tasks[-1].seed}, {trials[0].seed} to {trials[-1].seed}"
    share = len(tasks) / (1 if quick else len(plan.full_tasks()))
    long = f"about {2 if quick else 70 * share:.0f} minutes on two idle cores"
    return (
        f"{len(tasks)} streams without a drift, {len(trials)} with drifts; {long}\n"
        f"seeds (regime or setting, features or panes, stream): {seeds}\n"
    )


def _print_power(rows: Sequence[Row]) -> None:
    for setting, panes in dict.fromkeys((row.setting, row.panes) for row in rows):
        same = [row for row in rows if (row.setting, row.panes) == (setting, panes)]
        print(f"{setting}, R = {panes}: {same[0].alarms:.2f} windows flagged in 30 days without")
        print(f"a drift by our own thresholds, {same[0].equal:.2f} where rules are compared:\n")
        print(tables.power(same), flush=True)


if __name__ == "__main__":
    sys.exit(main())
