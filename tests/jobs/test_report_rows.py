"""One sample of many panes: each row of them all is as likely as any other."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from collectors.summaries.sample import SampleSummary
from monitor.jobs.report.rows import UniformRows

K = 20


def pane(hashes: Any, values: Any) -> SampleSummary:
    summary = SampleSummary("s", K, ("value",))
    summary.observe(hashes, lambda index: [(values[i],) for i in index.tolist()])
    return summary


def panes(sizes: list[int], seed: int) -> tuple[list[SampleSummary], list[Any]]:
    """Panes of so many rows, and the values of all their rows by hash."""
    rng = np.random.default_rng(seed)
    made, every = [], []
    for number, size in enumerate(sizes):
        hashes = rng.integers(0, 2**64, size, dtype=np.uint64)
        values = [(number, i) for i in range(size)]
        made.append(pane(hashes, values))
        every += list(zip(hashes.tolist(), values, strict=True))
    return made, [value for _, value in sorted(every)]


def drawn(made: list[SampleSummary], most: int) -> UniformRows:
    rows = UniformRows(most)
    for one in made:
        rows.add(one)
    return rows


@given(st.lists(st.integers(0, 120), max_size=12), st.integers(1, 200), st.integers(0, 9))
def test_they_are_the_rows_with_the_smallest_hashes_of_all(
    sizes: list[int], most: int, seed: int
) -> None:
    made, every = panes(sizes, seed)
    rows = drawn(made, most)
    found = [value for (value,) in rows.rows()]
    assert found == every[: len(found)]
    assert (rows.total, rows.panes) == (sum(sizes), len(sizes))
    # As many as can be: all where no pane lost a row, and never fewer than a pane keeps.
    if max(sizes, default=0) <= K:
        assert len(found) == min(most, sum(sizes))
    else:
        assert len(found) >= min(most, K - 1)


def test_a_busy_pane_weighs_more_than_a_quiet_one() -> None:
    """A tenth of the rows are of the quiet pane, and so is a tenth of the sample; not a half."""
    shares = []
    for seed in range(200):
        made, _ = panes([100, 900], seed)
        found = [number for ((number, _),) in drawn(made, 1_000).rows()]
        shares.append(sum(number == 0 for number in found) / len(found))
    assert abs(np.mean(shares) - 0.1) < 0.02
