"""What is known of each day, against the package's tables read line by line."""

from __future__ import annotations

import csv
import io
import zipfile
from collections import Counter, defaultdict
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from monitor.demo.flights import data_folder
from monitor.demo.outside import RULE, Outside, read_days

QUIET = Outside(1_000, 49, 60, 0.29, 0.26, 38.9, 1, 2, holiday=False)


@pytest.fixture(scope="module")
def days() -> dict[date, Outside]:
    return read_days()


def test_cancelled_flights_are_those_that_never_left(days: dict[date, Outside]) -> None:
    flights: Counter[date] = Counter()
    gone: Counter[date] = Counter()
    with zipfile.ZipFile(data_folder() / "flights.csv.zip") as whole:
        name = next(name for name in whole.namelist() if name.endswith("flights.csv"))
        for row in csv.DictReader(io.TextIOWrapper(whole.open(name))):
            day = date(int(row["year"]), int(row["month"]), int(row["day"]))
            flights[day] += 1
            gone[day] += row["dep_time"] in {"", "NA"}
    assert {day: (one.flights, one.cancelled) for day, one in days.items()} == {
        day: (flights[day], gone[day]) for day in sorted(flights)
    }
    assert gone.total() == 8_255
    for day in (date(2013, 2, 9), date(2013, 3, 8), date(2013, 7, 4)):
        share = gone[day] / flights[day]
        assert days[day].rank == 1 + sum(gone[d] / flights[d] > share for d in flights)


def test_weather_is_the_worst_of_three_airports(days: dict[date, Outside]) -> None:
    rain, sight, wind = (defaultdict[date, list[float]](list) for _ in range(3))
    fog, known = Counter[tuple[date, str]](), Counter[tuple[date, str]]()
    with (data_folder() / "weather.csv").open() as file:
        for row in csv.DictReader(file):
            hour = datetime.strptime(row["time_hour"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
            local = hour.astimezone(ZoneInfo("America/New_York"))
            if local.hour < 5:
                continue
            day, airport = local.date(), row["origin"]
            rain[day].append(float(row["precip"]))
            sight[day].append(float(row["visib"]))
            if row["wind_speed"] not in {"", "NA"} and float(row["wind_speed"]) < 1_000:
                wind[day].append(float(row["wind_speed"]))
            fog[day, airport] += float(row["visib"]) <= 0.25
            known[day, airport] += 1
    airports = ("EWR", "JFK", "LGA")
    for day, one in days.items():
        assert one.rain == (max(rain[day]) if rain[day] else None), day
        assert one.sight == (min(sight[day]) if sight[day] else None), day
        assert one.wind == pytest.approx(max(wind[day]) if wind[day] else None), day
        assert one.fog == max(fog[day, airport] for airport in airports), day
        assert one.unmeasured == 19 - min(known[day, airport] for airport in airports), day
    assert days[date(2013, 12, 31)].unmeasured == 19


def test_a_fault_of_the_table_is_no_gale(days: dict[date, Outside]) -> None:
    winds = [one.wind for one in days.values() if one.wind is not None]
    assert 40 < max(winds) < 50


@pytest.mark.parametrize(
    "worse",
    [
        {"cancelled": 50},
        {"rain": 0.3},
        {"wind": 39.0},
        {"fog": 2},
        {"unmeasured": 3},
    ],
    ids=lambda worse: next(iter(worse)),
)
def test_each_part_of_the_rule_makes_a_day_expected(worse: dict[str, float]) -> None:
    fields = {name: getattr(QUIET, name) for name in Outside.__slots__}
    assert not QUIET.expected
    assert Outside(**fields | worse).expected


def test_nothing_measured_is_no_weather_by_itself() -> None:
    assert not Outside(1_000, 0, 300, None, None, None, 0, 0, holiday=False).expected


def test_the_rule_is_said_as_it_is() -> None:
    for said in ("5%", "0.3 in", "39 mph", "2 with 0.25 mi", "3 of which no weather"):
        assert said in RULE


def test_holidays_are_those_with_a_thin_schedule(days: dict[date, Outside]) -> None:
    named = {(day.month, day.day) for day, one in days.items() if one.holiday}
    assert {(7, 4), (11, 28), (11, 29), (12, 24), (12, 25)} <= named  # Thanksgiving, Christmas
    assert (2, 18) not in named  # Washington's birthday, on which as many fly as ever
    assert (2, 3) not in named  # a Sunday with few flights, far from any holiday
    assert len(named) == 11


def test_the_year_is_whole_and_a_fifth_of_it_expected(days: dict[date, Outside]) -> None:
    assert list(days)[:: len(days) - 1] == [date(2013, 1, 1), date(2013, 12, 31)]
    assert len(days) == 365
    assert sum(one.expected for one in days.values()) == 71
