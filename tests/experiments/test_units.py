"""Units by bucket against pandas, samples of units against sets, measures against plain Python."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from collectors.events import AnyColumn, ScoresColumn
from collectors.experiments.firsts import UnitSample
from collectors.experiments.metrics import Above, LogMean, Mean, Metric, Share
from collectors.experiments.units import BUCKETS, UnitsSummary, pane_units, schema_of
from collectors.hashing import hash_names, mix
from tests.support.columns import category_column, number_column

METRICS = (
    Metric("late", "class", Share("late"), 0.01, "lower"),
    Metric("delay", "delay", Mean(-10.0, 60.0), 0.5, "lower"),
)


def test_buckets_hold_what_pandas_groups() -> None:
    rng = np.random.default_rng(8)
    rows = 3_000
    users = [f"user {i}" for i in rng.integers(0, 900, rows)]
    arms = rng.integers(-1, 2, rows).astype(np.int32)
    classes = [str(x) for x in rng.choice(["late", "early"], rows)]
    delays = [None if rng.random() < 0.1 else float(rng.normal(20, 30)) for _ in range(rows)]
    hashes = hash_names(users, 0)
    summary = UnitsSummary(("old", "new"), METRICS, "s")
    for part in np.array_split(np.arange(rows), 7):
        columns: dict[str, AnyColumn] = {
            "class": category_column([classes[i] for i in part]),
            "delay": number_column([delays[i] for i in part]),
        }
        summary.observe(arms[part], hashes[part], mix(part.astype(np.uint64)), columns)
    frame = pd.DataFrame(
        {
            "arm": arms,
            "bucket": hashes % np.uint64(BUCKETS),
            "user": users,
            "late": [float(name == "late") for name in classes],
            "delay": pd.Series(delays, dtype="float64").clip(-10, 60),
        }
    )
    mine = frame[frame.arm >= 0]
    assert summary.rows == rows
    assert summary.left_out == rows - len(mine)
    assert summary.rows_by_arm.tolist() == [int((mine.arm == arm).sum()) for arm in (0, 1)]
    assert summary.sample.units(2).tolist() == mine.groupby("arm").user.nunique().tolist()
    both = (mine.groupby("user").arm.nunique() > 1).mean()
    assert summary.sample.crossover() == pytest.approx(both)
    for i, name in enumerate(("late", "delay")):
        counts, sums = summary.pair(i, 1)
        grouped = mine.groupby(["arm", "bucket"])[name].agg(["count", "sum"])
        everywhere = pd.MultiIndex.from_product([[0, 1], range(BUCKETS)])
        grouped = grouped.reindex(everywhere, fill_value=0)
        assert counts.ravel().tolist() == grouped["count"].tolist()
        assert sums.ravel() == pytest.approx(grouped["sum"].to_numpy())


def test_panes_that_follow_each_other_have_buckets_of_their_own() -> None:
    summary = UnitsSummary(("old", "new"), METRICS[:1], "s", by_unit=False)
    for pane in range(700, 700 + BUCKETS):
        column = category_column(["late", "early"])
        units = pane_units(pane, 2)
        summary.observe(np.array([0, 1], np.int32), units, units, {"class": column})
    assert (summary.counts == 1).all()
    assert not summary.sample.rows


def test_a_sample_keeps_the_largest_set_below_a_power_of_two() -> None:
    rng = np.random.default_rng(9)
    hashes = rng.integers(0, 2**64 - 1, 5_000, dtype=np.uint64)
    sample = UnitSample("s", 100)
    sample.observe(hashes, np.zeros(5_000, np.int32), hashes)
    below = {level: int((hashes < 2 ** (64 - level)).sum()) for level in range(1, 20)}
    level = min(level for level, count in below.items() if count <= 100)
    assert sample.level == level
    assert sample.hashes.tolist() == sorted(hashes[hashes < 2 ** (64 - level)].tolist())
    assert sample.units(2)[0] == pytest.approx(5_000, rel=0.35)
    assert sample.units(2)[1] == 0


def test_the_row_that_stands_for_a_unit_does_not_depend_on_order() -> None:
    unit = np.full(4, 77, np.uint64)
    keys, arms = np.array([9, 3, 8, 5], np.uint64), np.array([0, 1, 0, 0], np.int32)
    for order in ([0, 1, 2, 3], [3, 2, 1, 0], [1, 0, 3, 2]):
        sample = UnitSample("s")
        for i in order:
            sample.observe(unit[[i]], arms[[i]], keys[[i]])
        assert (sample.arms.tolist(), sample.keys.tolist()) == ([1], [3])
        assert sample.seen.tolist() == [0b11]


def test_measures_are_what_they_say() -> None:
    numbers = number_column([3.0, None, -5.0, 1e9, 0.0])
    values, use = Mean(-1.0, 10.0).values(numbers)
    assert values[use].tolist() == [3.0, -1.0, 10.0, 0.0]
    values, use = Above(2.0).values(numbers)
    assert values[use].tolist() == [1.0, 0.0, 1.0, 0.0]
    values, use = LogMean().values(numbers)
    assert values[use] == pytest.approx([math.log(3.0), math.log(1e9)])
    names = category_column(["a", None, "b", "a"])
    values, use = Share("a").values(names)
    assert values[use].tolist() == [1.0, 0.0, 1.0]
    assert not Share("never").values(names)[0].any()
    scores = ScoresColumn(names, np.zeros(4), np.zeros(4, np.uint64))
    assert Share("b").values(scores)[0].tolist() == [0.0, 0.0, 1.0, 0.0]


def test_a_measure_of_another_kind_of_column_says_which() -> None:
    with pytest.raises(TypeError, match="needs numbers, not category"):
        Above(1.0).values(category_column(["a"]))
    with pytest.raises(TypeError, match="needs categories, not number"):
        Share("a").values(number_column([1.0]))


def test_what_is_counted_has_an_id_that_margins_do_not_change() -> None:
    one = schema_of(("a", "b"), METRICS, "user")
    wider = (Metric("late", "class", Share("late"), 0.5), METRICS[1])
    assert schema_of(("a", "b"), wider, "user") == one
    assert schema_of(("a", "b"), METRICS[:1], "user") != one
    assert schema_of(("b", "a"), METRICS, "user") != one
    assert schema_of(("a", "b"), METRICS, None) != one
    other = (Metric("late", "class", Share("early"), 0.01), METRICS[1])
    assert schema_of(("a", "b"), other, "user") != one


def test_arms_and_margins_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="2 to 7"):
        UnitsSummary(("alone",), METRICS, "s")
    with pytest.raises(ValueError, match="above 0"):
        Metric("late", "class", Share("late"), 0.0)
