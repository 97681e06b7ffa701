"""`inferwatch archive openmetrics`, beside what the daemon's own `/metrics` said at the time."""

from __future__ import annotations

import math
import re
import subprocess
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from monitor.archive_files import pane_files
from monitor.compaction import QUIET, Compaction
from tests.history.looking_back import HOSTILE, KEPT, Days, call, check, history
from tests.support.real import require

HOUR = 3_600


def name(series: str) -> str:
    return series.partition("{")[0]


def test_all_that_was_shown_is_there_as_it_was(days: Days) -> None:
    text, said = call(days.folder)
    check(text)
    found = history(text)
    assert len(days.shown) > 70
    for end, shown in days.shown.items():
        assert found[end] == shown, end
    names = {name(series) for shown in days.shown.values() for series in shown}
    assert (
        {
            "inferwatch_verdict",
            "inferwatch_score",
            "inferwatch_score_threshold",
            "inferwatch_alarm_since_timestamp_seconds",
            "inferwatch_alarm_cause",
            "inferwatch_alarms_30d",
            "inferwatch_drift_distance",
            "inferwatch_reference_mean",
            "inferwatch_version_first_seen_timestamp_seconds",
            "inferwatch_window_closed_timestamp_seconds",
            "inferwatch_output_quantile",
        }
        <= names
        <= KEPT
    )
    samples = sum(map(len, found.values()))
    series = len({series for shown in found.values() for series in shown})
    assert f"{samples:,} samples of {series:,} series" in said


def test_hours_without_a_row_are_told_of(days: Days) -> None:
    found = history(call(days.folder)[0])
    ends = sorted(found)
    assert [later - end for end, later in pairwise(ends)] == [HOUR] * 77
    silent = set(found) - set(days.shown)
    assert len(silent) == 3  # the daemon read a log of the past, and leapt over them
    for end in silent:
        verdicts = [s for s, v in found[end].items() if name(s) == "inferwatch_verdict" and v]
        hourly = [one for one in verdicts if 'window="1h"' in one]
        assert len(hourly) == 3
        assert all('verdict="no_data"' in one for one in hourly)
        rows = [s for s in found[end] if name(s) == "inferwatch_window_rows"]
        assert rows
        assert all('window="1d"' in one for one in rows)
        assert not any(name(s) == "inferwatch_score" and '"1h"' in s for s in found[end])


def test_a_version_that_is_gone_has_no_sample_more(days: Days) -> None:
    found = history(call(days.folder)[0])
    ends = sorted(found)
    of = {
        version: [e for e in ends if any(f'version="{version}",window="1h"' in s for s in found[e])]
        for version in ("1", 'v\ufffd2\\"\\\\{}')
    }
    old, new = of.values()
    assert (len(old), len(new)) == (44, 78 - 40 - 3)
    assert new[0] == ends[40]
    assert old[-1] == ends[43]


def test_memory_is_bounded_and_changes_nothing(days: Days, monkeypatch: pytest.MonkeyPatch) -> None:
    from monitor.config import load
    from monitor.history.export import History
    from monitor.references.span import Span

    class Text(list[bytes]):
        def write(self, data: bytes) -> None:
            self.append(data)

    monkeypatch.chdir(days.folder)
    model = load(Path("inferwatch.yml")).models[0]
    texts = []
    for most in (1, 5_000, 10**9):
        text = Text()
        History(Path("state"), HOUR * 10**6, most).write([(model, Span())], text)
        texts.append(b"".join(text))
    assert texts[0] == texts[1] == texts[2]
    assert texts[0].decode() == call(days.folder)[0]


def test_a_gauge_is_repeated_for_as_long_as_it_stood(days: Days) -> None:
    whole, often = history(call(days.folder)[0]), history(call(days.folder, "--step", "25m")[0])
    assert set(whole) <= set(often)
    for time, shown in often.items():
        assert shown == whole[time // HOUR * HOUR]
    assert sorted(often)[:4] == [min(whole) + 1_500 * n for n in (0, 1, 2)] + [min(whole) + HOUR]


def test_a_span_is_that_part_of_the_whole(days: Days) -> None:
    whole = history(call(days.folder)[0])
    part, said = call(days.folder, "--from", "2026-03-03", "--to", "2026-03-04T12:00")
    check(part)
    found = history(part)
    midnight = min(whole) - HOUR + 24 * HOUR
    assert sorted(found) == [midnight + n * HOUR for n in range(1, 37)]
    assert all(found[time] == whole[time] for time in found)
    assert "2026-03-03 06:00 to 2026-03-04 17:00 UTC" in said


def test_a_copy_of_the_state_will_do_and_a_file_is_whole(folder: Path) -> None:
    text, _ = call(folder)
    (folder / "state").rename(folder / "copy")
    said = call(folder, "--state", "copy", "--model", "m", "--out", "history.om")[1]
    assert said.splitlines()[-1].startswith("history.om: ")
    assert (folder / "history.om").read_text() == text
    assert not list(folder.glob("*.partial"))


def test_a_damaged_window_costs_itself_alone(folder: Path) -> None:
    whole = history(call(folder)[0])
    days = sorted((folder / "state/archive/panes/model=m").iterdir())
    file = pane_files(days[1])[5]
    file.path.write_bytes(file.path.read_bytes()[:-30])
    text, said = call(folder, code=1)
    check(text)
    (line,) = [line for line in said.splitlines() if "damaged" in line]
    assert f"damaged, and left out: state/archive/panes/model=m/{days[1].name}/" in line
    found = history(text)
    assert set(found) == set(whole)
    unlike = [time for time in sorted(whole) if _hourly(found[time]) != _hourly(whole[time])]
    assert len(unlike) == 1


def test_a_damaged_day_or_its_events_cost_that_day_alone(folder: Path) -> None:
    whole = history(call(folder)[0])
    days = sorted((folder / "state/archive/panes/model=m").iterdir())
    for note in (folder / "state/archive").glob("unsettled/*"):
        note.unlink()  # as the next checkpoint would
    now = datetime.now(UTC).timestamp() * 1e6
    assert Compaction(folder / "state/archive", round(now), {}).run(round(now) + 2 * QUIET).days
    compact = days[0] / "compact.parquet"
    compact.write_bytes(compact.read_bytes()[:-30])
    events = sorted((folder / "state/archive/events").rglob("*.parquet"))[-1]
    events.write_bytes(events.read_bytes()[:-30])
    text, said = call(folder, code=1)
    check(text)
    amiss = [line for line in said.splitlines() if "damaged, and left out" in line]
    assert len(amiss) == 2
    assert days[0].name in amiss[0] + amiss[1]
    found = history(text)
    assert 0 < len(found) < len(whole)
    assert max(found) == max(whole)


def test_a_model_that_nobody_has_seen_yet_keeps_no_other_from_it(folder: Path) -> None:
    config = folder / "inferwatch.yml"
    whole, _ = call(folder)
    text = config.read_text().replace("- name: m\n", "- name: m\n    match: {topic: inferences}\n")
    text = text.replace("topics: [inferences]", "topics: [inferences, other]")
    config.write_text(f"{text}  - {{name: fresh, match: {{topic: other}}}}\n")
    text, said = call(folder)
    assert text == whole
    assert "model fresh has no schema yet" in said


def _hourly(shown: dict[str, float]) -> dict[str, float]:
    return {s: v for s, v in shown.items() if 'window="1h"' in s}


def test_what_cannot_be_written_is_said(folder: Path) -> None:
    for more, code, sentence in (
        (["--step", "1 hour"], 2, "'1 hour' is not a duration"),
        (["--step", "10ms"], 2, "--step 10ms is too short; write 1s or more"),
        (["--model", "none"], 2, "no model of the config has this name; there is m"),
        (["--from", "2027-01-01"], 1, "no sample: the archive has no window of that span"),
        (["--state", "none"], 1, "model m has no schema yet, and so no archive"),
        (["--out", "none/history.om"], 1, "No such file or directory"),
    ):
        text, said = call(folder, *more, code=code)
        assert sentence in said
        assert text in {"", "# EOF\n"}


@pytest.mark.promtool
def test_prometheus_takes_it_over_as_it_is(days: Days, tmp_path: Path) -> None:
    text, _ = call(days.folder)
    (tmp_path / "history.om").write_text(text)
    promtool = require("promtool")
    command = [promtool, "tsdb", "create-blocks-from", "openmetrics"]
    subprocess.run(
        [*command, "--max-block-duration=512h", "history.om", "data"],
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )
    (tmp_path / "data/wal").mkdir()
    (tmp_path / "data/chunks_head").mkdir()
    done = subprocess.run(
        [promtool, "tsdb", "dump", "data"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert HOSTILE.replace("\n", "\ufffd").replace("\\", r"\\").replace('"', r"\"") in done.stdout
    dumped = set()
    for line in done.stdout.splitlines():
        labels, value, time = line.rsplit(" ", 2)
        dumped.add((_sorted(labels), float(time) / 1_000, _plain(float(value))))
    written = {
        (_sorted(series), time, _plain(value))
        for time, shown in history(text).items()
        for series, value in shown.items()
    }
    assert dumped == written


def _sorted(series: str) -> tuple[str, ...]:
    labels = re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', series)
    named = [] if series.startswith("{") else [("__name__", name(series))]
    # An empty label is to Prometheus as one that is not there.
    return tuple(sorted(f"{key}={value}" for key, value in labels + named if value))


def _plain(value: float) -> float | str:
    return "nan" if math.isnan(value) else value
