"""The first panes of live traffic become the reference, once there are enough of them on disk."""

from __future__ import annotations

import threading
from pathlib import Path

import pandas as pd
import pytest

from monitor.references.file import load
from tests.judging.living import BEGIN, HOUR, MODEL, Life, few, told, traffic, unit

FIRST = f"{MODEL}    reference: {{first: 24}}\n"


def later(hours: int) -> pd.Timestamp:
    return BEGIN + pd.Timedelta(f"{hours}h")


def tried() -> None:
    """What was begun aside is done."""
    for thread in threading.enumerate():
        if thread.name == "reference":
            thread.join(60)


def made(life: Life) -> None:
    """What was begun aside is done, and the daemon has seen it."""
    assert life.harness.app.save()
    for _ in range(3):
        life.harness.app.pipeline.advance(life.harness.now)
        tried()


def kept(folder: Path) -> Path:
    (found,) = (folder / "state/references").glob("*.parquet")
    return found


def begun(folder: Path) -> Life:
    """A daemon that has chosen its schema from the first hour."""
    life = Life(folder, FIRST)
    life.read(traffic(1)[0])
    life.harness.settle()
    return life


def test_until_there_are_enough_nothing_is_compared(tmp_path: Path) -> None:
    life = begun(tmp_path)
    life.hours(traffic(23, {4: few(19)}, later(1)))
    made(life)
    # 24 hours have begun, 23 have closed, and one of those has too few rows.
    assert set(life.verdicts().values()) == {"no_reference"}
    assert life.shown("score") == life.shown("calibration_info") == {}
    life.hours(traffic(2, begin=later(24)))
    tried()  # before the newest pane is on disk
    made(life)
    assert life.shown("calibration_info") == {}
    life.hours(traffic(1, begin=later(26)))
    made(life)
    (info,) = life.shown("calibration_info")
    assert "certainty=provisional" in info
    assert life.value("reference_panes") == 24
    life.hours(traffic(2, begin=later(27)))
    assert set(life.verdicts().values()) == {"ok"}
    life.hours(traffic(2, dict.fromkeys(range(2), unit), later(29)))
    assert life.verdicts()["input"] == "alarm"
    events = life.end()
    # None of the panes that it is made of is judged by it.
    assert min(time for time, *_ in events) >= later(25).timestamp() + HOUR
    reference = load(kept(tmp_path))
    assert len({pane.start for pane in reference.panes}) == 25
    assert max(pane.end for pane in reference.panes) == later(25).value // 1_000
    noted = told(tmp_path, ["reference"])
    assert [(subject, detail["before"]) for _, _, subject, detail in noted] == [(reference.id, "")]


@pytest.mark.parametrize("when", [10, 26])
def test_a_death_changes_nothing_of_it(tmp_path: Path, when: int) -> None:
    life = begun(tmp_path)
    for place in range(1, 30):
        life.hours(traffic(1, begin=later(place)))
        if place == when:
            life.reborn(FIRST)
        if place > 26:
            made(life)
    reference = load(kept(tmp_path))
    assert max(pane.end for pane in reference.panes) == later(24).value // 1_000
    assert set(life.verdicts().values()) == {"ok"}
    (info,) = life.shown("calibration_info")
    assert f"reference={reference.id}" in info
    life.harness.app.die()
    # It stands from then on, whatever comes.
    again = Life(tmp_path, FIRST)
    assert f"reference={reference.id}" in next(iter(again.shown("calibration_info")))
    again.harness.app.die()


def test_windows_of_a_reference_that_is_made_late_are_judged_from_then_on(tmp_path: Path) -> None:
    life = begun(tmp_path)
    life.read([one for hour in traffic(40, begin=later(1)) for one in hour], by=10_000)
    assert life.shown("calibration_info") == {}
    made(life)
    # They were not on disk as the last of them closed: with the next one it is tried again.
    life.hours(traffic(1, begin=later(41)))
    made(life)
    assert life.shown("calibration_info") != {}
    life.hours(traffic(2, begin=later(42)))
    assert set(life.verdicts().values()) == {"ok"}
    reference = load(kept(tmp_path))
    assert max(pane.end for pane in reference.panes) == later(24).value // 1_000
    life.harness.app.die()
