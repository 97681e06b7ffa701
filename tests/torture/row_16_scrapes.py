"""Scrapes of many series while records are read as fast as they can be."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable

import numpy as np

from monitor.server import Exporter
from tests.support.harness import NOW, Harness
from tests.support.scrapes import Scraper, percentile, scrapes
from tests.torture import Outcome, Stage

NUMBER = 16
FAULT = "10,000 series"
BAR = "scrape p99 <= 100 ms while consuming"

FEATURES = 200
VERSIONS = 3
BATCH = 500
RECORDS = 5_000
"""Different records, which come again and again with later times."""

MINUTE = 60.0
BATCHES_A_PANE = 40

MODEL = """\
  - name: m
    fields: {time: t, version: v, latency: l, features: x, prediction: y}
    windows: [1m, 5m]
    lateness: 0s
"""


def make_batches(seed: int) -> list[list[bytes]]:
    """Records without their time, which stands at the beginning of each."""
    rng = np.random.default_rng(seed)
    batches = []
    for _ in range(RECORDS // BATCH):
        numbers = rng.normal(5.0, 20.0, (BATCH, FEATURES)).round(3).tolist()
        versions = rng.integers(0, VERSIONS, BATCH).tolist()
        batches.append(
            [
                json.dumps(
                    {
                        "v": f"version-{version}",
                        "l": 12.5,
                        "x": {f"feature_{n}": value for n, value in enumerate(row)},
                        "y": row[0],
                    }
                ).encode()
                for row, version in zip(numbers, versions, strict=True)
            ]
        )
    return batches


def at(batch: list[bytes], when: float) -> list[bytes]:
    """The same records, at a time."""
    begin = f'{{"t": {when!r}, '.encode()
    return [begin + record[1:] for record in batch]


class Feeder:
    """Hands over batch after batch, in panes of so many batches."""

    def __init__(self, stage: Stage) -> None:
        self.harness = Harness(stage.folder, MODEL)
        self.fed = 0
        self._batches = itertools.cycle(make_batches(stage.seed))
        self._minute = 0

    def pane(self, batches: int, go_on: Callable[[], bool] = lambda: True) -> None:
        """One pane, and the close of the one before."""
        when = NOW + self._minute * MINUTE
        self._minute += 1
        for batch in itertools.islice(self._batches, batches):
            if not go_on():
                return
            self.harness.feed(list(at(batch, when)))
            self.harness.now = when + 1.0
            self.harness.app.pipeline.advance(self.harness.now)
            self.fed += len(batch)


def run(stage: Stage) -> Outcome:
    """See the module."""
    feeder = Feeder(stage)
    for _ in range(7):  # until every window stands
        feeder.pane(3)
    number, interval = stage.pick(1000, 15), 0.25
    board = feeder.harness.app.board
    exporter = Exporter(board, ("127.0.0.1", 0), lambda: True, time.time)
    exporter.start()
    try:
        scraper = Scraper(exporter.url, number, interval)
        began, before = time.perf_counter(), feeder.fed
        scraper.start()
        while scraper.is_alive():
            feeder.pane(BATCHES_A_PANE, scraper.is_alive)
        seconds, during = time.perf_counter() - began, feeder.fed - before
    finally:
        exporter.stop()
    fresh = Exporter(board, ("127.0.0.1", 0), lambda: True, time.time)
    fresh.start()
    try:
        (last,) = scrapes(fresh.url, 1, 0.0)
    finally:
        fresh.stop()
    found = scraper.result
    counted = [one.counted for one in found]
    right = (
        len(found) == number
        and {one.status for one in found} == {200}
        and min(one.series for one in found) >= 10_000
        and counted == sorted(counted)
        and counted[0] < counted[-1] <= last.counted == feeder.fed
    )
    return Outcome(
        exact=right,
        within=percentile(found, 0.99) <= 0.1,
        ran=f"{number} scrapes, {interval * 1000:.0f} ms apart, of {last.series:,} series from "
        f"another process, while {during:,} records of {FEATURES} features were read "
        f"({during / seconds:,.0f}/s) and panes closed, seed {stage.seed}",
        printed=f"median {percentile(found, 0.5) * 1000:.0f} ms, p99 "
        f"{percentile(found, 0.99) * 1000:.0f} ms, longest "
        f"{max(one.seconds for one in found) * 1000:.0f} ms; the counts only rise, and the last "
        f"is {last.counted:,.0f} of {feeder.fed:,} records",
    )
