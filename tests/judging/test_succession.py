"""A reference that is accepted while a daemon runs: taken over between two batches, whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from monitor.references.building import CannotBuild
from monitor.references.file import load
from monitor.references.in_force import file_of, pointer
from tests.judging.living import BEGIN, JUDGED, MODEL, Life, told, traffic, unit
from tests.judging.succeeding import accepted, later, moved, noticed, other
from tests.references.making import as_csv, built, training

ALL = 60


@pytest.fixture
def life(folder: Path) -> Any:
    one = Life(folder)
    yield one
    one.harness.app.die()


def reference(life: Life) -> str:
    (info,) = life.shown("calibration_info")
    return info.partition("reference=")[2].rstrip("}").split(",")[0]


def changed(life: Life, hours: int = ALL, begin: float = 0) -> None:
    """So many hours in which `a` is another one, all of them on disk."""
    life.hours(traffic(hours, dict.fromkeys(range(hours), moved), later(begin)))
    assert life.harness.app.save()


def usual(life: Life, begin: float, hours: int = 4, change: Any = moved) -> None:
    life.hours(traffic(hours, dict.fromkeys(range(hours), change), later(begin)))


def events(folder: Path, *kinds: str) -> list[Any]:
    """Kind, subject and detail, in order of time."""
    return [one[1:] for one in sorted(told(folder, kinds), key=lambda one: one[0])]


def test_what_was_accepted_is_in_force_within_seconds_and_its_alarm_ends(life: Life) -> None:
    changed(life)
    assert life.verdicts()["input"] == "alarm"
    before, alarms = reference(life), life.value("alarms_30d", window="1h")
    made, change = accepted(life.folder, 0, ALL)
    noticed(life)
    assert reference(life) == made.reference.id == change.id != before
    assert life.shown("alarm_since_timestamp_seconds") == {}
    assert life.value("alarms_30d", window="1h") == alarms >= 1
    assert life.value("reference_panes") == ALL - 1  # the last one has not closed
    assert life.value("reference_mean", feature="a") == pytest.approx(70, abs=1)
    usual(life, ALL)
    assert life.verdicts()["input"] == "ok"
    scores = life.shown("score", window="1h", feature="a")
    assert scores
    assert all(f"reference={change.id}" in series for series in scores)
    usual(life, ALL + 4, 3, dict)
    assert life.verdicts()["input"] == "alarm"
    life.harness.app.stop()
    ended = [one for one in events(life.folder, "alarm ended") if "why" in one[2]]
    assert {one[1] for one in ended} == {"1h", "1d"}
    for _, _, detail in ended:
        assert detail["reference"] == before
        assert detail["why"] == f"another reference is in force: {change.id}"
    (_, subject, detail) = events(life.folder, "accept")[0]
    assert subject == change.id
    assert detail["before"] == before
    assert detail["from"] == BEGIN.tz_convert("UTC").isoformat()
    noted = events(life.folder, "reference")
    assert [(one[1], one[2]["before"], one[2]["why"]) for one in noted] == [
        (before, "", "configured"),
        (change.id, before, "accepted"),
    ]
    assert noted[1][2]["certainty"] == "provisional"


def test_until_it_is_made_windows_are_judged_by_the_old_one(life: Life) -> None:
    changed(life)
    before = reference(life)
    _, change = accepted(life.folder, 0, ALL)
    life.harness.now += 1.5
    life.harness.app.pipeline.advance(life.harness.now)  # it is begun
    usual(life, ALL, 1)
    assert reference(life) in {before, change.id}
    noticed(life)
    assert reference(life) == change.id


def test_a_restart_and_a_reload_use_it_at_once_and_end_the_alarm(life: Life) -> None:
    changed(life)
    before = reference(life)
    assert life.shown("alarm_since_timestamp_seconds") != {}
    _, change = accepted(life.folder, 0, ALL)
    life.reborn()
    assert reference(life) == change.id
    assert life.shown("alarm_since_timestamp_seconds") == {}
    usual(life, ALL, 3)
    assert life.verdicts()["input"] == "ok"
    assert life.harness.app.save()
    _, again = accepted(life.folder, 30, ALL + 2, now=31 * 24)
    assert life.reload(JUDGED) is None
    assert reference(life) == again.id != change.id
    noticed(life)
    assert reference(life) == again.id
    life.harness.app.stop()
    ended = [one for one in events(life.folder, "alarm ended") if "why" in one[2]]
    assert {one[2]["reference"] for one in ended} == {before}
    assert [one[1] for one in events(life.folder, "accept")] == [change.id, again.id]
    assert [one[2]["before"] for one in events(life.folder, "accept")] == [before, change.id]


def test_each_change_is_told_once_though_another_one_overtook_it(life: Life) -> None:
    changed(life)
    ids = [accepted(life.folder, n, ALL, now=720 + n)[1].id for n in range(3)]
    noticed(life)
    assert reference(life) == ids[2]
    assert life.harness.app.save()
    life.reborn()
    noticed(life)
    life.harness.app.stop()
    assert [one[1] for one in events(life.folder, "accept")] == ids


def test_another_configured_reference_ends_it_and_that_is_said(
    life: Life, caplog: pytest.LogCaptureFixture
) -> None:
    changed(life)
    _, change = accepted(life.folder, 0, ALL)
    life.reborn()
    assert reference(life) == change.id
    rows = training(4_000, days=8)[["t", "v", "l", "a", "b", "c", "y"]]
    as_csv(rows, life.folder / "other.csv")
    (life.folder / "inferwatch.yml").write_text("")
    other_one = built(life.folder, "other.csv", models=MODEL, out="other.parquet").reference
    assert life.reload(JUDGED.replace("reference.parquet", "other.parquet")) is None
    assert reference(life) == other_one.id
    assert "the config names another reference: what was accepted is not in force any more" in (
        caplog.messages
    )
    # With the first one again, what was accepted after that is in force again.
    assert life.reload(JUDGED) is None
    assert reference(life) == change.id


@pytest.mark.parametrize("damage", ["{", "[]", '{"model": "m"}', "none of its bytes"])
def test_a_damaged_word_of_it_leaves_what_is_in_force_and_a_start_takes_the_configured_one(
    life: Life, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    changed(life, 30)
    before = reference(life)
    _, change = accepted(life.folder, 0, 30)
    noticed(life)
    place = pointer(life.folder / "state/references", "m")
    whole = place.read_bytes()
    place.write_bytes(damage.encode())
    noticed(life)
    assert reference(life) == change.id
    said = caplog.records[-1]
    assert said.message == "what was accepted cannot be used: the reference stays as it is"
    assert "m.current.json: damaged" in said.why  # type: ignore[attr-defined]
    assert "inferwatch reference accept m" in said.why  # type: ignore[attr-defined]
    life.reborn()
    assert reference(life) == before
    assert "what was accepted cannot be used: the configured reference is in force" in (
        caplog.messages
    )
    place.write_bytes(whole)
    noticed(life)
    assert reference(life) == change.id


def test_a_file_of_another_reference_is_not_believed(
    life: Life, caplog: pytest.LogCaptureFixture
) -> None:
    changed(life, 30)
    before = reference(life)
    made, change = accepted(life.folder, 0, 30)
    file = file_of(life.folder / "state/references", "m", change.id)
    file.write_bytes((life.folder / "reference.parquet").read_bytes())
    noticed(life)
    assert reference(life) == before
    assert f"holds {before}, not {change.id}" in caplog.records[-1].why  # type: ignore[attr-defined]
    file.unlink()
    life.reborn()
    assert reference(life) == before
    # A new accept puts it right, without a restart.
    _, again = accepted(life.folder, 0, 30, now=31 * 24)
    assert again.id == made.reference.id
    noticed(life)
    assert reference(life) == again.id


def test_a_crash_before_the_word_leaves_the_old_one_in_force(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: Any) -> None:
        raise OSError("no room")

    changed(life, 30)
    before = reference(life)
    with monkeypatch.context() as patch:
        patch.setattr("monitor.references.in_force.write_whole", dies)
        with pytest.raises(OSError, match="no room"):
            accepted(life.folder, 0, 30)
    noticed(life)
    life.reborn()
    assert reference(life) == before
    _, change = accepted(life.folder, 0, 30)
    noticed(life)
    assert reference(life) == change.id
    names = sorted(path.name for path in (life.folder / "state/references").iterdir())
    assert names == [f"m-{change.id}.parquet", "m.current.json", "m.current.lock"]


def test_the_first_panes_can_be_succeeded(folder: Path) -> None:
    first = MODEL + "    reference: {first: 24}\n"
    life = Life(folder, first)
    changed(life, 3)
    with pytest.raises(CannotBuild, match="the first 24 panes of model m are not there yet"):
        accepted(folder, 0, 2, models=first)
    changed(life, 37, 3)
    noticed(life)
    changed(life, 2, 40)
    noticed(life)
    configured = reference(life)
    _, change = accepted(life.folder, 10, 38, models=first)
    noticed(life)
    assert reference(life) == change.id
    life.harness.app.die()
    state = json.loads(pointer(folder / "state/references", "m").read_text())
    assert state["base"] == configured
    longer = first.replace("[1h, 1d]", "[1h, 12h, 1d]")
    life = Life(folder, longer)
    assert reference(life) == change.id
    life.harness.app.die()


def test_two_models_have_each_their_own(folder: Path) -> None:
    second = JUDGED.replace("name: m\n", "name: m2\n    match: {field: v, equals: '2'}\n")
    both = JUDGED.replace("name: m\n", "name: m\n    match: {field: v, equals: '1'}\n")
    second = second.replace("    reference: {path: reference.parquet}\n", "")
    life = Life(folder, both + second)
    changed(life, 30)
    _, change = accepted(folder, 0, 30, models=both + second)
    noticed(life)
    assert change.id == load(file_of(folder / "state/references", "m", change.id)).id
    (info,) = life.shown("calibration_info")
    assert f"reference={change.id}" in info
    assert "model=m," in info
    life.harness.app.die()


def test_mutes_and_what_is_ignored_are_told_as_they_change(life: Life) -> None:
    life.hours(traffic(2))
    muted = f"{JUDGED}    alarms: {{mute: {{a: 2026-12-24, b: 2026-10-01}}, ignore: [c]}}\n"
    assert life.reload(muted) is None
    life.harness.app.pipeline.advance(life.harness.now)
    assert life.harness.app.save()
    life.reborn(muted)
    assert life.reload(f"{JUDGED}    alarms: {{mute: {{a: 2026-12-25}}}}\n") is None
    life.harness.app.pipeline.advance(life.harness.now)
    life.harness.app.stop()
    until = {day: f"2026-12-{day}T00:00:00+00:00" for day in (24, 25)}
    october = "2026-10-01T00:00:00+00:00"
    assert sorted(events(life.folder, "mute"), key=str) == sorted(
        [
            ("mute", "a", {"until": until[24], "before": ""}),
            ("mute", "b", {"until": october, "before": ""}),
            ("mute", "a", {"until": until[25], "before": until[24]}),
            ("mute", "b", {"until": "", "before": october}),
        ],
        key=str,
    )
    assert events(life.folder, "ignore") == [
        ("ignore", "c", {"ignored": True}),
        ("ignore", "c", {"ignored": False}),
    ]


class TestOneFeature:
    def test_its_alarm_ends_and_another_column_still_rings(self, life: Life) -> None:
        changed(life)
        assert life.verdicts()["input"] == "alarm"
        accepted(life.folder, 0, ALL, "a")
        noticed(life)
        assert life.value("reference_panes") == 168
        usual(life, ALL, 30)
        assert life.verdicts() == dict.fromkeys(("input", "output", "software"), "ok")
        assert life.shown("alarm_since_timestamp_seconds") == {}
        assert life.value("reference_mean", feature="a") == pytest.approx(70, abs=1)
        assert life.value("reference_mean", feature="b") == pytest.approx(5, abs=0.5)
        usual(life, ALL + 30, 3, lambda row: moved(other(row)))
        assert life.verdicts()["input"] == "alarm"
        (cause,) = {
            series.partition("feature=")[2].split(",")[0]
            for series in life.shown("alarm_cause", window="1h", rank="1")
        }
        assert cause == "b"
        # As it was before `a` is another one, too.
        usual(life, ALL + 33, 8)
        usual(life, ALL + 41, 3, unit)
        assert life.verdicts()["input"] == "alarm"

    def test_the_answer_is_accepted_by_itself(self, life: Life) -> None:
        def answered(row: dict[str, Any]) -> dict[str, Any]:
            return row | {"y": row["y"] + 4}

        usual(life, 0, 40, answered)
        assert life.harness.app.save()
        assert life.verdicts()["output"] == "alarm"
        _, change = accepted(life.folder, 0, 40, output=True)
        noticed(life)
        usual(life, 40, 4, answered)
        assert life.verdicts()["output"] == "ok"
        assert life.value("reference_panes") == 168
        assert change.output
