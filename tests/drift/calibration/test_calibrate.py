"""References of panes made by hand, calibrated: how far a calibration is to be trusted, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from collectors.drift.calibrate import calibrate
from collectors.drift.calibrated import WINDOWS, Calibration, Rules
from collectors.drift.calibration.daily import NEVER
from collectors.drift.calibration.fit import _incidents
from collectors.drift.calibration.fitted import ALONE, TOGETHER, Fitted
from collectors.drift.calibration.heldout import ColumnKey
from collectors.drift.calibration.tail import SAFETY, pairs, threshold
from collectors.drift.comparisons import Summaries
from tests.support.events import HOUR
from tests.support.panes import (
    MONDAY,
    Change,
    Floats,
    Rows,
    Traffic,
    count,
    draw,
    hours,
    stream,
)

RULES = Rules(budget=1.0, min_rows=20, zone="UTC")
HOURS = replace(RULES, days=False)
DAY = 24 * HOUR


def calibrated(
    panes: Mapping[int, Summaries], rules: Rules = RULES, pane: int = HOUR
) -> Calibration:
    return calibrate("ref", panes, pane, rules)[0]


def fitted(calibration: Calibration) -> Fitted:
    assert calibration.hourly is not None
    return calibration.hourly


def arrays(fit: Fitted) -> dict[str, Floats]:
    """All numbers of a fit."""
    found = {"largest": fit.largest, "limits": np.array([*_pair(fit), fit.deff])}
    for one in fit.scorers:
        for name in ("totals", "rows", "squares", "raw", "scores"):
            found[f"{one.key} {name}"] = getattr(one, name)
        found[f"{one.key} noise"] = np.array([one.a, one.b])
    return found


def _pair(fit: Fitted) -> tuple[float, float]:
    return fit.alone.value, fit.together.value


@pytest.fixture(scope="module")
def weeks() -> dict[int, Summaries]:
    """Two weeks in which nothing is wrong."""
    return stream(1, hours(336))


@pytest.fixture(scope="module")
def week() -> dict[int, Summaries]:
    return stream(1, hours(168))


def test_the_same_panes_give_the_same_calibration_in_whatever_order_they_come(
    week: dict[int, Summaries],
) -> None:
    shuffled = list(week.items())
    shuffled = [shuffled[place] for place in np.random.default_rng(0).permutation(168)]
    one, other = calibrated(week), calibrated(dict(shuffled))
    for fits in ((one.hourly, other.hourly), (one.daily, other.daily)):
        assert fits[0] is not None
        assert fits[1] is not None
        first, second = arrays(fits[0]), arrays(fits[1])
        assert first.keys() == second.keys()
        for name, values in first.items():
            np.testing.assert_array_equal(values, second[name], name)


@pytest.mark.parametrize(
    ("panes", "certainty"),
    [
        (1, "uncalibrated"),
        (23, "uncalibrated"),
        (24, "provisional"),
        (167, "provisional"),
        (168, "extrapolated"),
    ],
)
def test_how_sure_a_calibration_is_of_its_panes(panes: int, certainty: str) -> None:
    found = calibrated(stream(2, hours(panes), Traffic(rows=60)), HOURS)
    assert found.certainty == certainty
    assert (found.hourly is None) == (certainty == "uncalibrated")
    if found.hourly is not None:
        assert found.hourly.judged == panes
        assert found.beyond > 1


def test_what_is_asked_for_is_inside_of_a_long_reference_and_a_large_budget(
    weeks: dict[int, Summaries],
) -> None:
    found = calibrated(weeks, replace(HOURS, budget=600.0))
    assert (found.certainty, found.beyond) == ("interpolated", 1.0)
    largest = fitted(found).largest
    assert np.isfinite(largest).all()
    assert (ALONE, TOGETHER) == (0.25, 0.75)
    # Most windows may alarm: what they must pass is read off the reference's own.
    share = WINDOWS * 600 / 720 / fitted(found).deff / SAFETY
    assert fitted(found).alone.value == pytest.approx(np.quantile(largest, 1 - share * ALONE))
    two = pairs(largest)
    quantile = np.quantile(two[np.isfinite(two)], 1 - share * TOGETHER)
    # It has to be the same column in both windows, which is rarer.
    assert 0.5 * quantile < fitted(found).together.value < quantile
    assert calibrated(weeks, HOURS).certainty == "extrapolated"


def test_a_budget_of_many_alarms_an_hour_is_no_error(week: dict[int, Summaries]) -> None:
    found = fitted(calibrated(week, replace(RULES, budget=9_999.0 * 30)))
    assert found.alone.value == found.largest.min()


@pytest.mark.parametrize("pane", [0, HOUR // 2, 2 * HOUR, DAY])
def test_panes_of_another_length_are_uncalibrated(pane: int) -> None:
    step = pane or HOUR
    panes = {MONDAY + n * step: count(draw(np.random.default_rng(n), 50)) for n in range(30)}
    found = calibrated(panes, RULES, pane)
    assert (found.certainty, found.hourly, found.daily) == ("uncalibrated", None, None)


def test_a_smaller_budget_asks_for_more(week: dict[int, Summaries]) -> None:
    limits = [_pair(fitted(calibrated(week, replace(HOURS, budget=b)))) for b in (4, 1, 0.25)]
    assert sorted(limits) == limits
    assert len(set(limits)) == 3


def over(days: Iterable[int], change: Change) -> dict[int, Summaries]:
    """Two weeks of which some days are otherwise."""
    panes = stream(1, hours(336))
    for day in days:
        panes |= stream(1, hours(24, MONDAY + day * DAY), change=change)
    return panes


def moved(rows: Rows) -> Rows:
    return replace(rows, a=rows.a + 15.0)


def test_a_day_of_an_incident_is_left_out_and_named(weeks: dict[int, Summaries]) -> None:
    without = fitted(calibrated(weeks))
    assert without.dropped == ()
    calibration = calibrated(over([11], moved))
    assert calibration.daily is not None
    assert calibration.daily.judged == 13
    found = fitted(calibration)
    assert [date.fromordinal(day).isoformat() for day in found.dropped] == ["2026-01-16"]
    assert found.judged == 336 - 24
    # It has no share in what is expected, nor in the thresholds.
    assert found.alone.value == pytest.approx(without.alone.value, rel=0.35)
    mean = next(o for o in found.scorers if o.key == ColumnKey("input", "a", "mean"))
    assert mean.rows.sum() == pytest.approx(150 * 312, rel=0.02)


def test_no_more_than_a_tenth_of_a_reference_is_left_out() -> None:
    # Three bad hours name their day; those of five days would be a third of the reference.
    rng = np.random.default_rng(0)
    days = np.repeat(np.arange(14), 24)
    largest = rng.exponential(1.0, 336)
    largest[::11] = np.nan
    bad = [24 * day + hour for day in (2, 4, 7, 9, 12) for hour in (9, 10, 12)]
    largest[bad[:3]] = 60.0
    one = _incidents(largest, days)
    assert np.flatnonzero(one).tolist() == list(range(48, 72))
    largest[bad[2]] = np.nan
    assert np.flatnonzero(_incidents(largest, days)).tolist() == bad[:2]
    largest[bad] = 60.0
    found = _incidents(largest, days)
    assert found.sum() == np.isfinite(largest).sum() // 10
    assert found[bad].all()
    assert largest[found].min() >= np.sort(largest[np.isfinite(largest)])[-found.sum()]


def test_a_short_reference_is_taken_as_it_is() -> None:
    panes = stream(1, hours(48)) | stream(1, hours(6, MONDAY + 20 * HOUR), change=moved)
    assert fitted(calibrated(panes)).dropped == ()


def test_nights_without_a_row_are_no_windows_that_could_alarm() -> None:
    awake = [start for start in hours(336) if start // HOUR % 24 >= 8]
    found = fitted(calibrated(stream(1, awake), HOURS))
    assert found.judged == 224
    assert len(found.largest) == 336 - 8  # from the first pane to the last
    volume = next(o for o in found.scorers if o.key.statistic == "volume")
    assert volume.season.startswith("hour of day")
    # Half of what is usual at noon is far out, for the nights are no part of what is usual.
    noon = np.array([12])
    ratio = volume.over_noise(np.array([[75.0, 1.0]]), noon, 20)
    assert volume.score(ratio)[0] > found.alone.value
    usual = volume.over_noise(np.array([[150.0, 1.0]]), noon, 20)
    assert volume.score(usual)[0] < 2
    # At night nothing is usual, and rows are as rare as can be.
    none, some = np.array([[0.0, 1.0]]), np.array([[50.0, 1.0]])
    assert volume.score(volume.over_noise(none, np.array([3]), 20))[0] < 0.1
    assert volume.score(volume.over_noise(some, np.array([3]), 20))[0] > 50
    # The budget is for the windows that there are.
    alpha = WINDOWS / (720 * 224 / 328)
    wanted = threshold(found.largest, alpha * ALONE, found.deff)
    assert found.alone.value == pytest.approx(wanted.value)
    assert found.alone.beyond == pytest.approx(wanted.beyond)


def test_panes_with_few_rows_are_not_judged(weeks: dict[int, Summaries]) -> None:
    awake = {s: p for s, p in weeks.items() if s // HOUR % 24 >= 8}
    asleep = [s for s in weeks if s not in awake]
    few = awake | stream(9, asleep, Traffic(rows=8))
    found = fitted(calibrated(few, HOURS))
    assert found.judged == 224
    shares = [o for o in found.scorers if o.key.statistic == "errors"]
    wanted = sum(awake[start]["software"].rows for start in awake)
    assert shares[0].rows.sum() == wanted
    volume = next(o for o in found.scorers if o.key.statistic == "volume")
    assert volume.season.startswith("hour of day")
    assert volume.rows.sum() == sum(p["software"].rows for p in few.values())


def test_columns_that_are_rarely_or_never_there_do_not_stand_in_the_way() -> None:
    def change(rows: Rows) -> Rows:
        rng = np.random.default_rng(len(rows))
        rare = np.where(rng.random(len(rows)) < 0.01, rows.b, np.nan)
        return replace(rows, a=np.full(len(rows), np.nan), b=rare, y=np.full(len(rows), 7.0))

    found = fitted(calibrated(stream(1, hours(120), change=change)))
    assert np.isfinite(found.largest).all()
    assert np.isfinite([*_pair(found), found.deff]).all()
    for one in found.scorers:
        assert np.isfinite([one.a, one.b]).all()
        assert one.a > 0
        assert np.isfinite(one.scores).all()
        assert (np.diff(one.scores) >= 0).all()
    by_key = {one.key: one for one in found.scorers}
    assert by_key[ColumnKey("input", "b", "mean")].rows.sum() == 0
    gone = by_key[ColumnKey("input", "a", "distribution")]
    # Not a single value in the whole reference: half a pane of them is as rare as can be.
    ratio = gone.over_noise(np.array([[75.0, 75.0]]), np.array([0]), 20)
    assert gone.score(ratio)[0] > 100
    constant = by_key[ColumnKey("output", "", "distribution")]
    other = np.zeros((1, constant.totals.shape[1]))
    other[0, -1] = 150.0
    assert constant.score(constant.over_noise(other, np.array([0]), 20))[0] > 100


def test_a_feature_that_is_ignored_is_compared_with_nothing(week: dict[int, Summaries]) -> None:
    calibration, found = calibrate("ref", week, HOUR, replace(RULES, ignore=frozenset({"a"})))
    assert {one.key.feature for one in found} == {"b", "c", ""}
    assert [one.key for one in fitted(calibration).scorers] == [one.key for one in found]


def test_one_row_of_another_decade_is_no_decade_of_hours(week: dict[int, Summaries]) -> None:
    stray = count(draw(np.random.default_rng(0), 1))
    found = fitted(calibrated(week | {0: stray}))
    assert len(found.largest) == 169
    assert found.judged == 168
    assert found.alone.value == pytest.approx(fitted(calibrated(week)).alone.value, rel=0.3)


def test_a_pane_a_day_has_no_two_of_three_windows() -> None:
    found = fitted(calibrated(stream(3, hours(24 * 60)[::24]), HOURS))
    assert found.judged == 60
    assert np.isfinite(found.alone.value)
    assert found.together.value == np.inf


def test_the_hour_of_the_day_is_the_models_own() -> None:
    starts = hours(24 * 9)
    traffic = Traffic(rows=60, season=1.0)
    for zone in ("UTC", "America/New_York"):
        found = fitted(calibrated(stream(1, starts, traffic), replace(RULES, zone=zone)))
        mean = next(o for o in found.scorers if o.key == ColumnKey("input", "a", "mean"))
        assert mean.season == "hour of day"
        means = mean.totals[:, 1] / mean.totals[:, 0]
        shift = 0 if zone == "UTC" else -5
        assert (means.argmax() - (6 + shift)) % 24 in {23, 0, 1}


class TestDays:
    def test_fewer_than_three_are_not_judged_and_hours_have_the_whole_budget(self) -> None:
        panes = stream(1, hours(48), Traffic(rows=60))
        both, alone = calibrated(panes, RULES), calibrated(panes, HOURS)
        assert both.daily is None
        assert _pair(fitted(both)) == _pair(fitted(alone))

    @pytest.mark.parametrize("days", [3, 19, 20])
    def test_from_three_on_they_have_half_of_it(self, days: int) -> None:
        panes = stream(4, hours(24 * days), Traffic(rows=60))
        both, half = calibrated(panes, RULES), calibrated(panes, replace(HOURS, budget=0.5))
        assert both.daily is not None
        assert both.daily.judged == days
        assert _pair(fitted(both)) == _pair(fitted(half))
        assert both.daily.together == NEVER
        assert both.daily.joint is None
        columns = len(both.daily.scorers)
        # A bound that any of the columns passes once in twice the time that is stated.
        bound = np.log(columns * 1.5 / (0.5 / 30))
        assert both.daily.alone.value >= bound - 1e-9
        if days < 20:
            assert both.daily.alone.value == pytest.approx(bound, rel=0.3)
            assert both.daily.alone.beyond == pytest.approx(60 / WINDOWS / days)
        assert both.daily.alone.value > both.daily.largest[:days].max()

    def test_days_are_local_ones_with_most_of_their_hours(self) -> None:
        zone = replace(RULES, zone="America/New_York")
        found = calibrated(stream(1, hours(24 * 5), Traffic(rows=60)), zone)
        # Five days of UTC are four of New York, and parts of two more.
        assert found.daily is not None
        assert found.daily.judged == len(found.daily.largest) == 4
