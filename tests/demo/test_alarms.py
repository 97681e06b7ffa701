"""The table of alarms, from events as the archive keeps them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from monitor.archive import Archive, Event
from monitor.demo.alarms import AlarmDay, alarm_days, days_in_alarm, outcome, table, words
from monitor.demo.outside import Outside

QUIET = Outside(1_000, 10, 200, 0.0, 10.0, 12.0, 0, 0, holiday=False)
STORM = Outside(1_000, 506, 2, 0.11, 0.5, 28.8, 0, 0, holiday=False)
FEAST = Outside(634, 0, 359, 0.0, 10.0, 24.2, 0, 0, holiday=True)
BEGIN = date(2013, 1, 1)


def us(day: int, hour: int, month: int = 2) -> int:
    """An hour of UTC in 2013."""
    return int(datetime(2013, month, day, hour, tzinfo=UTC).timestamp()) * 1_000_000


def cause(score: float, text: str = "mean 1 to 2", **more: str) -> dict[str, Any]:
    said = {"subject": "input", "feature": "dep_delay", "kind": "mean", "words": text}
    return {**said, "score": score, **more}


def alarm(end: int, *causes: dict[str, Any], window: str = "1h") -> Event:
    return Event(end, end + 1, "alarm", "arrival-delay", window, {"causes": list(causes)})


def verdict(end: int, **verdicts: str) -> Event:
    return Event(end, end + 1, "verdict", "arrival-delay", "1h", {"verdicts": verdicts})


def year(**days: Outside) -> dict[date, Outside]:
    """Quiet days from January to April, and others by name, such as `Feb08`."""
    named = {datetime.strptime(f"2013{n}", "%Y%b%d").date(): one for n, one in days.items()}  # noqa: DTZ007
    first = BEGIN.toordinal()
    return {date.fromordinal(n): QUIET for n in range(first, first + 120)} | named


def test_alarms_are_read_from_the_archive_by_new_york_day(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    midnight, software = us(9, 5), cause(50.0, subject="software", feature="")
    archive.store(1, [], [alarm(midnight, cause(9.0), window="1d"), verdict(us(8, 13), input="ok")])
    late = alarm(us(9, 3), software, cause(30.0, "missing 1%"), cause(31.0, "mean 4 to 80"))
    archive.store(2, [], [late, alarm(us(8, 12), cause(8.0))])
    archive.store(3, [], [alarm(us(9, 6), software)])
    days = alarm_days(archive.events("alarm"))
    assert list(days) == [date(2013, 2, 8), date(2013, 2, 9)]
    assert days[date(2013, 2, 8)] == AlarmDay(3, 6, "dep_delay: mean 4 to 80", 31.0, software=False)
    assert days[date(2013, 2, 9)] == AlarmDay(1, 0, "software: mean 1 to 2", 50.0, software=True)


def test_an_alarm_of_the_day_alone_has_no_hour() -> None:
    days = alarm_days([alarm(us(9, 5), cause(9.0), window="1d")])
    assert days[date(2013, 2, 8)].first is None


def test_a_day_is_in_alarm_for_inputs_and_answers() -> None:
    events = [
        verdict(us(8, 13), input="ok", output="alarm"),
        verdict(us(9, 5), input="alarm"),
        verdict(us(9, 6), software="alarm", input="ok"),
        verdict(us(12, 6)),
    ]
    assert days_in_alarm(events) == {date(2013, 2, 8)}


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (cause(1.0), "dep_delay: mean 1 to 2"),
        (cause(1.0, subject="output", feature=""), "answers: mean 1 to 2"),
        (cause(1.0, feature="", kind="volume"), "volume: mean 1 to 2"),
        (cause(1.0, feature="", kind="joint"), "joint: mean 1 to 2"),
        (cause(1.0, subject="software", feature=""), "software: mean 1 to 2"),
    ],
)
def test_a_cause_says_whose_it_is(said: dict[str, Any], text: str) -> None:
    assert words(said) == text


def test_what_an_alarm_is_depends_on_the_day() -> None:
    one, own = AlarmDay(software=False), AlarmDay(software=True)
    assert outcome(one, STORM) == "hit"
    assert outcome(one, FEAST) == "holiday"
    assert outcome(one, QUIET) == "miss"
    assert outcome(one, None) == "miss"  # a day that nothing is known of
    assert outcome(own, STORM) == "software"


LONG = "share of values from 1012 to 1015 10.4% to 100.0%"


@pytest.fixture(scope="module")
def text() -> str:
    days = alarm_days(
        [
            alarm(us(15, 12, month=1), cause(5.0)),
            alarm(us(9, 0), cause(7.0, "missing 1.4% to 77.6%"), cause(6.0)),
            alarm(us(9, 1), cause(4.0)),
            alarm(us(20, 5), cause(6.0, LONG, feature="pressure"), window="1d"),
            alarm(us(28, 13, month=3), cause(6.0)),
            alarm(us(29, 13, month=3), cause(6.0, subject="software", feature="")),
        ]
    )
    known = year(Feb08=STORM, Feb09=STORM, Jan29=STORM, Mar28=FEAST)
    # The last of the reference, and the first that is not replayed.
    known |= {date(2013, 1, 28): STORM, date(2013, 4, 28): STORM}
    on = {date(2013, 1, 15), date(2013, 2, 8), date(2013, 2, 9), date(2013, 2, 19)}
    return table(days, known, on, date(2013, 4, 28))


def test_a_row_says_what_is_known_of_the_day(text: str) -> None:
    lines = text.splitlines()
    cause, weather = "dep_delay: missing 1.4% to 77.6%", "0.11  0.50   29"
    assert lines[4] == f"Fri 08 Feb  18:00 {cause:<39}      50.6%   2   {weather}  hit"
    assert lines[5].startswith("Tue 19 Feb  day   pressure: share of values from 1012 to ")
    assert lines[5].endswith("  miss")
    assert lines[6].strip() == "1015 10.4% to 100.0%"
    assert [line.split()[-1] for line in lines[7:9]] == ["holiday", "software"]


def test_it_fits_a_terminal_of_100_columns(text: str) -> None:
    assert max(map(len, text.splitlines())) <= 100


def test_days_of_the_reference_are_shown_and_not_counted(text: str) -> None:
    assert text.splitlines()[3].startswith("Tue 15 Jan  06:00 dep_delay: mean 1 to 2")
    begin = text.splitlines().index("from 29 Jan on       Jan  Feb  Mar  Apr")
    rows = [line.split() for line in text.splitlines()[begin + 1 : begin + 5]]
    table = {" ".join(row[:-4]): row[-4:] for row in rows}
    assert table["alarms"] == ["0", "3", "2", "0"]
    assert table["days with a new one"] == ["0", "2", "2", "0"]
    assert table["days in alarm"] == ["0", "3", "0", "0"]
    assert table["days expected"] == ["1", "2", "0", "0"]


def test_the_budget_stands_beside_what_came(text: str) -> None:
    words = " ".join(text.split())
    assert "Budget: 1 false alarm in 30 days. What came in the 89 days behind the " in words
    assert "reference: 5 alarms on 4 days, 1.7 in 30 days; 2 of them on days" in words
    assert "1 on holidays. The other 2 (1 of software) are 0.7 in 30 days." in words


def test_expected_days_without_an_alarm_are_named(text: str) -> None:
    words = " ".join(text.split())
    assert "Days to be expected: 3 of 89. An alarm began on 1, on 1 more one went on" in words
    assert "and 1 were missed: 29 Jan." in words


def test_a_year_without_an_alarm_has_its_table_too() -> None:
    text = " ".join(table({}, year(), set(), date(2013, 4, 28)).split())
    assert "0 alarms on 0 days, 0.0 in 30 days" in text
    assert "and 0 were missed. To be expected" in text
