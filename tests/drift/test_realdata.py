"""The benchmark on real data, on three weeks of made rows: its counts, its rules, its page."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from benchmarks.realdata import bonferroni, injection, ours, page, peers, rules, selfdrawn, told
from benchmarks.realdata.counting import counted, schema_of
from benchmarks.realdata.data import ANSWER, Data, NoData, Window, days, hours
from benchmarks.realdata.peers import Answer, Question
from collectors.drift.calibration.seasons import Calendar
from monitor.demo import peers as demo_peers
from monitor.demo.outside import Outside

ROOT = Path(__file__).parents[2]
ZONE = "America/New_York"
WEEKS, REST = 2, 7


def made(seed: int = 1) -> Data:
    """Rows by time; in the last two days nearly all of `dep_delay` is missing."""
    rng = np.random.default_rng(seed)
    begin = pd.Timestamp("2013-01-07", tz=ZONE).value // 1000
    length = (7 * WEEKS + REST) * 86_400
    seconds = np.sort(rng.uniform(0, length, length // 50))
    rows = len(seconds)
    delay = rng.exponential(20.0, rows).round(1)
    gone = rng.random(rows) < np.where(seconds > length - 2 * 86_400, 0.9, 0.01)
    frame = pd.DataFrame(
        {
            "time": begin + (seconds * 1e6).astype(np.int64),
            "dep_delay": np.where(gone, np.nan, delay),
            "distance": rng.gamma(4.0, 200.0, rows).round(),
            "carrier": rng.choice(["AA", "B6", "UA"], rows, p=[0.2, 0.3, 0.5]),
            ANSWER: delay + rng.normal(0.0, 5.0, rows),
        }
    )
    return Data("flights", frame, ("dep_delay", "distance"), ("carrier",), ZONE)


@pytest.fixture(scope="module")
def data() -> Data:
    return made()


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A file of stored answers of its own, and no environment to ask in."""
    path = tmp_path / "verdicts.json"
    monkeypatch.setattr(peers, "KEPT", path)
    monkeypatch.setattr(peers, "PYTHON", tmp_path / "none")
    return path


def said(question: Question) -> Answer:
    """Of other tools that ring in every third window."""
    drifted = [int(n % 3 == 0) for n in range(len(question.windows))]
    every = {"nannyml": drifted, "nannyml missing": [0] * len(drifted), "evidently": drifted}
    versions = {"nannyml": "0.1", "evidently": "0.2", "python": "3.11"}
    return Answer(question.of, "2013-12-31", versions, every, {"0": 1}, 0, {"nannyml": 1.0})


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch, kept: Path) -> None:
    def asked(question: Question) -> Answer:
        return said(question)

    monkeypatch.setattr(peers, "_asked", asked)


def quiet(data: Data) -> dict[date, Outside]:
    """Days on which nothing is to be expected, but for the last two."""
    first = date.fromordinal(data.first_day)
    usual = Outside(1_000, 10, 200, 0.0, 10.0, 12.0, 0, 0, holiday=False)
    number = 7 * WEEKS + REST
    return {
        first + timedelta(days=n): replace(usual, cancelled=500) if n >= number - 2 else usual
        for n in range(number)
    }


def test_windows_are_hours_and_local_days(data: Data) -> None:
    local = pd.to_datetime(data.times, unit="us", utc=True).tz_convert(ZONE)
    by_day = pd.Series(local.date).value_counts(sort=False)
    assert [one.rows for one in days(data)] == by_day.tolist()
    assert len(days(data.before(int(data.times[-1]) - 2 * 3_600_000_000))) == len(by_day) - 1
    assert sum(one.rows for one in hours(data)) == len(data.rows)
    assert len(hours(data)) == 24 * len(days(data))


def test_the_product_counts_what_is_in_the_rows(data: Data) -> None:
    schema, some = schema_of(data), hours(data)[100:103]
    for window, summaries in zip(some, counted(data, schema, some).values(), strict=True):
        rows = data.rows.iloc[window.first : window.last]
        assert summaries["software"].rows == len(rows)
        delay = summaries["inputs"].columns["dep_delay"]
        assert delay.count == rows["dep_delay"].notna().sum()
        assert delay.mean() == pytest.approx(rows["dep_delay"].mean())
        known = summaries["inputs"].columns["carrier"]
        counts = rows["carrier"].value_counts().reindex(known.spec.known, fill_value=0)
        assert known.known.tolist() == counts.tolist()


def test_a_change_is_flagged_from_its_first_hour_on_and_named(data: Data) -> None:
    start = data.until(7 * WEEKS)
    monitor = ours.monitor(data.before(start))
    verdicts = ours.judged(data, monitor, start)
    onset = data.until(7 * WEEKS + REST - 2)
    for length, number in (("1h", 48), ("1d", 2)):
        flagged = [one for one in verdicts[length] if one.flagged]
        assert [one.window.start for one in flagged if one.window.start < onset] == []
        assert len(flagged) == number
        assert flagged[0].entered
        assert flagged[0].changes[0].feature == "dep_delay"
        assert re.search(r"(missing|usable value) 1\.\d% to [89]", flagged[0].changes[0].words)


def test_tests_are_those_of_scipy() -> None:
    rng = np.random.default_rng(3)
    for size in (30, 400):
        now, then = (
            np.sort(rng.integers(0, 30, size) * 1.0),
            np.sort(rng.poisson(14.0, 2_000) * 1.0),
        )
        exact = stats.ks_2samp(now, then, method="asymp")
        root = exact.statistic * np.sqrt(size * 2_000 / (size + 2_000))
        limit = -np.log(stats.kstwobign.sf(root))
        assert bonferroni.kolmogorov(now, then) == pytest.approx(limit, rel=0.02)
    counts, known = np.array([10.0, 0, 30, 0]), np.array([500.0, 20, 700, 0])
    test = stats.chi2_contingency(np.array([counts, known])[:, :3], correction=False)
    assert bonferroni.chi_squared(counts, known) == pytest.approx(-np.log(test.pvalue))
    assert bonferroni.chi_squared(counts * 0, known) == 0.0
    assert bonferroni.kolmogorov(np.zeros(0), known) == 0.0


def test_a_shift_is_found_by_tests_and_missing_values_are_not(data: Data) -> None:
    reference = np.arange(5_000)
    windows = [np.arange(5_000, 6_000), np.arange(len(data.rows) - 1_000, len(data.rows))]
    assert bonferroni.drifted(data, reference, windows, 1e-3) == [0, 0]
    assert bonferroni.drifted(data, reference, windows, 1e-3, 20.0, "dep_delay") == [1, 1]


def test_an_answer_is_kept_and_asked_once(
    data: Data, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = Question("q", data, np.arange(9), [np.arange(5), np.arange(9)], {"chunks": "h"})
    with pytest.raises(NoData, match="make peers"):
        peers.answer(question)
    monkeypatch.setattr(peers, "_asked", said)
    first = peers.answer(question)
    monkeypatch.setattr(peers, "_asked", None)
    assert peers.answer(question) == first
    other = Question("q", made(2), np.arange(9), question.windows, {})
    with pytest.raises(TypeError):
        peers.answer(other)  # other rows are another question


@pytest.mark.usefixtures("answered")
def test_the_page_has_every_rule_on_the_same_windows(
    data: Data, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    played = rules.play(data, WEEKS, ignore="dep_delay")
    by_rule = {(one.method, one.length): one for one in played.rung}
    assert len(by_rule[rules.NANNYML, "1h"].windows) == 24 * REST
    assert sum(by_rule[rules.NANNYML, "1h"].flags) == 8 * REST
    assert sum(by_rule[rules.OURS, "1h"].flags) == 48
    # Inputs that lack it are the same again and again: of that the answers tell.
    assert sum(by_rule["inferwatch, `dep_delay` ignored", "1h"].flags) < 12
    text = page.flights(played, quiet(data))
    assert "| inferwatch | both |  | 50 |" in text
    assert "2 of 2" in text
    assert re.search(r"\| (day|hour) \| [\d.]+ \| dep_delay: ", text)
    monkeypatch.setattr(told, "PATH", tmp_path / "peers.json")
    told.write(played)
    stored = json.loads((tmp_path / "peers.json").read_text())
    assert stored["measured"] == "2013-12-31"
    assert stored["first"] == "2013-01-21"
    assert [peer["name"] for peer in stored["peers"]] == ["NannyML 0.1", "Evidently 0.2"]
    assert stored["peers"][0]["days"] == {"hours": "1" * REST, "days": "1001001"}


def test_faults_that_are_put_in_are_seen(data: Data, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(injection, "WEEKS", WEEKS)
    found = {one.fault: one for one in injection.play(data, quiet(data), days=3)}
    assert found["nothing"].soon == 0
    for fault in ("`dep_delay` 100% null", "`carrier` 100% null", "5% of the rows"):
        one = found[fault]
        assert (one.days, one.first, one.named, one.right) == (3, 3, 3, 3), fault
        assert one.score > one.threshold
    assert re.search(r"dep_delay: .* to 100.0%", page.seen(list(found.values())))


@pytest.mark.usefixtures("answered")
def test_windows_drawn_from_the_reference_are_quiet(
    data: Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selfdrawn, "WEEKS", WEEKS)
    monkeypatch.setattr(selfdrawn, "MOST", 1_000)
    drawn = selfdrawn.play(data, windows=20, panes=60)
    assert drawn.alarms[rules.OURS].sum() == 0
    assert drawn.found[rules.OURS].mean() > 0.8
    assert drawn.alarms[rules.BONFERRONI].sum() == 0
    assert "| 100 to 300 |" in page.drawn(drawn)


def test_the_demo_tells_of_what_is_stored_for_the_days_that_were_replayed() -> None:
    first = date(2013, 1, 29)
    peer = demo_peers.Peer("Other 1.0", "any column", {"hours": "0111", "days": "0010"})
    stored = demo_peers.Peers(date(2026, 1, 1), first, [peer])
    usual = Outside(1_000, 10, 200, 0.0, 10.0, 12.0, 0, 0, holiday=False)
    known = {first + timedelta(days=n): replace(usual, cancelled=60 * n) for n in range(3)}
    assert list(demo_peers.sentences(stored, known)) == [
        "Other 1.0 (any column) would have rung on 2 by hours (2 expected) and on 1 by days "
        "(1 expected), of 3 days: asked on 2026-01-01."
    ]


def test_without_a_stored_run_the_demo_tells_of_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo_peers, "PATH", tmp_path / "peers.json")
    assert demo_peers.read() is None


def test_the_stored_run_is_of_the_days_behind_the_demos_reference() -> None:
    stored = demo_peers.read()
    assert stored is not None
    assert stored.first == date(2013, 1, 29)
    assert {peer.name.split()[0] for peer in stored.peers} == {"NannyML", "Evidently"}
    for peer in stored.peers:
        assert {len(days) for days in peer.days.values()} == {337}


def test_the_page_names_its_command() -> None:
    assert "\n    make realdata\n" in (ROOT / "docs" / "realdata.md").read_text()
    assert "\nrealdata: " in (ROOT / "Makefile").read_text()
    assert "(realdata.md)" in (ROOT / "docs" / "alarms.md").read_text()


def test_a_day_of_a_window_is_the_local_one() -> None:
    midnight = int(pd.Timestamp("2013-02-09 03:00", tz="UTC").value // 1000)
    assert Window(midnight, midnight + 1, 0, 1).day(Calendar(ZONE)) == date(2013, 2, 8)
