from __future__ import annotations

from datetime import UTC, date, datetime

import pandas as pd
import pytest

from monitor.demo.flights import FEATURES, TIME_ZONE
from monitor.demo.report import Diary, Facts, tables


@pytest.fixture(scope="module")
def diary(flights: pd.DataFrame) -> Diary:
    """What hourly panes say of the whole year; an answer is the delay at departure."""
    table = pd.DataFrame(
        {
            "pane": flights["time"].dt.floor("h"),
            "rows": 1,
            "incomplete": flights[list(FEATURES)].isna().any(axis=1).astype(int),
            "nulls": flights["dep_delay"].isna().astype(int),
            "answers": flights["dep_delay"].notna().astype(int),
            "total": flights["dep_delay"].fillna(0),
        }
    )
    diary = Diary()
    for pane, row in table.groupby("pane").sum().iterrows():
        start = int(pd.Timestamp(str(pane)).timestamp()) * 1_000_000
        rows, incomplete, nulls, answers = (
            int(row[name]) for name in ("rows", "incomplete", "nulls", "answers")
        )
        diary.note(start, Facts(rows, incomplete, nulls, answers, float(row["total"])))
    return diary


def test_the_ten_worst_days_are_those_of_pandas(flights: pd.DataFrame, diary: Diary) -> None:
    day = flights["time"].dt.tz_convert(TIME_ZONE).dt.date
    share = flights["dep_delay"].isna().groupby(day).mean().sort_values(ascending=False)
    worst = diary.worst_days()
    assert [day for day, _ in worst] == list(share.index[:10])
    assert [facts.null_ratio for _, facts in worst] == pytest.approx(share.to_list()[:10])


def test_the_storms_of_february_and_march_are_among_them(diary: Diary) -> None:
    storms = {date(2013, 2, 8), date(2013, 2, 9), date(2013, 3, 6), date(2013, 3, 8)}
    assert storms <= {day for day, _ in diary.worst_days()}


def test_the_months_add_up(flights: pd.DataFrame, diary: Diary) -> None:
    text = tables(diary)
    month = flights["time"].dt.tz_convert(TIME_ZONE).dt.strftime("%Y-%m")
    rows = {
        line.split()[0]: line.split() for line in text.splitlines() if line[:3] in ("201", "all")
    }
    for name, group in flights.groupby(month):
        incomplete = int(group[list(FEATURES)].isna().any(axis=1).sum())
        nulls = int(group["dep_delay"].isna().sum())
        assert rows[str(name)][1:4] == [f"{len(group):,}", f"{incomplete:,}", f"{nulls:,}"]
        assert float(rows[str(name)][5]) == pytest.approx(group["dep_delay"].mean(), abs=0.051)
    assert rows["all"][1] == "336,776"
    assert rows["all"][3:5] == ["8,255", "2.5%"]


def test_it_fits_a_terminal(diary: Diary) -> None:
    lines = tables(diary).splitlines()
    assert max(map(len, lines)) <= 80
    assert "  Sat 09 Feb    393 of   684 flights   57.5%" in "\n".join(lines)


def test_days_begin_at_midnight_in_new_york() -> None:
    diary = Diary()
    for hour in (3, 4):  # 23:00 of 9 July, and midnight
        start = datetime(2013, 7, 10, hour, tzinfo=UTC)
        diary.note(int(start.timestamp() * 1_000_000), Facts(rows=hour))
    assert {day: facts.rows for day, facts in diary.days.items()} == {
        date(2013, 7, 9): 3,
        date(2013, 7, 10): 4,
    }


def test_a_day_with_few_flights_is_not_ranked() -> None:
    diary = Diary()
    diary.note(0, Facts(rows=3, nulls=3))
    assert diary.worst_days() == []


def test_no_answer_has_no_mean() -> None:
    diary = Diary()
    diary.note(0, Facts(rows=200, nulls=200))
    assert tables(diary).splitlines()[-4].split()[-2:] == ["100.0%", "-"]
