"""Windows from kept runs are those from single panes, whatever changes in between."""

from __future__ import annotations

import operator

from hypothesis import given
from hypothesis import strategies as st

from monitor.rollup import Rollup

CHANGES = st.lists(st.tuples(st.integers(-90, 90), st.integers(1, 9)), max_size=30)
ASKED = st.tuples(st.integers(-100, 100), st.integers(0, 80))


@given(st.lists(st.tuples(CHANGES, ASKED), min_size=1, max_size=6))
def test_a_window_is_the_merge_of_its_panes_in_their_order(
    steps: list[tuple[list[tuple[int, int]], tuple[int, int]]],
) -> None:
    panes: dict[int, str] = {}
    rollup: Rollup[str, str] = Rollup(lambda number, _key: panes.get(number), operator.add)
    for changes, (first, length) in steps:
        for number, value in changes:
            panes[number] = f"{number}={value} "
            rollup.changed(number, "k")
        wanted = "".join(panes[n] for n in sorted(panes) if first <= n < first + length)
        assert (rollup.window(first, first + length, "k") or "") == wanted


def test_few_panes_are_merged_when_a_window_rolls_on() -> None:
    merges = 0

    def merge(one: int, other: int) -> int:
        nonlocal merges
        merges += 1
        return one + other

    rollup: Rollup[str, int] = Rollup(lambda _number, _key: 1, merge)
    most = 0
    for end in range(400, 800):
        merges = 0
        assert rollup.window(end - 168, end, "k") == 168
        most = max(most, merges) if end > 400 else 0
    assert most <= 14 + 2 * 5 + 7 + 5


def test_what_lies_before_every_window_is_let_go() -> None:
    rollup: Rollup[str, int] = Rollup(lambda _number, _key: 1, operator.add)
    rollup.window(0, 64, "k")
    rollup.forget(64)
    assert not rollup._runs
