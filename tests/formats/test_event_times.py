"""Event times to microseconds: ISO 8601 with and without zone, epochs in four units."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from collectors.formats.times import (
    AFTER_LATEST,
    EARLIEST,
    NO_TIME,
    UNIT_BOUND,
    event_times,
    zone,
)

BERLIN = ZoneInfo("Europe/Berlin")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def us(value: Any, local: Any = UTC) -> int | None:
    """One time; None if it is there and cannot be read."""
    times, unreadable = event_times([value], local)
    assert unreadable[0] == (times[0] == NO_TIME)
    return None if unreadable[0] else int(times[0])


def of(*parts: int) -> int:
    return (datetime(*parts, tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-01T10:20:30Z", of(2026, 3, 1, 10, 20, 30)),
        (" 2026-03-01 10:20:30+00:00 ", of(2026, 3, 1, 10, 20, 30)),
        ("2026-03-01T10:20:30+05:30", of(2026, 3, 1, 4, 50, 30)),
        ("2026-03-01T10:20:30-0800", of(2026, 3, 1, 18, 20, 30)),
        ("2026-03-01", of(2026, 3, 1)),
        ("2026-03-01T10:20", of(2026, 3, 1, 10, 20)),
        ("20260301T102030Z", of(2026, 3, 1, 10, 20, 30)),
        ("2026-03-01T10:20:30.5Z", of(2026, 3, 1, 10, 20, 30, 500_000)),
        ("2026-03-01T10:20:30,25Z", of(2026, 3, 1, 10, 20, 30, 250_000)),
        ("2026-03-01T10:20:30.123456789Z", of(2026, 3, 1, 10, 20, 30, 123_456)),
        ("0001-01-01T00:00:00Z", EARLIEST),
        ("9999-12-31T23:59:59.999999Z", AFTER_LATEST - 1),
    ],
)
def test_iso_8601(text: str, expected: int) -> None:
    assert us(text) == expected


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("2026-01-15T12:00:00", 11),
        ("2026-07-15T12:00:00", 10),
        ("2026-10-25T02:30:00", 0),  # twice that night: the first, in summer time
        ("2026-07-15T12:00:00Z", 12),
    ],
)
def test_times_without_a_zone_are_local(text: str, hour: int) -> None:
    time = us(text, BERLIN)
    assert time is not None
    assert (EPOCH + timedelta(microseconds=time)).hour == hour


@pytest.mark.parametrize(
    "value",
    [
        "soon",
        "2026-13-01",
        "12:00",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "1" * 5000,
        "1e999",
        "nan",
        True,
        False,
        float("nan"),
        float("inf"),
        10**400,
        -(10**30),
        1e30,
        [1],
        {},
    ],
)
def test_what_is_no_time(value: Any) -> None:
    assert us(value) is None
    assert us(value, BERLIN) is None


def test_what_is_not_there_is_not_unreadable() -> None:
    from msgspec import UNSET

    times, unreadable = event_times([None, UNSET, "", " "], UTC)
    assert times.tolist() == [NO_TIME] * 4
    assert not unreadable.any()


@pytest.mark.parametrize("text", [False, True])
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("power", "scale"), [(0, 10**6), (1, 1000), (2, 1)])
def test_epochs_are_told_apart_by_size(text: bool, sign: int, power: int, scale: int) -> None:
    largest = UNIT_BOUND * 1000**power - 1
    given = sign * largest
    expected = given * scale
    assert us(str(given) if text else given) == (expected if expected >= EARLIEST else None)
    above = largest + 1
    after = {0: above * 1000, 1: above, 2: above // 1000}[power]
    assert us(str(above) if text else above) == after


def test_the_present_in_four_units() -> None:
    now = 1_767_225_600_123_456
    assert us(now // 10**6) == now // 10**6 * 10**6
    assert us(now // 1000) == now // 1000 * 1000
    assert us(now) == now
    assert us(now * 1000 + 999) == now
    assert us(now / 1e6) == pytest.approx(now, abs=1)
    assert us(now / 1e3) == now
    assert us(f"{now / 1e6:.6f}") == now


@given(
    st.lists(
        st.one_of(
            st.integers(-(2**70), 2**70),
            st.integers(-(2**63), 2**63 - 1),
            st.floats(),
        ),
        min_size=1,
    )
)
@example([-(2**63)])
@example([2**63])
def test_a_column_and_single_times_agree(values: list[Any]) -> None:
    for kind in (int, float):
        column = [value for value in values if type(value) is kind]
        if column:
            alone = [NO_TIME if (time := us(value)) is None else time for value in column]
            assert event_times(column, UTC)[0].tolist() == alone
            mixed, unreadable = event_times([*column, "x"], UTC)
            assert mixed.tolist() == [*alone, NO_TIME]
            assert unreadable.tolist() == [time == NO_TIME for time in mixed.tolist()]


@given(st.datetimes(timezones=st.sampled_from([UTC, BERLIN, ZoneInfo("Asia/Kathmandu")])))
def test_what_python_writes_is_read(moment: datetime) -> None:
    expected = (moment - EPOCH) // timedelta(microseconds=1)
    if EARLIEST <= expected < AFTER_LATEST:
        assert us(moment.isoformat()) == expected


@given(st.text())
def test_no_text_raises(text: str) -> None:
    times, _ = event_times([text], BERLIN)
    assert times.dtype == np.int64


def test_zones() -> None:
    assert zone("UTC") is UTC
    assert zone("Europe/Berlin") == BERLIN
    for name in ("Nowhere", "", "/etc/passwd", "../x", "Europe"):
        with pytest.raises(ValueError, match="use an IANA name such as"):
            zone(name)
