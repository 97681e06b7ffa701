"""The simulation: the same by seed, within the budget where it must be, and able to fail."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from scipy import stats

from benchmarks.simulate import judging, plan, power, rivals
from benchmarks.simulate.bars import missed_alarms
from benchmarks.simulate.columns import compared, group_starts, of_feature, some, where
from benchmarks.simulate.kinds import KINDS
from benchmarks.simulate.null import Alarms, Task, fits_of, run, spans
from benchmarks.simulate.streams import REGIMES, WEEK, Cells, Drift, draw, draw_cells, draw_effects
from collectors.drift.comparisons import Comparison, Summaries
from collectors.drift.judge import Judge

SMALL = Task("independent", 5, 0, panes=(168,), references=2, weeks=10)


@pytest.fixture(scope="module")
def small() -> list[Alarms]:
    return run(SMALL)


def test_streams_are_the_same_by_seed() -> None:
    for name in ("mixed", "software", "rows AR(0.9), AR(0.98)"):
        first, again = (draw(REGIMES[name], 4, 48, (7, 1)) for _ in range(2))
        other = draw(REGIMES[name], 4, 48, (7, 2))
        assert (first.rows == again.rows).all()
        assert (first.rows != other.rows).any()
        for one, two in zip(first.cells, again.cells, strict=True):
            assert one.kind == two.kind
            assert (one.counts == two.counts).all()
            assert (one.counts.sum(axis=1) == first.rows).all()
        for statistic, shares in first.shares.items():
            assert (shares == again.shares[statistic]).all(), statistic


@pytest.mark.parametrize("kind", KINDS)
def test_cells_hold_what_their_kind_says(kind: str) -> None:
    cut = KINDS[kind]
    shares = cut.shares(np.zeros(1), np.zeros(1))[0]
    assert shares.sum() == pytest.approx(1.0)
    if cut.values is None:
        levels = int(kind.split()[1])
        zipf = 1.0 / np.arange(1, levels + 1)
        assert shares == pytest.approx([*(zipf / zipf.sum()), 0.0])
        return
    assert (np.diff(cut.values) > 0).all()
    mean = shares @ cut.values
    known = {"number": 0.0, "integer 3": 3.0, "integer 0.3": 0.3, "latency": np.exp(0.32)}
    shared = {"binary": 1.0, "not": 1.0}
    for word in kind.split():
        if word.endswith("%"):
            known[kind] = float(word[:-1]) / 100.0 * shared[kind.replace(word, "").split()[0]]
    assert mean == pytest.approx(known[kind], rel=0.02, abs=1e-6)


def test_a_regime_does_what_it_says() -> None:
    length = 40 * WEEK
    regime = replace(REGIMES["panes AR(0.9)"], hours=0.3)
    effects = draw_effects(regime, 2, length, (3,)).means
    assert effects == pytest.approx(draw_effects(regime, 2, length, (3,)).means)
    wave = effects.reshape(-1, 24, 2).mean(axis=0)
    assert (np.ptp(wave, axis=0) > 0.15).all()
    rest = effects - np.tile(wave, (length // 24, 1))
    follow = [np.corrcoef(rest[1:, j], rest[:-1, j])[0, 1] for j in range(2)]
    assert follow == pytest.approx([0.9, 0.9], abs=0.03)
    assert np.corrcoef(rest.T)[0, 1] == pytest.approx(0.5, abs=0.15)
    rows = draw(REGIMES["n tenfold"], 1, 4 * WEEK, (1,)).rows.reshape(-1, 24).mean(axis=0)
    assert rows.max() / rows.min() == pytest.approx(10.0, rel=0.1)
    assert (draw(REGIMES["dark nights"], 1, 48, (1,)).rows == 0).sum() == 12


def test_drifts_are_put_in() -> None:
    rows = np.full(50, 20_000)
    effects = draw_effects(REGIMES["independent"], 1, 50, (0,))
    rng = np.random.default_rng(1)

    def drawn(kind: str, drift: Drift) -> Cells:
        return draw_cells(rng, kind, rows, effects, 0, drift)

    nulls = drawn("number", Drift("", nulls=0.05)).counts
    assert nulls[:, -1].sum() / nulls.sum() == pytest.approx(0.05, abs=0.002)
    unseen = drawn("category 8", Drift("", unseen=0.01)).counts
    assert unseen[:, -2].sum() / unseen[:, :-1].sum() == pytest.approx(0.01, abs=0.001)
    double = drawn("5% not zero", Drift("", double=2.0)).counts
    assert double[:, 1:-1].sum() / double[:, :-1].sum() == pytest.approx(0.1, abs=0.002)
    number, total, squared = drawn("number", Drift("", mean=0.5, scale=0.2)).moments.sum(axis=0)
    assert total / number == pytest.approx(0.5, abs=0.01)
    assert squared / number - (total / number) ** 2 == pytest.approx(np.exp(0.4), rel=0.01)
    ramp = drawn("number", Drift("", mean=0.5, ramp=25)).moments
    assert (ramp[:, 1] / ramp[:, 0])[[4, 24, 49]] == pytest.approx([0.1, 0.5, 0.5], abs=0.03)


def test_groups_are_of_near_equal_mass() -> None:
    assert group_starts(np.array([10.0, 0, 10, 10, 10]), 2).tolist() == [0, 3]
    assert group_starts(np.array([90.0, 5, 5]), 128).tolist() == [0, 1, 2]


def test_windows_are_judged_as_the_product_judges_them() -> None:
    stream = draw(REGIMES["software"], 8, 3 * WEEK, (5,))
    span, live = slice(0, WEEK), slice(WEEK, WEEK + 60)
    every, calendar = compared(stream, span), where(len(stream))
    fitted, _ = fits_of(stream, every, calendar, span, 1.0)
    columns = [one.column(live) for one in every]
    columns[0].profile[:, 0] *= 1.5  # that some scores are of a change
    panes = some(calendar, live)
    scored = zip(fitted.scorers, columns, strict=True)
    each = judging.with_joint(
        fitted, judging.gathered([judging.score(by, column, panes) for by, column in scored])
    )

    def comparison(place: int) -> Comparison:
        def profile(summaries: Summaries) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
            return np.asarray(columns[place].profile[summaries["window"]], dtype=np.float64)

        one = every[place]
        return Comparison(one.key, one.measure, profile, None, one.always)

    judge = Judge(fitted, [comparison(place) for place in range(len(every))], "UTC", 20)
    monday = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000
    for window in range(60):
        part: list[Summaries] = [{"window": window}]
        start = monday + (live.start + window) * 3_600_000_000
        judged = judge.judge(start, 1, part, {"": part})
        assert judged is not None
        assert np.nanmax(each[:, window]) == pytest.approx(judged.score), window


def test_a_reference_ends_where_enough_panes_could_be_judged() -> None:
    stream = draw(REGIMES["dark nights"], 1, 6 * WEEK, (2,))
    for span in spans(stream, 168, 3):
        assert span.start % 24 == 0
        assert (stream.rows[span] >= 20).sum() == 168


def test_independent_rows_stay_near_their_budget(small: list[Alarms]) -> None:
    assert len(small) == 2
    assert sum(one.windows for one in small) / 2 < 4.0
    assert all(one.judged == 1.0 for one in small)
    assert not list(missed_alarms(small))


def test_the_same_run_twice_is_the_same(small: list[Alarms]) -> None:
    assert run(SMALL) == small


def test_a_broken_calibration_misses_the_bars() -> None:
    tasks = plan.quick_tasks(strict=0.5)
    assert {task.strict for task in tasks} == {0.5}
    broken = [one for one in tasks if one.regime == "independent"][:1]
    found = [one for task in broken for one in run(replace(task, features=5, panes=(168,)))]
    assert any("windows in 30 days" in sentence for sentence in missed_alarms(found))


def test_entries_end_after_three_windows_below() -> None:
    flags = np.array([1, 0, 0, 1, 0, 0, 0, 1, 1, 0], dtype=np.bool_)
    assert judging.entries(flags) == 2
    assert judging.entries(np.zeros(5, dtype=np.bool_)) == 0


def test_rivals_are_what_scipy_says() -> None:
    rng = np.random.default_rng(4)
    rows = np.full(12, 800)
    effects = draw_effects(replace(REGIMES["independent"], hours=0.2), 1, 12, (4,))
    number = draw_cells(rng, "integer 3", rows, effects, 0)
    values = KINDS["integer 3"].values
    assert values is not None
    raw = [np.repeat(values, counts[:-1]) for counts in number.counts]
    whole = np.concatenate(raw[6:])
    live, span = slice(0, 6), slice(6, 12)
    given = [number], live, [number], span, 1
    level = np.log(720)
    apart = [stats.ks_2samp(one, whole, method="asymp").pvalue for one in raw[:6]]
    ours = rivals.each_feature(rivals.bonferroni, *given)[0]
    assert ours * level == pytest.approx(-np.log(apart), rel=0.02, abs=0.02)
    far = [stats.wasserstein_distance(one, whole) / whole.std() / 0.1 for one in raw[:6]]
    assert rivals.each_feature(rivals.evidently, *given)[0] == pytest.approx(far)
    category = draw_cells(rng, "category 5", rows, effects, 0)
    counts = category.counts[:, :5]
    tables = [np.array([counts[i], counts[6:].sum(axis=0)]) for i in range(6)]
    level_of = [-np.log(stats.chi2_contingency(table).pvalue) for table in tables]
    given = [category], live, [category], span, 1
    assert rivals.each_feature(rivals.bonferroni, *given)[0] * level == pytest.approx(level_of)


def test_nannyml_rule_rings_three_deviations_away() -> None:
    rng = np.random.default_rng(4)
    rows = np.full(208, 1_000)
    effects = draw_effects(REGIMES["independent"], 1, 208, (4,))
    cells = draw_cells(rng, "number", rows, effects, 0)
    missing = cells.counts[:200, -1] / 1_000
    limit = missing.mean() + 3 * missing.std()
    cells.counts[200:, -1] = [10] * 8
    cells.counts[203, -1] = int(limit * 1_000) + 60
    past = rivals.each_feature(rivals.nannyml, [cells], slice(200, 208), [cells], slice(0, 200), 1)
    assert past[0, 3] > 1.0
    assert np.median(past[0]) < 1.0


def test_hours_to_an_alarm_need_windows_since_the_onset() -> None:
    each = np.array([[0.0, 2.0, 0.0, 2.0, 0.0, 9.0], [2.0, 0.0, 0.0, 0.0, 0.0, 0.0]])
    past = power.Past.of(each)
    assert power.hours_to(past, 5.0, 1.0, 0) == 4  # windows 1 and 3 of one column
    assert power.hours_to(past, 9.5, 1.0, 2) == 4  # 3 has 1 no longer: 3 and 5
    assert power.hours_to(past, 5.0, 9.5, 0) == 6
    assert power.hours_to(past, 9.5, 9.5, 1) == 5


def test_power_is_seen_and_is_not_made_up() -> None:
    trials = [power.Trial("independent", 168, stream, weeks=4) for stream in range(2)]
    rows = {row.drift: row for row in power.rows([power.run(trial) for trial in trials])}
    assert rows["0.5 sd in one of 20"].own.share > 0.95
    assert rows["5% nulls in one of 20"].own.share > 0.95
    assert rows["5% nulls in one of 20"].once["Bonferroni KS/chi2"].share < 0.1
    for row in rows.values():
        assert row.alarms < 5.0


def test_a_feature_is_compared_by_every_kind() -> None:
    stream = draw(REGIMES["mixed"], 2, 24, (0,))
    found = [
        [one.key.statistic for one in of_feature(0, cells, cells.total(slice(0, 24)))]
        for cells in stream.cells
    ]
    assert found == [
        ["distribution", "missing", "invalid"],
        ["distribution", "shape", "mean", "spread", "missing", "invalid"],
    ]
