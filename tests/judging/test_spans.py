"""Which windows lie beside which, against pandas' own calendar."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.event_clock import NEVER
from monitor.judging.spans import DAY, WEEK, Spans, Window
from tests.support.events import HOUR

ZONES = ("UTC", "America/New_York", "Asia/Kolkata", "Pacific/Apia", "Australia/Lord_Howe")
"""One with whole hours, one with summer time, two with halves of hours, one that left out a day."""

MOMENTS = st.integers(
    pd.Timestamp("2009-01-01").value // 1000, pd.Timestamp("2026-01-01").value // 1000
)


def us(moment: pd.Timestamp) -> int:
    return int(moment.value // 1000)


def local(time: int, zone: str) -> pd.Timestamp:
    return pd.Timestamp(time, unit="us", tz="UTC").tz_convert(zone)


@given(MOMENTS, st.sampled_from(ZONES), st.integers(1, 8))
def test_the_same_hour_some_weeks_ago_says_the_same_on_the_wall(
    time: int, zone: str, weeks: int
) -> None:
    spans = Spans(zone, HOUR)
    newest = spans.newest(HOUR, time)
    assert newest is not None
    assert newest.end == time // HOUR * HOUR == newest.start + HOUR
    earlier = spans.earlier(HOUR, newest, weeks)
    assert earlier is not None
    assert earlier.end - earlier.start == HOUR
    assert earlier.start % HOUR == 0
    now, then = local(newest.start, zone), local(earlier.start, zone)
    wall = (now.tz_localize(None) - then.tz_localize(None)) - pd.Timedelta(weeks=weeks)
    # An hour that comes twice, or never, or half of one, has no exact counterpart.
    assert abs(wall) <= pd.Timedelta(hours=1)
    if zone in {"UTC", "Asia/Kolkata"}:
        assert wall == pd.Timedelta(0)


@given(MOMENTS, st.sampled_from(ZONES[:4]))
def test_days_are_those_of_the_zone_and_lie_side_by_side(time: int, zone: str) -> None:
    spans = Spans(zone, HOUR)
    newest = spans.newest(DAY, time)
    assert newest is not None
    midnight = local(time, zone).normalize()
    assert newest.end == us(midnight)
    before = spans.previous(DAY, newest)
    assert before.end == newest.start
    assert us(local(before.start, zone).normalize()) == before.start
    week = spans.earlier(DAY, newest, 1)
    assert week is not None
    if zone != "Pacific/Apia":
        assert local(week.start, zone).weekday() == local(newest.start, zone).weekday()
    assert set(newest.panes(HOUR)) & set(before.panes(HOUR)) == set()
    panes = [*before.panes(HOUR), *newest.panes(HOUR)]
    assert panes == list(range(panes[0], panes[-1] + 1, HOUR))


@given(MOMENTS, st.sampled_from(ZONES[:3]))
def test_weeks_begin_on_mondays(time: int, zone: str) -> None:
    spans = Spans(zone, HOUR)
    newest = spans.newest(WEEK, time)
    assert newest is not None
    start, end = local(newest.start, zone), local(newest.end, zone)
    assert start.weekday() == end.weekday() == 0
    assert start == start.normalize()
    assert newest.end <= time < newest.end + WEEK + HOUR
    assert spans.earlier(WEEK, newest, 1) == spans.previous(WEEK, newest)


def test_other_lengths_count_from_the_epoch_and_their_panes_are_whole() -> None:
    spans = Spans("America/New_York", HOUR)
    six = spans.newest(6 * HOUR, 20 * HOUR)
    assert six == Window(12 * HOUR, 18 * HOUR)
    assert spans.previous(6 * HOUR, six) == Window(6 * HOUR, 12 * HOUR)
    assert list(six.panes(HOUR)) == [
        12 * HOUR,
        13 * HOUR,
        14 * HOUR,
        15 * HOUR,
        16 * HOUR,
        17 * HOUR,
    ]


def test_windows_longer_than_a_week_have_no_season() -> None:
    spans = Spans("UTC", HOUR)
    newest = spans.newest(30 * DAY, 1_000 * DAY)
    assert newest is not None
    assert spans.earlier(30 * DAY, newest, 1) is None
    assert spans.previous(30 * DAY, newest).end == newest.start


@pytest.mark.parametrize("time", [NEVER, -NEVER, -62_135_510_400_000_000, 253_402_300_799_000_000])
def test_what_is_in_no_calendar_has_no_window(time: int) -> None:
    for length in (HOUR, DAY, WEEK):
        assert Spans("America/New_York", HOUR).newest(length, time) is None
