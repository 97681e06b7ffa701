"""The check of the split against SciPy, exact sums, and sets kept the plain way."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from collectors.experiments.firsts import UnitSample
from collectors.experiments.metrics import Metric, Share
from collectors.experiments.ratio import CONCENTRATION, RatioCheck, log_evidence
from collectors.experiments.units import UnitsSummary, pane_units
from collectors.hashing import Hashes, mix
from collectors.summaries.state import StateError, Stored
from monitor.encoding import decode, encode
from tests.support.columns import category_column

METRIC = Metric("yes", "answer", Share("yes"), 0.01)


def pane(
    units: Hashes, arms: np.ndarray, keys: Hashes, *, by_unit: bool = True, k: int = 64
) -> UnitsSummary:
    summary = UnitsSummary(("a", "b"), (METRIC,), "s", by_unit=by_unit, k=k)
    summary.observe(
        arms.astype(np.int32), units, keys, {"answer": category_column(["yes"] * len(units))}
    )
    return summary


def test_the_evidence_is_scipys_ratio_of_probabilities() -> None:
    split = np.array([0.2, 0.3, 0.5])
    counts = np.array([31, 20, 60])
    ours = log_evidence(counts, split)
    drawn = stats.dirichlet_multinomial.logpmf(counts, CONCENTRATION * split, np.array(111))
    assert ours == pytest.approx(drawn - stats.multinomial.logpmf(counts, 111, split))


def test_its_mean_under_the_plan_is_one_after_any_number() -> None:
    for total in (1, 30, 400):
        first = np.arange(total + 1)
        counts = np.stack([first, total - first], axis=-1)
        weights = stats.binom.pmf(first, total, 0.3)
        assert weights @ np.exp(log_evidence(counts, (0.3, 0.7))) == pytest.approx(1)


def test_first_sights_are_those_of_sets_kept_the_plain_way() -> None:
    rng = np.random.default_rng(6)
    check = RatioCheck((0.5, 0.5), "s")
    check.seen = UnitSample("s", 64)
    sight: dict[int, int] = {}
    arms_of: dict[int, set[int]] = {}
    counts, level = [0, 0], 0
    for _ in range(30):
        units = mix(rng.integers(0, 600, 40).astype(np.uint64))
        arms, keys = rng.integers(0, 2, 40), mix(rng.integers(0, 2**60, 40).astype(np.uint64))
        check.look(pane(units, arms, keys))
        rows = sorted(zip(keys.tolist(), units.tolist(), arms.tolist(), strict=True))
        new: dict[int, int] = {}
        for _, unit, arm in rows:
            arms_of.setdefault(unit, set()).add(arm)
            if unit not in sight:
                new.setdefault(unit, arm)
        sight |= new
        while sum(unit < 2 ** (64 - level) for unit in sight) > 64:
            level += 1
        for unit, arm in new.items():
            counts[arm] += unit < 2 ** (64 - level)
    kept = {unit for unit in sight if unit < 2 ** (64 - level)}
    assert level > 1
    assert check.counts.tolist() == counts
    assert set(check.seen.hashes.tolist()) == kept
    assert check.seen.crossover() == sum(len(arms_of[unit]) > 1 for unit in kept) / len(kept)


def test_a_unit_that_returns_counts_once() -> None:
    units = mix(np.arange(50, dtype=np.uint64))
    check = RatioCheck((0.5, 0.5), "s")
    for arm in (0, 0, 1):
        check.look(pane(units, np.full(50, arm), units))
    assert check.counts.tolist() == [50, 0]
    assert check.seen.crossover() == 1.0


def test_a_broken_split_is_found_and_stays_found() -> None:
    rng = np.random.default_rng(7)
    check = RatioCheck((1, 1), "s")
    p_values = []
    for i in range(60):
        units = mix(np.arange(200 * i, 200 * i + 200, dtype=np.uint64))
        share = 0.45 if i < 30 else 0.55
        check.look(pane(units, rng.random(200) < share, units, k=65_536))
        p_values.append(check.p_value)
    assert p_values[29] < 0.001
    assert (np.diff(p_values) <= 0).all()


def test_without_a_unit_rows_are_counted() -> None:
    check = RatioCheck((0.5, 0.5), "s")
    units = pane_units(3, 10)
    check.look(pane(units, np.arange(10) < 4, units, by_unit=False))
    assert check.counts.tolist() == [6, 4]
    assert not len(check.seen.hashes)


def test_a_check_goes_through_bytes_and_counts_on() -> None:
    units = mix(np.arange(300, dtype=np.uint64))
    check = RatioCheck((0.5, 0.5), "s")
    check.look(pane(units[:200], np.arange(200) % 3 == 0, units[:200]))
    again = RatioCheck((0.5, 0.5), "s")
    again.restore(Stored(decode(encode(check.state()))))
    for one in (check, again):
        one.look(pane(units, np.arange(300) % 2, units))
    assert again.counts.tolist() == check.counts.tolist()
    assert again.p_value == check.p_value
    with pytest.raises(StateError, match="counts"):
        again.restore(Stored(check.state() | {"counts": np.zeros(3, np.int64)}))
    with pytest.raises(StateError, match="another planned split"):
        RatioCheck((0.9, 0.1), "s").restore(Stored(check.state()))


def test_a_split_without_a_share_is_refused() -> None:
    with pytest.raises(ValueError, match="above 0"):
        RatioCheck((1.0, 0.0), "s")
