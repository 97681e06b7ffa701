"""The flights on a Kafka of one's own, where a monitor that runs elsewhere reads them."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from monitor.demo.broker import create_topic
from monitor.demo.flights import TIME_ZONE, first_days, first_weeks, read_flights
from monitor.demo.model import fit
from monitor.demo.scorer import Log, score

if TYPE_CHECKING:
    import pandas as pd

MINUTE = 60.0


def produce(
    bootstrap_servers: str,
    topic: str,
    days: int,
    at_once: int,
    pace: float | None,
    stop: threading.Event,
    say: Callable[[str], None],
) -> int:
    """Write the flights of the first `days` days to `topic`; how many were written by now.

    Those of the first `at_once` days are written without waiting, the rest by `pace`, in hours of
    flights a minute; all at once without it. What the topic holds already is not written again: a
    producer that was ended goes on where it was. The topic has to be its own.

    Raises:
        OSError: no broker answers, or it refuses a record.
        ImportError: a package of the demo is not installed.
    """
    import psutil

    process = psutil.Process()
    create_topic(bootstrap_servers, topic)
    log = Log(bootstrap_servers, topic, go_on=True)
    flights = read_flights()
    model = fit(first_weeks(flights))
    flights = first_days(flights, days)
    records = score(flights, model, lambda: int(process.memory_info().rss))
    say(f"{len(flights):,} flights of {days} days go to topic {topic}")
    for day, number in hours(flights):
        written = log.written
        log.write(list(itertools.islice(records, number)))
        new = log.written > written
        if new and pace is not None and day >= at_once and stop.wait(MINUTE / pace):
            break
        if stop.is_set():
            break
    log.finish()
    return log.written


def hours(flights: pd.DataFrame) -> Iterator[tuple[int, int]]:
    """Each hour of event time in order: its day in New York, from 0, and its flights.

    An hour without a flight is passed over.
    """
    import pandas as pd

    # Floored in UTC: in autumn a local hour comes twice.
    sizes = flights.groupby(flights["time"].dt.floor("h")).size()
    days = pd.DatetimeIndex(sizes.index).tz_convert(TIME_ZONE).normalize()
    for day, number in zip((days - days[0]).days, sizes, strict=True):
        yield int(day), int(number)
