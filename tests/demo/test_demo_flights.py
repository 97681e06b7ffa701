from __future__ import annotations

import subprocess
import sys

import pandas as pd
import pytest

from monitor.demo.flights import (
    CATEGORIES,
    FEATURES,
    NUMBERS,
    WEATHER,
    data_folder,
    first_days,
    first_weeks,
)


def _times(flights: pd.DataFrame, request_id: str) -> tuple[str, str]:
    row = flights[flights["request_id"] == request_id].iloc[0]
    return row["scheduled"].isoformat(), row["time"].isoformat()


def test_the_whole_year_is_there_once(flights: pd.DataFrame) -> None:
    assert len(flights) == 336_776
    assert flights["request_id"].is_unique
    assert flights["time"].is_monotonic_increasing
    assert str(flights["time"].dt.tz) == "UTC"


def test_nothing_known_only_after_departure_is_a_feature() -> None:
    later = {"arr_time", "arr_delay", "air_time", "dep_time"}
    assert later.isdisjoint(FEATURES)
    assert (*NUMBERS, *CATEGORIES) == FEATURES


@pytest.mark.parametrize(
    ("request_id", "scheduled", "left"),
    [
        # 05:15 in winter, two minutes late
        ("UA1545-EWR-20130101T1015Z", "2013-01-01T10:15:00+00:00", "2013-01-01T10:17:00+00:00"),
        # 11:34 on the day on which summer time began, a minute late
        ("UA1027-EWR-20130310T1534Z", "2013-03-10T15:34:00+00:00", "2013-03-10T15:35:00+00:00"),
        # 08:15 in summer, 94 minutes late
        ("B6281-JFK-20130710T1215Z", "2013-07-10T12:15:00+00:00", "2013-07-10T13:49:00+00:00"),
        # 05:20 on the day on which summer time ended, a minute early
        ("UA322-EWR-20131103T1020Z", "2013-11-03T10:20:00+00:00", "2013-11-03T10:19:00+00:00"),
    ],
)
def test_event_time_is_the_departure_in_utc(
    flights: pd.DataFrame, request_id: str, scheduled: str, left: str
) -> None:
    assert _times(flights, request_id) == (scheduled, left)


def test_event_time_agrees_with_the_clocks_of_new_york(flights: pd.DataFrame) -> None:
    raw = pd.read_csv(data_folder() / "flights.csv.zip")
    minutes = raw["dep_time"].dropna() % 2400 // 100 * 60 + raw["dep_time"].dropna() % 100
    local = flights.loc[flights["dep_delay"].notna(), "time"].dt.tz_convert("America/New_York")
    ours = local.dt.hour * 60 + local.dt.minute
    assert ours.value_counts().to_dict() == minutes.astype(int).value_counts().to_dict()
    hours = flights["scheduled"].dt.tz_convert("America/New_York").dt.hour
    assert (hours == flights["sched_hour"]).all()


def test_a_cancelled_flight_has_its_scheduled_time(flights: pd.DataFrame) -> None:
    cancelled = flights[flights["dep_delay"].isna()]
    assert len(cancelled) == 8_255
    assert (cancelled["time"] == cancelled["scheduled"]).all()


def test_weather_is_that_of_the_airport_and_the_hour(flights: pd.DataFrame) -> None:
    raw = pd.read_csv(data_folder() / "weather.csv")
    hours = pd.to_datetime(raw["time_hour"], utc=True)
    by_hour = raw.assign(hour_start=hours).set_index(["origin", "hour_start"])
    for _, flight in flights[flights["temp"].notna()].sample(200, random_state=7).iterrows():
        there = by_hour.loc[(flight["origin"], flight["scheduled"].floor("h"))]
        pd.testing.assert_series_equal(
            there[list(WEATHER)].astype(float),
            flight[list(WEATHER)].astype(float),
            check_names=False,
        )


def test_missing_weather_stays_missing(flights: pd.DataFrame) -> None:
    missing = flights[list(WEATHER)].isna().sum()
    assert missing["pressure"] == 38_788
    assert missing["temp"] == 1_573


def test_the_first_days_are_those_of_new_york(flights: pd.DataFrame) -> None:
    raw = pd.read_csv(data_folder() / "flights.csv.zip", usecols=["month", "day"])
    early = int(((raw["month"] == 1) & (raw["day"] <= 3)).sum())
    assert len(first_days(flights, 3)) == early
    march = int((raw["month"] < 3).sum() + ((raw["month"] == 3) & (raw["day"] <= 10)).sum())
    assert len(first_days(flights, 31 + 28 + 10)) == march  # the last of them has 23 hours
    assert len(first_days(flights, 365)) == len(flights)


def test_the_first_weeks_end_at_midnight_in_new_york(flights: pd.DataFrame) -> None:
    first = first_weeks(flights)
    local = flights["time"].dt.tz_convert("America/New_York").dt.tz_localize(None)
    assert len(first) == int((local < pd.Timestamp("2013-01-29")).sum()) == 24_285
    pd.testing.assert_frame_equal(first, flights.head(len(first)))


def test_the_first_weeks_are_whole_weeks_of_a_clock(flights: pd.DataFrame) -> None:
    first = first_weeks(flights, weeks=12)  # the last one begins after the hour that was left out
    local = flights["time"].dt.tz_convert("America/New_York").dt.tz_localize(None)
    assert len(first) == int((local < pd.Timestamp("2013-03-26")).sum())


def test_names_of_features_are_known_without_pandas() -> None:
    code = "import monitor.demo.flights, sys; print('pandas' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "False"
