"""What `reference show` says that fixed thresholds would cost, against raw rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from scipy.stats import ks_2samp

from collectors.drift.calibrated import Rules
from monitor.cli import main
from monitor.judging.entries import QUIET
from monitor.references.file import load
from monitor.references.fixed_cost import Cost, costs
from monitor.references.trial import Trial, on_trial
from tests.references.making import HEAD, MODEL, as_csv, built, training

ZONE = "America/New_York"
BAD = "2026-01-15"
DAYS = 20


@pytest.fixture(scope="module")
def frame() -> Any:
    """Twenty days, nights with few rows, `a` that wanders by day, and one bad day."""
    rows = training(24 * DAYS * 80, days=DAYS)
    rows["t"] += pd.Timedelta("5h")  # from midnight to midnight in New York
    local = rows["t"].dt.tz_convert(ZONE)
    rows["a"] += 20.0 * np.random.default_rng(1).standard_normal(40)[local.dt.day]
    rows.loc[local.dt.strftime("%Y-%m-%d") == BAD, ["a", "y"]] += [90.0, 3.0]
    night = local.dt.hour.isin([1, 2, 3, 4])
    chosen = rows[~night | (np.random.default_rng(2).random(len(rows)) < 0.1)]
    return chosen.reset_index(drop=True)


@pytest.fixture(scope="module")
def folder(frame: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("cost")
    as_csv(frame, made / "train.csv")
    built(made, "train.csv")
    (made / "state").mkdir()
    return made


def trial_of(folder: Path, days: bool = True) -> Trial:
    path = folder / "reference.parquet"
    rules = Rules(1.0, 20, ZONE, ignore=frozenset({"a", "(answer)"}), days=days)
    found = on_trial(path, load(path), rules, folder / "state")
    assert found is not None
    return found


@pytest.fixture(scope="module")
def trial(folder: Path) -> Trial:
    return trial_of(folder)


def judged(frame: Any, dropped: set[str]) -> Any:
    """Hours that are windows: by hour, their day."""
    hour = frame["t"].dt.floor("h")
    rows = hour.value_counts().sort_index()
    days = pd.Series(rows.index.tz_convert(ZONE).strftime("%Y-%m-%d"), index=rows.index)
    return days[(rows >= 20) & ~days.isin(dropped)]


def entered(flags: Any) -> int:
    """Alarms of a series of hours: one more after three of them that are quiet."""
    alarms, quiet, on = 0, 0, False
    for flag in flags:
        if flag:
            alarms, quiet, on = alarms + (not on), 0, True
        else:
            quiet += 1
            on = on and quiet < QUIET
    return alarms


def one(trial: Trial, name: str, method: str, limit: float) -> Cost:
    (found,) = costs(trial, {name: {method: limit}})
    return found


@pytest.mark.parametrize(("name", "column"), [("a", "a"), ("(answer)", "y")])
def test_it_is_what_raw_rows_say(frame: Any, trial: Trial, name: str, column: str) -> None:
    from datetime import date

    dropped = {date.fromordinal(day).isoformat() for day in trial.hourly.dropped}
    days = frame["t"].dt.tz_convert(ZONE).dt.strftime("%Y-%m-%d")
    windows = judged(frame, dropped)
    hour = frame["t"].dt.floor("h")
    apart = pd.Series(
        {
            start: ks_2samp(frame[column][hour == start], frame[column][days != day]).statistic
            for start, day in windows.items()
        }
    )
    # A threshold that no distance is close to: a distance of summaries is off by 0.0023 at most.
    ordered = np.sort(apart.to_numpy())[::-1]
    gaps = ordered[10:60] - ordered[11:61]
    place = 10 + int(np.argmax(gaps))
    limit = float((ordered[place] + ordered[place + 1]) / 2)
    found = one(trial, name, "ks", limit)
    assert abs(found.hours.passed - (place + 1)) <= 2
    assert found.hours.windows == len(windows)
    alarms = entered(apart > limit)
    assert found.hours.alarms == pytest.approx(alarms * 30 / windows.nunique(), abs=2 * 30 / 19)
    by_day = pd.Series(
        {
            day: ks_2samp(frame[column][days == day], frame[column][days != day]).statistic
            for day in windows.unique()
        }
    )
    middle = np.sort(by_day.to_numpy())[-4:-2].mean()
    assert found.days is not None
    assert one(trial, name, "ks", float(middle)).days is not None
    got = one(trial, name, "ks", float(middle)).days
    assert got is not None
    assert (got.windows, got.passed) == (len(by_day), 3)


def test_none_pass_the_highest_and_all_the_lowest(trial: Trial) -> None:
    assert one(trial, "a", "ks", 1.0).hours.passed == 0
    every = one(trial, "a", "ks", 1e-9)
    assert every.hours.passed == every.hours.windows
    # One alarm that goes on, but for nights in which nothing is judged: they end none.
    assert every.hours.alarms == pytest.approx(30 / DAYS, rel=0.1)


def test_windows_of_a_day_that_are_not_judged_cost_nothing(folder: Path) -> None:
    assert one(trial_of(folder, days=False), "a", "ks", 0.2).days is None


def test_reference_show_prints_them(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    limits = '{a: {ks: 0.2, psi: 0.3}, "(answer)": {ks: 0.15}, nix: {ks: 1}}'
    Path("inferwatch.yml").write_text(
        f"{HEAD}{MODEL}    timezone: {ZONE}\n    reference: {{path: reference.parquet}}\n"
        f"    alarms: {{thresholds: {limits}}}\n"
    )
    done = CliRunner().invoke(main, ["reference", "show", "m"])
    assert done.exit_code == 0, done.output
    text = done.stdout.split("Fixed thresholds spend nothing of the budget.")[1]
    table = [line.split() for line in text.splitlines() if " of " in line and "  " in line]
    assert [row[:3] for row in table] == [
        ["a", "ks", "0.2"],
        ["a", "psi", "0.3"],
        ["(answer)", "ks", "0.15"],
    ]
    assert "note: alarms.thresholds.nix: the reference has no such feature" in text
    # What has a fixed threshold is not compared otherwise.
    shown = done.stdout.split("two of three  compared with")[1].split("Fixed")[0]
    assert not [line for line in shown.splitlines() if line.startswith(("a ", "(answer)  "))]
    assert [line for line in shown.splitlines() if line.startswith("b ")]
