"""Held-out distances against a loop that really leaves the block out; blocks; which season wins."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.drift.calibration.heldout import (
    MOST_BLOCKS,
    SHORT,
    Column,
    ColumnKey,
    HeldOut,
    Panes,
    held_out,
)
from collectors.drift.calibration.measures import (
    Floats,
    JensenShannon,
    Kolmogorov,
    Mean,
    Measure,
    Share,
    Spread,
    Volume,
)
from collectors.drift.calibration.seasons import DAILY, HOURLY, Calendar, Ints, Season, bucket
from tests.support.panes import MONDAY, hours

KEY = ColumnKey("input", "a", "distribution")
MEASURES: tuple[tuple[Measure, int], ...] = (
    (Kolmogorov(), 6),
    (JensenShannon("shape"), 4),
    (Share("missing"), 2),
    (Share("reruns", up=False), 2),
    (Volume(), 2),
    (Mean(), 3),
    (Spread(), 2),
)


def places(number: int, zone: str = "UTC", start: int = MONDAY) -> Panes:
    starts = np.array(hours(number, start), dtype=np.int64)
    return Panes(*Calendar(zone).places(starts))


def column(measure: Measure, profile: Floats) -> Column:
    return Column(KEY, measure, profile)


def one_by_one(
    column: Column, panes: Panes, usable: Ints, blocks: Ints, season: Season
) -> list[tuple[float, float, float]]:
    """Distance, x and y of each pane, by going over all the others."""
    where = bucket(season, panes.hours, panes.weekdays)
    found = []
    for place in usable.tolist():
        others = [
            other
            for other in usable.tolist()
            if where[other] == where[place] and blocks[other] != blocks[place]
        ]
        rest = column.profile[others].sum(axis=0)
        sizes = np.array([float(column.measure.rows(column.profile[o])) for o in others])
        now = column.profile[place]
        if not others or sizes.sum() == 0:
            found.append((np.nan, np.nan, np.nan))
            continue
        with np.errstate(invalid="ignore"):
            squared = float(column.measure.squared(now[None], rest[None])[0])
            n = float(column.measure.size(now[None], rest[None])[0])
        x = 1 / n + 1 / sizes.sum() if n > 0 else np.nan
        y = 1 + (sizes**2).sum() / sizes.sum() ** 2
        whole = np.isfinite(squared) and np.isfinite(x)
        found.append((squared, x, y) if whole else (np.nan, np.nan, np.nan))
    return found


@settings(max_examples=40)
@given(st.data())
def test_each_pane_is_compared_with_all_but_its_own_block(data: st.DataObject) -> None:
    measure, groups = data.draw(st.sampled_from(MEASURES))
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    number = data.draw(st.sampled_from([24, 71, 72, 130]))
    panes = places(number, data.draw(st.sampled_from(["UTC", "America/New_York"])))
    profile = rng.integers(0, 30, (number, groups)).astype(np.float64)
    profile[rng.random(number) < 0.1] = 0.0
    usable = np.flatnonzero(rng.random(number) < 0.8)
    blocks = panes.blocks(usable)
    season: Season = data.draw(st.sampled_from(["none", "hour of day"]))
    one = column(measure, profile)
    found = held_out(one, panes, usable, blocks, ((season, 0.0),), 0.1)
    assert found.season == season
    wanted = np.full((number, 3), np.nan)
    wanted[usable] = one_by_one(one, panes, usable, blocks, season)
    for name, values in zip(("squared", "x", "y"), wanted.T, strict=True):
        np.testing.assert_allclose(getattr(found, name), values, rtol=1e-9, atol=1e-12)


def test_what_stands_for_live_windows_is_all_of_the_usable_panes_by_bucket() -> None:
    rng = np.random.default_rng(0)
    panes = places(24 * 6)
    profile = rng.integers(1, 30, (len(panes), 3)).astype(np.float64)
    usable = np.flatnonzero(np.arange(len(panes)) % 7 != 0)
    one = column(Kolmogorov(), profile)
    found = held_out(one, panes, usable, panes.blocks(usable), (("hour of day", 0.0),), 0.1)
    for hour in range(24):
        those = usable[panes.hours[usable] == hour]
        np.testing.assert_allclose(found.totals[hour], profile[those].sum(axis=0))
        rows = profile[those].sum(axis=1)
        assert found.rows[hour] == rows.sum()
        assert found.squares[hour] == (rows**2).sum()
    assert found.typical == np.median(profile[usable].sum(axis=1))


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
@pytest.mark.parametrize("number", [72, 100, 168, 400, 720])
def test_blocks_are_whole_local_days_of_near_equal_number(number: int, zone: str) -> None:
    panes = places(number, zone)
    blocks = panes.blocks(np.arange(number))
    assert (np.diff(blocks) >= 0).all()
    for day in np.unique(panes.days):
        assert len(np.unique(blocks[panes.days == day])) == 1
    distinct = len(np.unique(blocks))
    assert distinct == max(2, min(MOST_BLOCKS, number // 24))
    days = [len(np.unique(panes.days[blocks == block])) for block in range(distinct)]
    assert max(days) - min(days) <= 1


def test_a_short_reference_is_left_out_in_quarters() -> None:
    panes = places(96)
    usable = np.arange(20, 20 + SHORT - 1)
    blocks = panes.blocks(usable)
    sizes = np.bincount(blocks[usable])
    assert len(sizes) == 4
    assert sizes.max() - sizes.min() <= 1
    assert blocks[:20].tolist() == [0] * 20
    assert blocks[-1] == 3


def wave(rng: np.random.Generator, panes: Panes, size: float, of: Ints) -> Floats:
    """Counts of a column whose mean moves with `of`, by numbers cut in 20 groups."""
    edges = np.linspace(-2, 2, 19)
    moved = size * rng.standard_normal(of.max() + 1)[of]
    rows = [rng.normal(mean, 1.0, 400) for mean in moved]
    return np.array(
        [np.bincount(np.searchsorted(edges, some), minlength=21) for some in rows], np.float64
    )


def season_of(profile: Floats, panes: Panes, gain: float = 0.1) -> HeldOut:
    usable = np.arange(len(panes))
    one = column(Kolmogorov(), profile)
    return held_out(one, panes, usable, panes.blocks(usable), HOURLY, gain)


def test_the_season_that_is_there_is_found_and_no_finer_one() -> None:
    rng = np.random.default_rng(5)
    panes = places(24 * 35)
    of: dict[Season, Ints] = {
        "none": np.zeros(len(panes), np.int64),
        "hour of day": panes.hours,
        "hour of day, weekend": panes.hours + 24 * (panes.weekdays >= 5),
        "hour of week": panes.hours + 24 * panes.weekdays,
    }
    for season, groups in of.items():
        found = season_of(wave(rng, panes, 0.4, groups), panes)
        assert found.season == season


@pytest.mark.parametrize("days", [3, 14, 28])
def test_where_there_is_no_season_none_is_taken(days: int) -> None:
    for seed in range(10):
        rng = np.random.default_rng((days, seed))
        panes = places(24 * days)
        profile = wave(rng, panes, 0.0, np.zeros(len(panes), np.int64))
        assert season_of(profile, panes).season == "none"


def test_a_season_asks_for_days_enough() -> None:
    rng = np.random.default_rng(6)
    for days, wanted in ((2, "none"), (3, "hour of day")):
        panes = places(24 * days)
        assert season_of(wave(rng, panes, 2.0, panes.hours), panes).season == wanted


def test_the_season_of_a_day_is_its_place_in_the_week() -> None:
    rng = np.random.default_rng(7)
    days = np.arange(60, dtype=np.int64) + 1
    panes = Panes(days, np.zeros_like(days), (days - 1) % 7)
    usable = np.arange(len(days))
    for of, season in ((panes.weekdays, "weekday"), ((panes.weekdays >= 5) * 1, "weekend")):
        profile = wave(rng, panes, 1.0, np.asarray(of, np.int64))
        found = held_out(column(Kolmogorov(), profile), panes, usable, usable, DAILY, 0.2)
        assert found.season == season


def test_a_season_that_leaves_panes_alone_in_their_bucket_is_not_taken() -> None:
    # Half of the panes have rows only once in a month: nothing can be held against them by week.
    rng = np.random.default_rng(8)
    panes = places(24 * 28)
    profile = wave(rng, panes, 1.0, panes.hours + 24 * panes.weekdays)
    sparse = (panes.hours % 2 == 0) & (panes.days > panes.days[0] + 6)
    profile[sparse] = 0.0
    usable = np.flatnonzero(~sparse)
    found = held_out(
        column(Kolmogorov(), profile), panes, usable, panes.blocks(usable), HOURLY, 0.1
    )
    assert found.season in {"hour of day", "hour of day, weekend"}
    assert np.isfinite(found.squared[usable]).mean() > 0.95


def test_nothing_usable_is_no_distance_and_no_error() -> None:
    panes = places(48)
    profile = np.zeros((48, 3))
    for measure in (Kolmogorov(), Mean(), JensenShannon("shape")):
        one = column(measure, profile)
        found = held_out(one, panes, np.zeros(0, np.int64), panes.blocks(np.arange(48)), HOURLY, 0)
        assert np.isnan(found.squared).all()
        assert found.totals.sum() == 0
        assert found.typical == 0
