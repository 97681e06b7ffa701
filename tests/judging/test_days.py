"""Days are judged once, at local midnight, whatever their length and however late they are read."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pandas as pd

from tests.judging.living import (
    HOUR,
    JUDGED,
    MODEL,
    REFERENCE,
    ZONE,
    Life,
    Row,
    traffic,
)

SATURDAY = pd.Timestamp("2026-03-07", tz=ZONE)
"""The day before clocks go forward."""

MIDNIGHTS = [
    pd.Timestamp(day, tz=ZONE).timestamp() for day in ("2026-03-08", "2026-03-09", "2026-03-10")
]


def slightly(row: Row) -> Row:
    """Too little for any hour."""
    return row | {"a": row["a"] + 3.0}


def three_days() -> list[list[Row]]:
    """71 hours and one of the day after; on the third day all is a little higher."""
    return traffic(72, dict.fromkeys(range(47, 71), slightly), SATURDAY)


def days(events: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [(time, kind) for time, kind, window, _ in events if window == "1d"]


def test_each_day_is_judged_once_at_its_own_midnight(folder: Path) -> None:
    life = Life(folder)
    verdicts = []
    for records in three_days():
        life.read(records)
        verdicts.append(life.verdicts("1d").get("input"))
    # The first hours of a day are no day, and the verdict of one stays until the next.
    judged = [verdicts.index("ok"), verdicts.index("alarm")]
    assert set(verdicts[: judged[0]]) <= {None, "insufficient_data"}
    assert judged == [24, 71]  # 24 hours, 23 and 24: said as the hour after has begun
    assert set(verdicts[24:71]) == {"ok"}
    events = life.end()
    assert days(events) == [
        (MIDNIGHTS[0], "verdict"),
        (MIDNIGHTS[1], "verdict"),
        (MIDNIGHTS[2], "alarm"),
        (MIDNIGHTS[2], "verdict"),
    ]
    hourly = [time for time, kind, window, _ in events if window == "1h" and kind == "verdict"]
    begin = SATURDAY.timestamp()
    assert hourly == [begin + HOUR * (1 + place) for place in range(71)]
    led = next(detail for _, kind, window, detail in events if (kind, window) == ("alarm", "1d"))
    assert led["causes"][0]["feature"] == "a"


def test_a_backlog_that_closes_in_one_turn_is_judged_alike(folder: Path, prepared: Path) -> None:
    slow = Life(folder)
    slow.hours(three_days())
    wanted = slow.end()
    shutil.rmtree(folder)
    shutil.copytree(prepared, folder)
    fast = Life(folder)
    fast.read([one for records in three_days() for one in records], by=10_000)
    assert fast.verdicts("1d")["input"] == "alarm"
    assert fast.end() == wanted


def test_a_death_just_before_midnight_and_just_after(folder: Path) -> None:
    life = Life(folder)
    every = three_days()
    for place, records in enumerate(every):
        life.read(records)
        if place in {23, 46}:
            assert life.harness.app.save()
            life.reborn()
        if place in {24, 47, 71}:
            life.reborn()
    assert [kind for _, kind in days(life.end())] == ["verdict", "verdict", "alarm", "verdict"]


def test_a_day_of_which_only_the_end_was_seen_is_not_judged(folder: Path) -> None:
    life = Life(folder)
    evening = SATURDAY + pd.Timedelta("18h")
    life.hours(traffic(31, begin=evening))
    assert set(life.verdicts("1d").values()) == {"ok"}
    life.reborn()
    # 5 hours of the first day, and the 23 of the second.
    assert days(life.end()) == [(MIDNIGHTS[1], "verdict")]


def test_silence_since_noon_is_told_at_midnight(folder: Path) -> None:
    life = Life(folder)
    # From the evening before on, so that the whole of Saturday was watched.
    life.hours(traffic(15, begin=SATURDAY - pd.Timedelta("3h")))
    life.harness.now = MIDNIGHTS[0] + 600
    life.silence()
    life.harness.now += 120
    life.silence()
    assert life.verdicts("1h")["input"] == "no_data"
    assert (MIDNIGHTS[0], "alarm") in days(life.end())


def test_the_days_of_another_zone_are_others(folder: Path) -> None:
    shutil.rmtree(folder / "state")
    life = Life(folder, JUDGED.replace(ZONE, "Asia/Kolkata"))
    life.hours(traffic(40, begin=SATURDAY))
    # Midnight is at half past: the pane that it lies in is of the day before. The first day began
    # before the log.
    assert days(life.end()) == [
        (pd.Timestamp("2026-03-09", tz="Asia/Kolkata").timestamp(), "verdict")
    ]


def test_without_windows_of_a_day_none_is_judged(folder: Path) -> None:
    models = MODEL.replace("[1h, 1d]", "[1h, 6h]") + REFERENCE
    life = Life(folder, models)
    life.hours(traffic(26, begin=SATURDAY))
    assert set(life.verdicts("6h").values()) == {"no_reference"}
    assert set(life.verdicts("1h").values()) == {"ok"}
    assert {window for _, _, window, _ in life.end()} == {"1h"}


def test_days_that_were_begun_end_quietly_where_days_are_judged_no_more(folder: Path) -> None:
    life = Life(folder)
    records = three_days()
    life.hours(records[:30])
    assert life.reload(JUDGED.replace("windows: [1h, 1d]", "windows: [1h]")) is None
    life.hours(records[30:60])  # past midnight
    assert life.verdicts("1h")["input"] == "ok"
    # And where they are judged again, the day of the change counts from its first hour.
    assert life.reload(JUDGED) is None
    life.hours(records[60:])
    assert (MIDNIGHTS[2], "alarm") in days(life.end())


def test_what_was_said_of_a_day_goes_with_a_day_of_silence(folder: Path) -> None:
    life = Life(folder)
    records = three_days()
    life.hours(records)
    assert life.verdicts("1d")["input"] == "alarm"
    assert life.shown("score", window="1d")
    later = traffic(2, begin=SATURDAY + pd.Timedelta("6D"))
    life.hours(later)
    assert life.verdicts("1d")["input"] == "insufficient_data"
    assert not life.shown("score", window="1d")
