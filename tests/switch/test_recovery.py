"""Recovered, not recovered, or no way to tell: from the windows after a switch."""

from __future__ import annotations

from monitor.switch.machine import Stage
from monitor.switch.recovery import Window, recovery

TOOK, HOUR, DAY = 1_000_000.0, 3600.0, 86_400.0


def hours(*windows: tuple[float, bool], first: float = TOOK) -> list[Window]:
    return [Window(first + place * HOUR, *one) for place, one in enumerate(windows)]


def found(windows: list[Window], after: float) -> Stage | None:
    said = recovery(windows, TOOK, TOOK + after, DAY)
    return said and said[0]


GOOD, FEW, LOUD = (0.95, True), (0.94, True), (1.0, False)


def test_three_good_windows_in_a_row_are_recovery() -> None:
    assert found(hours(GOOD, GOOD, GOOD), 4 * HOUR) is Stage.RECOVERED
    assert found(hours(LOUD, FEW, GOOD, GOOD, GOOD), 6 * HOUR) is Stage.RECOVERED


def test_two_or_three_with_another_between_are_not_yet() -> None:
    assert found(hours(GOOD, GOOD), 4 * HOUR) is None
    assert found(hours(GOOD, GOOD, LOUD, GOOD), 4 * HOUR) is None
    assert found(hours(GOOD, GOOD, FEW, GOOD), 4 * HOUR) is None


def test_a_window_that_began_before_does_not_count() -> None:
    assert found(hours(GOOD, GOOD, GOOD, first=TOOK - 1), 4 * HOUR) is None


def test_what_is_still_loud_at_the_end_has_not_recovered() -> None:
    windows = hours(*[LOUD, GOOD] * 12)
    assert found(windows, DAY - 1) is None
    said = recovery(windows, TOOK, TOOK + DAY, DAY)
    assert said is not None
    assert said[0] is Stage.NOT_RECOVERED
    assert "in 12 of 24" in said[1]


def test_without_its_rows_nobody_can_tell() -> None:
    assert found(hours(*[FEW] * 24), DAY) is Stage.CANNOT_TELL
    assert found(hours(GOOD, GOOD), DAY) is Stage.CANNOT_TELL
    assert found([], DAY) is Stage.CANNOT_TELL


def test_rows_that_come_and_go_are_no_trouble_that_is_still_there() -> None:
    said = recovery(hours(*[GOOD, FEW] * 12), TOOK, TOOK + DAY, DAY)
    assert said is not None
    assert said[0] is Stage.CANNOT_TELL
    assert "never 3 judged windows in a row" in said[1]
