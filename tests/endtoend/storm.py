"""The flights around the storm of February 2013, as the model server would have logged them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pandas as pd

from monitor.config import load
from monitor.demo.flights import TIME_ZONE, first_weeks, read_flights
from monitor.demo.model import fit
from monitor.demo.reference import build
from monitor.demo.scorer import score
from monitor.demo.show import alarms, config

FROM, TO = "2013-02-08", "2013-02-11"
"""Days of New York: a quiet morning, the storm, and what it takes for the alarm to end."""

MEMORY = 100_000_000


@cache
def _all() -> tuple[pd.DataFrame, pd.DataFrame, list[bytes], list[bytes]]:
    flights = read_flights()
    january = first_weeks(flights)
    model = fit(january)
    local = flights["time"].dt.tz_convert(TIME_ZONE)
    storm = flights[(local >= FROM) & (local < TO)]
    logged = ([*score(part, model, lambda: MEMORY)] for part in (january, storm))
    return january, storm, *logged


def by_hour() -> Iterator[list[bytes]]:
    """What is logged in each hour of the span that has flights."""
    _, storm, _, records = _all()
    hours = storm["time"].dt.floor("h")
    place = 0
    for number in hours.value_counts().sort_index():
        yield records[place : place + number]
        place += number


def null_share(end: float) -> float:
    """Share of the flights of the hour up to `end` (epoch) that never left: null answers."""
    _, storm, _, _ = _all()
    hour = storm[storm["time"].dt.floor("h") == pd.Timestamp(end - 3600, unit="s", tz="UTC")]
    return float(hour["dep_delay"].isna().mean())


def prepare(folder: Path, bootstrap_servers: str, topic: str, pid: int) -> str:
    """The daemon's config, with the first four weeks of the year as reference in this folder."""
    january = folder / "january.jsonl"
    january.write_bytes(b"".join(record + b"\n" for record in _all()[2]))
    reference = folder / "january.parquet"
    text = config(bootstrap_servers, None, topic, "127.0.0.1:0", folder, pid) + alarms(reference)
    text = text.replace("windows: [1h, 1d]", "windows: [1h]")
    (folder / "inferwatch.yml").write_text(text)
    build(load(folder / "inferwatch.yml"), january, reference)
    return text.replace("127.0.0.1:0", "LISTEN")
