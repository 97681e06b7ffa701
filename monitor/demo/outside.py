"""What is known of each day beside the log: how many flights were cancelled, and the weather.

Which days one may expect an alarm on is decided here, by cancellations and weather alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from monitor.demo.flights import TIME_ZONE, data_folder

if TYPE_CHECKING:
    import pandas as pd

CANCELLED = 0.05
"""Share of cancelled flights, twice that of the year."""

RAIN, SIGHT, WIND = 0.3, 0.25, 39.0
"""Inches in an hour that are heavy rain, miles of sight in dense fog, miles an hour of a gale."""

FOG_HOURS, UNMEASURED_HOURS = 2, 3

RULE = (
    "To be expected, by cancellations and weather alone, is a day on which at least "
    f"{CANCELLED:.0%} of the flights were cancelled, or after 5:00 one of the three airports had "
    f"an hour with {RAIN} in of rain or {WIND:.0f} mph of wind, or {FOG_HOURS} with {SIGHT} mi of "
    f"sight or less, or {UNMEASURED_HOURS} of which no weather is known. A holiday is a federal "
    "one, or a day beside it, with a tenth fewer flights than are usual."
)
"""For people: what `Outside.expected` and `Outside.holiday` say."""

_FIRST_HOUR = 5
"""Before it hardly any flight leaves, so that its weather is in no record."""

_IMPOSSIBLE_WIND = 200.0
"""Miles an hour. Newark has an hour with 1,048: a fault of the table."""

_THIN = 0.9
"""Share of the flights usual on a weekday, below which a schedule is thin."""


@dataclass(frozen=True, slots=True)
class Outside:
    """One New York day.

    Attributes:
        flights: scheduled.
        cancelled: of those.
        rank: 1 for the day of the year with the largest share of cancelled flights.
        rain, sight, wind: of the worst hour of any airport, each by itself, in inches, miles and
            miles an hour; None where nothing was measured.
        fog: hours of dense fog at one airport.
        unmeasured: hours of which no weather is known at one airport.
        holiday: whether it is a federal holiday or beside one, with a thin schedule.
    """

    flights: int
    cancelled: int
    rank: int
    rain: float | None
    sight: float | None
    wind: float | None
    fog: int
    unmeasured: int
    holiday: bool

    @property
    def share(self) -> float:
        """Of flights that were cancelled."""
        return self.cancelled / self.flights

    @property
    def expected(self) -> bool:
        """Whether one may expect an alarm, by `RULE`."""
        return (
            self.share >= CANCELLED
            or (self.rain is not None and self.rain >= RAIN)
            or (self.wind is not None and self.wind >= WIND)
            or self.fog >= FOG_HOURS
            or self.unmeasured >= UNMEASURED_HOURS
        )


def read_days() -> dict[date, Outside]:
    """Every day of 2013, in order.

    Raises:
        ImportError: a package of the demo is not installed.
    """
    import pandas as pd

    folder = data_folder()
    names = ["year", "month", "day", "dep_time"]
    flights = pd.read_csv(folder / "flights.csv.zip", usecols=names)
    weather = pd.read_csv(
        folder / "weather.csv", usecols=["origin", "time_hour", "precip", "visib", "wind_speed"]
    )
    days = _of_flights(flights)
    days = days.join(_of_weather(weather, days.index))
    return {
        when: Outside(
            flights=int(row["flights"]),
            cancelled=int(row["cancelled"]),
            rank=int(row["rank"]),
            **{name: _number(row[name]) for name in ("rain", "sight", "wind")},
            fog=int(row["fog"]),
            unmeasured=int(row["unmeasured"]),
            holiday=bool(row["holiday"]),
        )
        for when, row in zip(
            pd.DatetimeIndex(days.index).date, days.to_dict("records"), strict=True
        )
    }


def _of_flights(flights: pd.DataFrame) -> pd.DataFrame:
    """Flights by the day that they were scheduled on."""
    import pandas as pd
    from pandas.tseries.holiday import USFederalHolidayCalendar

    day = pd.to_datetime(flights[["year", "month", "day"]])
    gone = flights["dep_time"].isna().groupby(day)
    days = pd.DataFrame({"flights": gone.size(), "cancelled": gone.sum()})
    shares = days["cancelled"] / days["flights"]
    days["rank"] = shares.rank(method="min", ascending=False)
    weekday = pd.DatetimeIndex(days.index).day_of_week
    usual = days.groupby(weekday)["flights"].transform("median")
    one = pd.Timedelta(days=1)
    holidays = USFederalHolidayCalendar().holidays(days.index[0] - one, days.index[-1] + one)
    near = days.index.isin([when + n * one for when in holidays for n in (-1, 0, 1)])
    days["holiday"] = near & (days["flights"] < _THIN * usual)
    return days


def _of_weather(weather: pd.DataFrame, days: pd.Index) -> pd.DataFrame:
    """The worst of the weather on each of these days."""
    import pandas as pd

    local = pd.to_datetime(weather["time_hour"], utc=True).dt.tz_convert(TIME_ZONE)
    weather = weather.assign(
        day=local.dt.tz_localize(None).dt.normalize(),
        wind=weather["wind_speed"].where(weather["wind_speed"] < _IMPOSSIBLE_WIND),
        fog=weather["visib"] <= SIGHT,
        known=1,
    )[local.dt.hour >= _FIRST_HOUR]
    airports = pd.MultiIndex.from_product([days, weather["origin"].unique()])
    hours = weather.groupby(["day", "origin"])[["fog", "known"]].sum().reindex(airports)
    worst = weather.groupby("day").agg(
        rain=("precip", "max"), sight=("visib", "min"), wind=("wind", "max")
    )
    by_day = hours.fillna(0).groupby(level=0)
    return worst.reindex(days).assign(
        fog=by_day["fog"].max(), unmeasured=24 - _FIRST_HOUR - by_day["known"].min()
    )


def _number(value: float) -> float | None:
    return float(value) if value == value else None  # noqa: PLR0124  # NaN is none
