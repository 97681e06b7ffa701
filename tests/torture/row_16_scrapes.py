"""Scrapes of many series while records are read as fast as they can be."""

from __future__ import annotations

import json
import time

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
BATCHES_A_PANE = 20
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


def run(stage: Stage) -> Outcome:
    """See the module."""
    harness = Harness(stage.folder, MODEL)
    batches = make_batches(stage.seed)
    fed, turn = 0, 0

    def feed() -> None:
        nonlocal fed, turn
        batch = batches[turn % len(batches)]
        harness.feed(list(at(batch, NOW + turn // BATCHES_A_PANE * MINUTE)))
        harness.now = NOW + turn // BATCHES_A_PANE * MINUTE + 1.0
        harness.app.pipeline.advance(harness.now)
        fed += len(batch)
        turn += 1

    while turn < 6 * BATCHES_A_PANE:  # until every window stands
        feed()
    exporter = Exporter(harness.app.board, ("127.0.0.1", 0), lambda: True, time.time)
    exporter.start()
    try:
        number, interval = stage.pick(1000, 12), 0.25
        scraper = Scraper(exporter.url, number, interval)
        began, before = time.perf_counter(), fed
        scraper.start()
        while scraper.is_alive():
            feed()
        seconds, during = time.perf_counter() - began, fed - before
    finally:
        exporter.stop()
    fresh = Exporter(harness.app.board, ("127.0.0.1", 0), lambda: True, time.time)
    fresh.start()
    try:
        (last,) = scrapes(fresh.url, 1, 0.0)
    finally:
        fresh.stop()
    found = scraper.result
    counted = [one.counted for one in found]
    right = (
        {one.status for one in found} == {200}
        and min(one.series for one in found) >= 10_000
        and counted == sorted(counted)
        and counted[0] < counted[-1] <= last.counted == fed
    )
    return Outcome(
        exact=right,
        within=percentile(found, 0.99) <= 0.1,
        ran=f"{number} scrapes, {interval * 1000:.0f} ms apart, of {last.series:,} series "
        f"from another process, while {during:,} records of {FEATURES} features were read "
        f"({during / seconds:,.0f}/s), seed {stage.seed}",
        printed=f"median {percentile(found, 0.5) * 1000:.0f} ms, p99 "
        f"{percentile(found, 0.99) * 1000:.0f} ms, longest "
        f"{max(one.seconds for one in found) * 1000:.0f} ms; the counts only rise, and the last "
        f"is {last.counted:,.0f} of {fed:,} records",
    )
