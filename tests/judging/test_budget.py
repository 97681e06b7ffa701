"""What the config says of budget, floors and features, through the whole daemon."""

from __future__ import annotations

import logging
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from collectors.drift.floors import FLOORS
from monitor.cli import main
from tests.judging.living import BEGIN, JUDGED, MODEL, Life, traffic, unit
from tests.references.making import HEAD
from tests.support import harness


def test_a_share_of_a_budget_has_a_higher_threshold_and_is_shown(folder: Path) -> None:
    whole = Life(folder)
    whole.hours(traffic(3))
    usual = whole.value("score_threshold", window="1h", rule="alone")
    whole.harness.app.die()
    head = harness.HEAD.replace("models:", "alarms: {budget: 6 per 30d}\nmodels:")
    other = "  - {name: n, match: {field: m, equals: n}, reference: {first: 24}}\n"
    mine = JUDGED.replace(
        "name: m\n", "name: m\n    match: {topic: inferences}\n    replicas: 60\n"
    )
    life = Life(folder, mine)
    life.hours(traffic(3))
    # Until somebody shares one, it is its own: one in 30 days, by sixty.
    assert life.value("alarm_budget_per_day") == pytest.approx(1 / 30 / 60)
    (folder / "inferwatch.yml").write_text(head + mine + other)
    assert life.harness.app.reload() is None
    assert life.value("alarm_budget_per_day") == pytest.approx(6 / 2 / 30 / 60)
    life.hours(traffic(2, begin=BEGIN + pd.Timedelta("3h")))
    assert life.value("score_threshold", window="1h", rule="alone") > usual
    life.harness.app.die()


def test_a_change_below_its_floor_is_quiet_and_thresholds_stay(folder: Path) -> None:
    usual = Life(folder)
    usual.hours(traffic(4, {2: unit}))
    thresholds = usual.shown("score_threshold")
    assert usual.verdicts()["input"] == "alarm"
    # No change is larger than the largest there is, but for those of means and spreads.
    floors = ", ".join(f"{kind}: {floor.most}" for kind, floor in FLOORS.items())
    text = f"{JUDGED}    alarms: {{min_effect: {{{floors}}}}}\n"
    assert usual.reload(text) is None
    usual.hours(traffic(2, dict.fromkeys(range(2), unit), BEGIN + pd.Timedelta("4h")))
    assert usual.shown("score_threshold") == thresholds
    assert set(usual.verdicts().values()) == {"ok"}
    # A thousandth of the unit is 1,000 times the mean.
    assert set(usual.shown("score", window="1h").values()) == {0}
    usual.harness.app.die()


WRONG = "    alarms: {ignore: [d, c], mute: {aa: 2026-12-24, b: 2026-12-24}}\n"
SAID = [
    "alarms.ignore: 'd' is no feature of the model; it has no effect",
    "alarms.mute: 'aa' is no feature of the model; did you mean a?",
]


@pytest.mark.parametrize("reference", [JUDGED.removeprefix(MODEL), ""])
def test_a_name_that_is_no_feature_is_told_of_once(
    folder: Path, caplog: pytest.LogCaptureFixture, reference: str
) -> None:
    with caplog.at_level(logging.WARNING):
        life = Life(folder, MODEL + reference + WRONG)
        life.hours(traffic(2))
        life.harness.settle()
        life.hours(traffic(1, begin=BEGIN + pd.Timedelta("2h")))
        assert [one for one in caplog.messages if "no feature" in one] == SAID
        caplog.clear()
        # And again where the config is read again: it may have become another one.
        assert life.reload(MODEL + reference + WRONG.replace("aa", "bb")) is None
        life.hours(traffic(1, begin=BEGIN + pd.Timedelta("3h")))
        assert [one for one in caplog.messages if "no feature" in one] == [
            SAID[0],
            "alarms.mute: 'bb' is no feature of the model; did you mean b?",
        ]
    life.harness.app.die()


@pytest.mark.parametrize("reference", [JUDGED.removeprefix(MODEL), ""])
def test_check_tells_of_it_too(folder: Path, reference: str) -> None:
    config = folder / "inferwatch.yml"
    config.write_text(HEAD + MODEL + reference + WRONG)
    done = CliRunner().invoke(main, ["check", str(config)])
    assert done.exit_code == 0, done.output
    for one in SAID:
        assert f"model m: warning: {one}" in done.output
    # Where the first rows have to say which features there are, nothing is known of them yet.
    config.write_text(f"{HEAD}  - name: other\n{WRONG}")
    done = CliRunner().invoke(main, ["check", str(config)])
    assert done.exit_code == 0, done.output
    assert "no feature" not in done.output
