"""What a quick and a full run play, and how they are spread over two processes."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from itertools import chain
from typing import TypeVar

from benchmarks.simulate import null, power
from benchmarks.simulate.bars import BARS
from benchmarks.simulate.null import BUDGETS, Alarms, Task
from benchmarks.simulate.power import SETTINGS, Row, Trial
from benchmarks.simulate.streams import REGIMES

PROCESSES = 2

A = TypeVar("A")
B = TypeVar("B")


def quick_tasks(strict: float = 1.0) -> list[Task]:
    """Two streams with two references each of every regime that is judged."""
    judged = dict.fromkeys(regime for regime, _ in BARS)
    return [
        Task(regime, 20, stream, (168, 720), references=2, weeks=16, strict=strict)
        for regime in judged
        for stream in range(2)
    ]


def full_tasks() -> list[Task]:
    """Five streams of 30 weeks with four references each, of every regime."""
    found = []
    for features, budgets, live in ((20, len(BUDGETS), 30), (5, 1, 30), (100, 1, 12)):
        names = tuple(BUDGETS)[:budgets]
        found += [
            Task(regime, features, stream, budgets=names, live=live, rivals=features == 20)
            for regime in REGIMES
            for stream in range(5)
        ]
    return found


def quick_trials() -> list[Trial]:
    """Four streams of each setting and length of reference."""
    return [
        Trial(setting, panes, stream, weeks=6)
        for setting in SETTINGS
        for panes in (168, 720)
        for stream in range(4)
    ]


def full_trials() -> list[Trial]:
    """The same with twenty."""
    return [
        Trial(setting, panes, stream)
        for setting in SETTINGS
        for panes in (168, 720)
        for stream in range(20)
    ]


def played_tasks(tasks: Sequence[Task]) -> list[Alarms]:
    """The null run."""
    return list(chain.from_iterable(_spread(null.run, tasks, "streams without a drift")))


def played_trials(trials: Sequence[Trial]) -> list[Row]:
    """The power tables, one after another."""
    outcomes = _spread(power.run, trials, "streams with drifts")
    found: list[Row] = []
    for setting, panes in dict.fromkeys((one.setting, one.panes) for one in trials):
        same = [o for o in outcomes if (o.trial.setting, o.trial.panes) == (setting, panes)]
        found += power.rows(same)
    return found


def _spread(work: Callable[[A], B], given: Sequence[A], what: str) -> list[B]:
    """The results in the order of what was given; how far it is goes to stderr."""
    began = time.monotonic()
    with ProcessPoolExecutor(PROCESSES) as pool:
        futures = [pool.submit(work, one) for one in given]
        for done in _counted(as_completed(futures)):
            spent = time.monotonic() - began
            if done % max(len(given) // 10, 1) == 0:
                left = spent / done * (len(given) - done)
                told = f"{done} of {len(given)} {what}, {spent:.0f} s, about {left:.0f} s left"
                print(told, file=sys.stderr, flush=True)
        return [future.result() for future in futures]


def _counted(given: Iterable[object]) -> Iterable[int]:
    return (number for number, _ in enumerate(given, start=1))
