"""The past under a reference that was accepted while a daemon ran."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.history.looking_back import Days, call, history, note
from tests.judging.living import Life, few, prepare, traffic
from tests.judging.succeeding import accepted, later, moved, noticed

BEFORE, AFTER = 50, 30


@pytest.mark.slow
def test_each_window_has_the_reference_that_was_in_force(tmp_path: Path) -> None:
    days = Days(prepare(tmp_path))
    life = Life(days.folder)
    for records in traffic(BEFORE, dict.fromkeys(range(BEFORE), moved)):
        life.read(records)
        note(life, days)
    assert life.harness.app.save()
    made, _ = accepted(days.folder, 0, BEFORE)
    noticed(life)
    # Of the first hour after it too few rows came to judge, and by that one.
    changes = dict.fromkeys(range(AFTER), moved) | {0: few(3)}
    for records in traffic(AFTER, changes, later(BEFORE)):
        life.read(records)
        note(life, days)
    life.end()
    found = history(call(days.folder)[0])
    for end, shown in days.shown.items():
        assert found[end] == shown, end
    calibrated = [
        {series for series in shown if series.startswith("inferwatch_calibration_info")}
        for _, shown in sorted(found.items())
    ]
    new = [any(made.reference.id in series for series in one) for one in calibrated]
    assert all(len(one) == 1 for one in calibrated)
    assert new == sorted(new)
    assert (sum(new), len(new)) == (AFTER, BEFORE + AFTER - 1)
