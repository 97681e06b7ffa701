"""Days, hours and weekdays against pandas; seasons found where there are some."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from collectors.drift.calibration.seasons import (
    BUCKETS,
    DAILY,
    HOURLY,
    Calendar,
    Season,
    bucket,
    iso_day,
)
from tests.support.events import HOUR

ZONES = ["UTC", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Chatham"]
SPANS = ["2026-03-06", "2026-04-03", "2026-10-30", "2025-12-30", "1969-12-30"]


def starts_from(day: str, number: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    first = pd.Timestamp(day, tz="UTC").value // 1_000
    return np.arange(number, dtype=np.int64) * HOUR + first


@pytest.mark.parametrize("day", SPANS)
@pytest.mark.parametrize("zone", ZONES)
def test_places_are_those_of_pandas_also_where_clocks_change(zone: str, day: str) -> None:
    starts = starts_from(day, 200)
    local = pd.to_datetime(starts, unit="us", utc=True).tz_convert(zone)
    days, hours, weekdays = Calendar(zone).places(starts)
    assert hours.tolist() == local.hour.tolist()
    assert weekdays.tolist() == local.day_of_week.tolist()
    assert [iso_day(one) for one in days.tolist()] == local.strftime("%Y-%m-%d").tolist()


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("America/New_York", "2026-03-08", 23),
        ("America/New_York", "2026-11-01", 25),
        ("America/New_York", "2026-07-04", 24),
        ("UTC", "2026-03-08", 24),
        ("Asia/Kolkata", "2026-01-01", 24),
        ("Australia/Lord_Howe", "2026-04-05", 24.5),
        ("America/Sao_Paulo", "2018-11-04", 23),  # midnight itself was left out
        ("America/Havana", "2026-11-01", 25),  # midnight came twice
    ],
)
def test_a_day_begins_and_ends_where_pandas_says(zone: str, day: str, hours: float) -> None:
    edges = [pd.Timestamp(day), pd.Timestamp(day) + pd.DateOffset(days=1)]
    wanted = [
        one.tz_localize(zone, nonexistent="shift_forward", ambiguous=True).tz_convert("UTC").value
        for one in edges
    ]
    start, end = Calendar(zone).day(pd.Timestamp(day).toordinal())
    assert [start * 1_000, end * 1_000] == wanted
    assert (end - start) / HOUR == hours
    days, *_ = Calendar(zone).places(np.array([start - 1, start, end - 1, end]))
    ordinal = pd.Timestamp(day).toordinal()
    assert days.tolist() == [ordinal - 1, ordinal, ordinal, ordinal + 1]


@pytest.mark.parametrize("season", BUCKETS)
def test_every_bucket_is_a_group_of_pandas(season: Season) -> None:
    local = pd.date_range("2026-02-02", periods=24 * 21, freq="h", tz="Europe/Berlin")
    hour, weekday = np.array(local.hour, np.int64), np.array(local.day_of_week, np.int64)
    weekend = weekday >= 5
    groups = {
        "none": np.zeros(len(local)),
        "hour of day": hour,
        "hour of day, weekend": [f"{h} {w}" for h, w in zip(hour, weekend, strict=True)],
        "hour of week": [f"{h} {w}" for h, w in zip(hour, weekday, strict=True)],
        "weekend": weekend,
        "weekday": weekday,
    }
    found = bucket(season, hour, weekday)
    wanted = pd.Series(found).groupby(pd.Series(groups[season])).nunique()
    assert (wanted == 1).all()
    assert len(wanted) == len(np.unique(found)) == BUCKETS[season]
    assert found.min() == 0
    assert found.max() == BUCKETS[season] - 1


def test_seasons_ask_for_longer_references_one_after_the_other() -> None:
    for seasons in (HOURLY, DAILY):
        assert seasons[0] == ("none", 0.0)
        spans = [days for _, days in seasons]
        assert spans == sorted(spans)
    assert dict(HOURLY) == {
        "none": 0,
        "hour of day": 3,
        "hour of day, weekend": 14,
        "hour of week": 28,
    }
    assert dict(DAILY) == {"none": 0, "weekend": 14, "weekday": 28}


@pytest.mark.parametrize("zone", ["America/New_York", "Pacific/Kiritimati", "UTC"])
def test_the_year_1_lies_in_every_calendar(zone: str) -> None:
    calendar = Calendar(zone)
    start = int(pd.Timestamp("2026-03-08").timestamp() * 1e6)
    days, _, _ = calendar.places(np.array([-62_135_596_800_000_000, start]))
    assert 1 <= days[0] <= 2
    first, end = calendar.day(int(days[0]))
    assert first < end
