"""The job of reports: which days, when there is none, what is kept; and its command."""

from __future__ import annotations

import logging
import os
import threading
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from monitor.archive import Archive
from monitor.board import Board
from monitor.cli import main
from monitor.config import ConfigError, read
from monitor.jobs.jobs import Jobs
from monitor.jobs.making import make_jobs
from monitor.jobs.report.files import Reports, Stored, made_at
from monitor.jobs.report.frames import labels, shown
from monitor.jobs.report.making import last_days, make_report_job
from monitor.jobs.report.running import MISSING, NotMade
from monitor.jobs.report.task import Column, Compared, Domain, Numbers, Side, Task
from tests.jobs.reported import JOB, MODEL, REFERENCE, configured, prepare, report_job
from tests.references.making import HEAD
from tests.support.boards import values

NOW = 1_770_000_000.0


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepare(tmp_path_factory.mktemp("reported"))


def us(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1e6)


def numbers(model: str = "m") -> Numbers:
    return Numbers(
        model=model,
        start="2026-01-12T00:00:00Z",
        end="2026-01-13T00:00:00Z",
        reference="r",
        evidently="0",
        now=Side(10, 20, 2),
        before=Side(30, 40, 4),
        drifted=1,
        compared=2,
        share=0.5,
        columns=[Compared("a", "psi", 0.25, 0.1, True)],
        asked=[Compared("a", "z", why="two categories alone")],
        left_out={"id": "ignored"},
        domain=Domain(0.75, 10, [("a", 0.2)], None, "Nobody knows how rare."),
        notes=["A note."],
    )


class Ran:
    """In place of the process: notes what it was asked for, and leaves a report or none."""

    def __init__(self, fails: bool = False) -> None:
        self.asked: list[Task] = []
        self._fails = fails

    def __call__(self, task: Task, stored: Stored, stopping: threading.Event) -> Numbers:
        self.asked.append(task)
        if self._fails:
            raise NotMade("too slow")
        stored.path.parent.mkdir(parents=True, exist_ok=True)
        stored.path.write_text("page")
        stored.numbers.write_bytes(msgspec.json.encode(numbers()))
        return numbers()


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> Ran:
    made = Ran()
    monkeypatch.setattr("monitor.jobs.report.making.run", made)
    monkeypatch.setattr("monitor.jobs.report.running.run", made)
    return made


@pytest.mark.parametrize(
    ("end", "days", "zone", "span"),
    [
        ("2026-01-13T05:00+00:00", 1, "UTC", ("2026-01-12T00:00+00:00", "2026-01-13T00:00+00:00")),
        ("2026-01-13T00:00+00:00", 7, "UTC", ("2026-01-06T00:00+00:00", "2026-01-13T00:00+00:00")),
        # At 4 in London it is still yesterday in New York.
        (
            "2026-01-13T04:00+00:00",
            1,
            "America/New_York",
            ("2026-01-11T05:00+00:00", "2026-01-12T05:00+00:00"),
        ),
        # Clocks go forward on the 8th of March: that day has 23 hours.
        (
            "2026-03-09T12:00+00:00",
            1,
            "America/New_York",
            ("2026-03-08T05:00+00:00", "2026-03-09T04:00+00:00"),
        ),
    ],
)
def test_a_report_is_of_whole_days_of_the_model(
    end: str, days: int, zone: str, span: tuple[str, str]
) -> None:
    assert last_days(us(end), days * 86_400.0, zone) == (us(span[0]), us(span[1]))


def test_the_job_is_there_for_a_model_with_a_reference(tmp_path: Path) -> None:
    def made(text: str) -> list[str]:
        jobs = make_jobs(read(text, tmp_path / "c.yml", {}), Board())
        return [job.at for job in jobs if job.name == "report"]

    assert made(HEAD + MODEL) == []
    assert made(HEAD + MODEL + REFERENCE) == ["30 5 * * *"]
    assert made("jobs: {report: {at: '0 4 * * mon'}}\n" + HEAD + MODEL + REFERENCE) == [
        "0 4 * * mon"
    ]
    assert made(HEAD + MODEL + "    reference: {beside: [previous]}\n") == []
    assert made("jobs: {report: {enabled: false}}\n" + HEAD + MODEL + REFERENCE) == []


def test_without_the_extra_it_is_there_only_if_asked_for(
    prepared: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("monitor.jobs.report.making.installed", lambda: False)
    board = Board()
    with caplog.at_level(logging.INFO):
        assert make_report_job(configured(prepared, jobs=""), board) is None
    assert [record.why for record in caplog.records] == [MISSING]  # type: ignore[attr-defined]
    caplog.clear()
    job = report_job(configured(prepared), board)
    Jobs(board, lambda: NOW).run(job)
    assert values(board, "job.failures") == {("report",): 1}
    assert [record.why for record in caplog.records] == [MISSING]  # type: ignore[attr-defined]


def test_it_asks_for_the_last_whole_day_with_all_that_the_config_says(
    prepared: Path, ran: Ran
) -> None:
    board = Board()
    job = report_job(configured(prepared), board)
    Jobs(board, lambda: NOW).run(job)
    (task,) = ran.asked
    assert (task.start, task.end) == (us("2026-01-12T00:00+00:00"), us("2026-01-13T00:00+00:00"))
    assert (task.rows, task.memory, task.seconds) == (3_000, 2 * 2**30, 300)
    assert task.methods == ["mannw", "fisher_exact", "chisquare"]
    kinds = {one.label: (one.kind, one.compared) for one in task.columns}
    assert kinds == {
        "a": ("number", True),
        "b": ("number", True),
        "c": ("category", True),
        "d": ("text", True),
        "g": ("text", True),
        "f": ("number", True),
        "id": ("number", False),
        "prediction": ("number", True),
    }
    stored = Reports(prepared / "state").of("m")
    assert [(one.start, one.end) for one in stored] == [(task.start, task.end)]
    assert values(board, "report.drifted") == {("m",): 0.5}
    assert values(board, "report.rows") == {("m", "now"): 10, ("m", "reference"): 30}
    stored[0].path.unlink()


def test_one_that_fails_is_counted_and_said(
    prepared: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("monitor.jobs.report.making.run", Ran(fails=True))
    board = Board()
    job = report_job(configured(prepared), board)
    Jobs(board, lambda: NOW).run(job)
    assert values(board, "job.failures") == {("report",): 1}
    assert [record.why for record in caplog.records] == ["too slow", "m: too slow"]  # type: ignore[attr-defined]


def test_a_model_without_panes_or_without_its_reference_waits(tmp_path: Path, ran: Ran) -> None:
    config = configured(tmp_path)
    job = report_job(config, Board())
    job.work(NOW, threading.Event())
    (tmp_path / "reference.parquet").write_bytes(b"")
    job.work(NOW, threading.Event())
    assert ran.asked == []


def test_old_ones_go_and_what_is_no_report_stays(tmp_path: Path, ran: Ran) -> None:
    reports = Reports(tmp_path / "state")
    old, new = reports.place("m", 0, 10**6), reports.place("m", 10**6, 2 * 10**6)
    other = old.path.with_name("notes.html")
    old.path.parent.mkdir(parents=True)
    no_date = old.path.with_name("19700101T000000Z-20261399T000000Z.html")
    begun = old.path.with_name(f"{old.path.name}.1.new")  # by a process that was ended
    mine = (old.path, old.numbers, made_at(old.path), begun, new.path, new.numbers)
    for path in (*mine, other, no_date):
        path.write_text("")
        age = 31 if path.name.startswith("19700101T000000Z") or path == other else 29
        os.utime(path, (NOW - age * 86_400, NOW - age * 86_400))
    job = report_job(configured(tmp_path), Board())
    job.work(NOW, threading.Event())
    left = sorted(path.name for path in old.path.parent.iterdir())
    assert left == sorted([new.path.name, new.numbers.name, "notes.html", no_date.name])
    assert [one.path for one in reports.of("m")] == [new.path]
    assert reports.file("m", no_date.name) is None


def test_whether_a_span_has_panes(prepared: Path) -> None:
    archive = Archive(prepared / "state" / "archive")
    starts = [pane.start for pane in archive.panes("m")]
    first, last = min(starts), max(starts)
    assert archive.has("m", first, first + 1)
    assert archive.has("m", last, last + 1)
    assert not archive.has("m", first + 1, min(start for start in starts if start > first))
    assert not archive.has("m", last + 1, last + 86_400_000_000)
    assert not archive.has("other", first, last)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{at: every day}", r"jobs.report.at: .* is not five fields of cron"),
        ("{at: '99 5 * * *'}", r"jobs.report.at: .* is not a time of cron"),
        ("{span: 36h}", r"jobs.report.span: is not a number of whole days"),
        ("{memory: 100MiB}", r"jobs.report.memory: .*; write 512MiB or more"),
        ("{rows: 10}", r"jobs.report.rows: 10 is out of bounds"),
    ],
)
def test_what_the_config_refuses(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read(f"jobs: {{report: {text}}}\n" + HEAD + MODEL, Path("c.yml"), {})


def test_a_test_that_evidently_does_not_know_is_refused() -> None:
    text = HEAD + MODEL.replace("evidently:mannw", "evidently:mann")
    with pytest.raises(ConfigError, match=r"'evidently:mann' is no test of Evidently's; .* mannw"):
        read(text, Path("c.yml"), {})
    alarms = read(HEAD + MODEL, Path("c.yml"), {}).models[0].alarms
    assert alarms.live_methods == ("psi",)
    assert alarms.report_methods == ("mannw", "fisher_exact", "chisquare")


def test_names_for_the_page_are_harmless_and_told_apart() -> None:
    assert shown("</script>\ud800") == "‹/script›?"
    columns = [Column("1", name, "number") for name in ("a<", "a‹", "b\x1b[31m", "a<")]
    assert labels(columns) == ["a‹", "a‹ (2)", "b�[31m", "a‹ (3)"]


def call(folder: Path, *arguments: str, code: int = 0) -> str:
    config = ("--config", str(folder / "inferwatch.yml"))
    done = CliRunner().invoke(main, ["report", *arguments, *config])
    assert done.exit_code == code, done.output
    return done.output


DAY = ("--from", "2026-01-12", "--to", "2026-01-13")


def test_the_command_prints_the_numbers_and_where_they_are(prepared: Path, ran: Ran) -> None:
    configured(prepared)
    out = prepared / "mine.html"
    text = call(prepared, "m", *DAY, "--out", str(out))
    for part in (
        "m, 2026-01-12 00:00 to 2026-01-13 00:00 UTC, reference r",
        "1 of 2 columns drifted (50%)",
        "an AUC of 0.750",
        "10 of 20 rows of the span (2 panes)",
        "a       psi           0.25                  0.1        yes",
        "a       z             two categories alone",
        "id      not compared  ignored",
        "apart most (AUC lost without it): a 0.200",
        f"page: {out}",
        f"numbers: {prepared / 'mine.json'}",
    ):
        assert part in text
    assert ran.asked[0].out == str(made_at(out))
    assert "state/reports/m/20260112T000000Z-20260113T000000Z.html" in call(prepared, "m", *DAY)


def test_the_command_refuses_in_a_sentence(prepared: Path, monkeypatch: Any) -> None:
    configured(prepared)
    monkeypatch.setattr("monitor.jobs.report.running.run", Ran(fails=True))
    assert "inferwatch report: too slow" in call(prepared, "m", *DAY, code=1)
    assert "write --out page.html" in call(prepared, "m", *DAY, "--out", "page.pdf", code=2)
    assert "no model of the config has this name" in call(prepared, "n", *DAY, code=2)
    back = ("--from", "2026-01-13", "--to", "2026-01-12")
    assert "does not lie before" in call(prepared, "m", *back, code=2)


def test_the_command_needs_a_reference(tmp_path: Path) -> None:
    (tmp_path / "inferwatch.yml").write_text(JOB + HEAD + MODEL)
    assert "has no reference yet" in call(tmp_path, "m", *DAY, code=2)
