"""What `reference show` says of a calibration, and draws of it."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result

from collectors.drift.calibration.fitted import Threshold
from collectors.drift.detectable import Detectable
from monitor.cli import main
from monitor.judging.families import empty
from monitor.judging.stored import Calibrated, unpack
from monitor.references import trial_lines
from monitor.references.file import load
from monitor.references.picture import picture
from monitor.references.trial import Trial, on_trial
from tests.references.making import HEAD, MODEL, as_csv, built, training

ALARMS = "    alarms: {budget: 2 per 30d, min_rows: 20}\n"
REFERENCE = "    reference: {path: reference.parquet}\n"
DAY = "2026-01-15"


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a config, a reference of which one day was bad, and its calibration."""
    folder = tmp_path_factory.mktemp("trial")
    frame = training(24 * 21 * 60, days=21)
    bad = frame["t"].dt.strftime("%Y-%m-%d") == DAY
    frame.loc[bad, "a"] += 90.0
    frame.loc[bad, "b"] = np.nan
    as_csv(frame, folder / "train.csv")
    (folder / "state").mkdir()
    built(folder, "train.csv", models=MODEL + REFERENCE + ALARMS)
    (folder / "train.csv").unlink()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        (folder / "shown.txt").write_text(call("show", "m").stdout)
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, where we are."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def calibrated(made: Path) -> Calibrated:
    (kept,) = (made / "state" / "calibrations").iterdir()
    return unpack(kept.read_bytes(), "kept", empty(load(made / "reference.parquet").schema))


@pytest.fixture(scope="session")
def trial(made: Path, calibrated: Calibrated) -> Trial:
    path = made / "reference.parquet"
    rules = calibrated.calibration.rules
    found = on_trial(path, load(path), rules, made / "state")
    assert found is not None
    return found


def call(*arguments: str, code: int = 0) -> Result:
    done = CliRunner().invoke(main, ["reference", *arguments])
    assert done.exit_code == code, done.output
    return done


def facts(folder: Path) -> dict[str, str]:
    """What stands behind each word of the calibration."""
    text = (folder / "shown.txt").read_text().split("can be judged\n")[1]
    lines = text.split("\n\n")[0].splitlines()
    return {line[2:13].strip(): line[14:] for line in lines}


class TestItsCalibration:
    def test_is_made_by_the_rules_of_the_config_and_kept_in_its_state(
        self, folder: Path, calibrated: Calibrated
    ) -> None:
        rules = calibrated.calibration.rules
        assert (rules.budget, rules.min_rows, rules.days) == (2.0, 20, True)
        (kept,) = (folder / "state" / "calibrations").iterdir()
        before = kept.stat().st_ino
        assert call("show", "m").stdout == (folder / "shown.txt").read_text()
        assert kept.stat().st_ino == before

    def test_says_how_far_it_can_be_trusted(self, made: Path, calibrated: Calibrated) -> None:
        said, one = facts(made), calibrated.calibration
        assert one.hourly is not None
        assert one.daily is not None
        assert one.certainty == "extrapolated"
        assert said["certainty"].startswith(f"extrapolated x{one.hourly.alone.beyond:,.0f}: ")
        assert said["days in"] == "UTC"
        assert said["dependence"].startswith(f"deff {one.hourly.deff:.2g}: {one.hourly.judged} h")
        assert said["dropped"] == f"{DAY}: stood out of the reference by themselves"
        alone, together = one.hourly.alone.value, one.hourly.together.value
        assert said[
            "hours"
        ] == f"flagged above {alone:.1f} alone, above {together:.1f} as two of" + (" three")
        words = f"calibrated: flagged above {one.daily.alone.value:.1f}, by 20 days"
        assert said["days"] == words
        assert said["expected"].startswith("2 false alarms in 30 days, as the budget says: half by")

    def test_says_how_many_of_its_own_panes_would_pass(
        self, made: Path, trial: Trial, calibrated: Calibrated
    ) -> None:
        hourly = calibrated.calibration.hourly
        assert hourly is not None
        assert facts(made)["held out"].startswith(f"{trial.passed()[0]} of {hourly.judged} hours")
        # By pandas, under thresholds that some of them pass.
        low = replace(hourly, alone=Threshold(4.5, 1.0), together=Threshold(3.0, 1.0))
        scores = pd.Series(hourly.largest)
        over = scores > 3.0
        again = over & (over.shift(1, fill_value=False) | over.shift(2, fill_value=False))
        wanted = int((scores > 4.5).sum()), int((again & ~(scores > 4.5)).sum())
        assert replace(trial, hourly=low).passed() == wanted
        assert min(wanted) > 0

    def test_scores_stand_at_the_hours_that_they_are_of(self, trial: Trial) -> None:
        starts, largest = trial.held_out()
        assert len(starts) == len(largest) == trial.hourly.judged
        moments = [datetime.fromtimestamp(s / 1e6, UTC) for s in starts.tolist()]
        assert f"{moments[0]:%F %H}" == "2026-01-05 00"
        assert f"{moments[-1]:%F %H}" == "2026-01-25 23"
        assert not [m for m in moments if f"{m:%F}" == DAY]

    @pytest.mark.parametrize("days", [1.5, 4])
    def test_a_short_one_is_for_tickets_and_its_days_are_not_trusted(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: float
    ) -> None:
        monkeypatch.chdir(tmp_path)
        as_csv(training(round(24 * days * 60), days=days), tmp_path / "train.csv")
        built(tmp_path, "train.csv")
        text = call("show", "reference.parquet").stdout
        assert "  certainty   provisional: for tickets, not for pages\n" in text
        assert ("  days        off\n" in text) == (days < 3)
        assert ("conservative: flagged above" in text) == (days > 3)
        assert "as the budget says: " + ("all of it by hours" if days < 3 else "half by") in text
        assert not (tmp_path / "state").exists()

    def test_windows_of_a_day_that_are_not_asked_for_are_off(self, folder: Path) -> None:
        config = Path("inferwatch.yml")
        config.write_text(config.read_text().replace("[1h, 1d]", "[1h]"))
        text = call("show", "m").stdout
        assert "  days        off: no windows of a day are asked for\n" in text

    def test_too_long_a_dependence_is_said(self, trial: Trial) -> None:
        long = replace(trial.hourly, deff=trial.hourly.judged / 20.0)
        calibration = replace(trial.calibration, hourly=long)
        one = replace(
            trial, hourly=long, calibrated=replace(trial.calibrated, calibration=calibration)
        )
        assert "dependence too long: the budget cannot be promised" in "\n".join(
            trial_lines.lines(one)
        )


class TestWhatItWouldShow:
    def test_has_a_line_for_every_change(self, made: Path, trial: Trial) -> None:
        text = (made / "shown.txt").read_text()
        assert f"What an hour of some {trial.windows.rows} rows would show" in text
        table = text.split("as two of three.\n\n")[1].splitlines()
        assert len(table) == 1 + len(trial.changes)
        (a,) = (d for d in trial.changes if (d.feature, d.change) == ("a", "shift"))
        assert a.alone is not None
        assert a.unit is not None
        assert a.unit == pytest.approx(30.0 * 1.2, rel=0.1)  # with the bad day in it
        line = next(line for line in table if line.startswith("a "))
        assert re.search(rf"shift +\+{a.alone:.2g} sd \(\+{a.alone * a.unit:.3g}\) ", line)
        assert line.rstrip().endswith("any hour")

    @pytest.mark.parametrize(
        ("one", "words"),
        [
            (Detectable("input", "a", "", "shift", 0.618, None, 12.0), "+0.62 sd (+7.42)"),
            (Detectable("input", "a", "", "shift", 2.0, None, 1e3), "+2 sd (+2,000)"),
            (Detectable("input", "a", "", "missing", 0.0823, None), "+8.23 points"),
            (Detectable("input", "a", "", "missing", 0.00049, None), "+0.049 points"),
            (Detectable("input", "", "volume", "rows", 0.57, None), "-57%"),
            (Detectable("output", "", "instability", "spread", 0.3, None), "+30%"),
            (Detectable("input", "a", "", "missing", None, None), "not seen"),
        ],
    )
    def test_sizes_in_words(self, one: Detectable, words: str) -> None:
        assert trial_lines.size(one, one.alone) == words

    @pytest.mark.parametrize(
        ("one", "words"),
        [
            (Detectable("input", "a", "length", "shift", 1.0, 1.0), ("a", "shift of length")),
            (Detectable("input", "", "volume", "rows", 1.0, 1.0), ("volume", "rows stay away")),
            (Detectable("output", "", "", "missing", 1.0, 1.0), ("(answer)", "missing")),
            (Detectable("output", "", "reruns", "share", 1.0, 1.0), ("(answer) reruns", "their s")),
            (Detectable("software", "", "latency", "shift", 1.0, 1.0), ("latency", "shift")),
        ],
    )
    def test_columns_in_words(self, one: Detectable, words: tuple[str, str]) -> None:
        assert trial_lines.column(one) == words[0]
        assert trial_lines.kind(one).startswith(words[1])

    def test_seasons_in_words(self) -> None:
        assert trial_lines.season({"mean": "hour of day"}) == "its hour of day"
        of = trial_lines.season({"mean": "none", "shape": "none", "missing": "hour of week"})
        assert of == "any hour; missing: its hour of week"


class TestStateFolder:
    def test_of_another_user_stays_as_it_is(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shutil.rmtree("state/calibrations")
        monkeypatch.setattr(os, "geteuid", lambda: 12_345)
        assert call("show", "m").stdout == (folder / "shown.txt").read_text()
        assert list(Path("state").iterdir()) == []


class TestFirstPanes:
    def test_that_are_not_there_yet_are_said(self, folder: Path) -> None:
        Path("inferwatch.yml").write_text(HEAD + MODEL + "    reference: {first: 168}\n")
        said = call("show", "m", code=1).output
        path = Path("state/references/m-first-168.parquet")
        assert "takes its first 168 panes as its reference, and they are not there yet" in said
        assert str(path) in said
        path.parent.mkdir()
        shutil.copy("reference.parquet", path)
        assert "flagged above" in call("show", "m").stdout

    def test_a_model_without_a_reference_is_said(self, folder: Path) -> None:
        Path("inferwatch.yml").write_text(HEAD + MODEL)
        said = call("show", "m", code=2).output
        assert "model m has no reference in inferwatch.yml; name a file" in said


class TestPicture:
    def test_is_written_as_its_name_says(self, folder: Path) -> None:
        for name, begin in (("one.png", b"\x89PNG"), ("two.svg", b"<?xml")):
            call("show", "m", "--picture", name)
            assert Path(name).read_bytes().startswith(begin)
        assert sorted(p.name for p in folder.iterdir() if p.name[-4:] in {".png", ".svg"}) == [
            "one.png",
            "two.svg",
        ]

    def test_shows_scores_thresholds_dropped_days_and_bars(self, trial: Trial) -> None:
        data = picture(trial, "svg")
        assert data == picture(trial, "svg")
        root = ElementTree.fromstring(data)  # noqa: S314  # our own
        text = [one.text for one in ElementTree.ElementTree(root).iter() if one.text]
        comments = data.decode()
        for words in (
            f"threshold, alone: {trial.hourly.alone.value:.1f}",
            f"threshold, two of three: {trial.hourly.together.value:.1f}",
            f"left out: {DAY}",
            "a: shift",
            "c: new category",
            "(answer): missing",
            "model m",
        ):
            assert f"<!-- {words} -->" in comments or words in comments, words
        assert text
        dots = [one for one in root.iter() if one.get("id", "").startswith("PathCollection")]
        assert len(dots) == 2  # in the chart, and in the legend
        uses = [one for one in dots[0].iter() if one.tag.endswith("use")]
        assert len(uses) == trial.hourly.judged

    def test_has_names_in_any_script_and_none_that_does_harm(self, trial: Trial) -> None:
        odd = replace(trial.changes[0], feature="数据\x00<&$\\frac{")
        one = replace(trial)
        one.__dict__["changes"] = (odd, *trial.changes * 4)
        ElementTree.fromstring(picture(one, "svg"))  # noqa: S314  # our own

    @pytest.mark.parametrize(
        ("name", "words"),
        [
            ("one.gif", "one.gif: a picture is a .png or a .svg; name it so"),
            ("one", "one: a picture is a .png or a .svg; name it so"),
            ("none/one.png", "none: no such folder; make it first"),
        ],
    )
    def test_that_cannot_be_is_said_before_anything_is_done(
        self, folder: Path, name: str, words: str
    ) -> None:
        done = call("show", "m", "--picture", name, code=1)
        assert words in done.output
        assert "column" not in done.output

    def test_needs_an_extra(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        find = importlib.util.find_spec
        monkeypatch.setattr(
            "monitor.references.picture.find_spec",
            lambda name: None if name == "matplotlib" else find(name),
        )
        done = call("show", "m", "--picture", "one.png", code=1)
        assert "a picture needs Matplotlib; install inferwatch[pictures]" in done.output
        assert call("show", "m").stdout

    def test_of_what_is_not_calibrated_there_is_none(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        as_csv(training(100).drop(columns="t"), tmp_path / "train.csv")
        built(tmp_path, "train.csv")
        done = call("show", "reference.parquet", "--picture", "one.png", code=1)
        assert "no picture: without a calibration there are no scores to draw" in done.output
        assert "uncalibrated: its rows have no times" in done.output
        assert not Path("one.png").exists()
