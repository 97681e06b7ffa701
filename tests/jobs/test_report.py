"""Reports by the real Evidently: what is in them, and what becomes of those that fail."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
import pytest
from scipy import stats

from monitor.board import Board
from monitor.jobs.jobs import Jobs, Stopped
from monitor.jobs.report.files import Reports, Stored
from monitor.jobs.report.methods import METHODS
from monitor.jobs.report.running import NotMade, reference_of, run, task_for
from monitor.jobs.report.task import Numbers
from tests.jobs.reported import ATTACK, LIVE, SECRET, configured, prepare, report_job
from tests.support.boards import values

NOW = 1_770_000_000.0
NAME = "20260112T000000Z-20260113T000000Z"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepare(tmp_path_factory.mktemp("reported"))


@pytest.fixture(scope="module")
def board(folder: Path) -> Iterator[Board]:
    """What is exported once the job has run; it runs once for all of these tests."""
    board = Board()
    jobs = Jobs(board, lambda: NOW)
    job = report_job(configured(folder), board)
    jobs.run(job)
    yield board
    jobs.stop()


@pytest.fixture(scope="module")
def numbers(folder: Path, board: Board) -> Numbers:
    path = folder / "state" / "reports" / "m" / f"{NAME}.json"
    return msgspec.json.decode(path.read_bytes(), type=Numbers)


@pytest.fixture(scope="module")
def page(folder: Path, board: Board) -> str:
    return (folder / "state" / "reports" / "m" / f"{NAME}.html").read_text()


@pytest.fixture(scope="module")
def alone(folder: Path) -> dict[str, Any]:
    """What Evidently says of the same rows, asked without us."""
    script = Path(__file__).with_name("evidently_alone.py")
    done = subprocess.run(
        [sys.executable, str(script), "live.csv", "reference.csv"],
        cwd=folder,
        env=os.environ | {"DO_NOT_TRACK": "1"},
        capture_output=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def stored_of(folder: Path) -> Stored:
    start = LIVE.value // 1000
    return Reports(folder / "state").place("m", start, start + 86_400_000_000)


def asked(folder: Path, **changes: Any) -> tuple[Any, Stored]:
    """A task like the job's, for another place, and changed."""
    config = configured(folder)
    model, state = config.models[0], config.state.dir
    reference = reference_of(model, state)
    assert reference is not None
    stored = stored_of(folder)
    stored = stored._replace(path=folder / "aside" / stored.path.name)
    task = task_for(model, state, reference, stored, config.jobs.report)
    return msgspec.structs.replace(task, **changes), stored


def test_it_is_made_of_every_row_of_both_sides(numbers: Numbers) -> None:
    assert (numbers.now.rows, numbers.now.total) == (600, 600)
    assert (numbers.before.rows, numbers.before.total) == (1_750, 1_750)
    assert (numbers.start, numbers.end) == ("2026-01-12T00:00:00Z", "2026-01-13T00:00:00Z")


def test_its_drift_is_what_evidently_finds_by_itself(
    numbers: Numbers, alone: dict[str, Any]
) -> None:
    found = {one.column: one for one in numbers.columns}
    assert found.keys() == alone["columns"].keys()
    for name, (method, value) in alone["columns"].items():
        assert found[name].method == method
        if name != "d":  # its test shuffles the rows, and they come in another order
            assert found[name].value == pytest.approx(value, rel=1e-9)
    assert (
        numbers.drifted
        == alone["drifted"]["count"]
        == sum(one.drifted or 0 for one in found.values())
    )
    assert numbers.share == pytest.approx(alone["drifted"]["share"])
    assert found["a"].drifted
    assert not found["b"].drifted


def test_all_its_tests_are_known_by_name_and_kind(alone: dict[str, Any]) -> None:
    short = {"number": "num", "category": "cat", "text": "text"}
    known = {name: sorted(short[kind] for kind in kinds) for name, kinds in METHODS.items()}
    assert known == alone["kinds"]


def test_the_tests_that_are_asked_for_give_their_own_numbers(
    numbers: Numbers, folder: Path, board: Board
) -> None:
    now, before = (pd.read_csv(folder / name) for name in ("live.csv", "reference.csv"))
    found = {(one.column, one.method): one for one in numbers.asked}
    for name, column in (("a", "a"), ("b", "b"), ("prediction", "y")):
        x, y = (side[column].dropna().to_numpy(float) for side in (before, now))
        expected = stats.mannwhitneyu(x, y, alternative="less").pvalue
        assert found[name, "mannw"].value == pytest.approx(expected, rel=1e-6, abs=1e-300)
    assert found["a", "mannw"].drifted
    table = [side["c"].value_counts().sort_index().to_numpy() for side in (now, before)]
    expected = stats.chisquare(table[0], table[1] * table[0].sum() / table[1].sum()).pvalue
    assert found["c", "chisquare"].value == pytest.approx(expected, rel=1e-6)
    # A test of two categories, and there are three: no value, and the page says why.
    assert found["c", "fisher_exact"].value is None
    assert found["c", "fisher_exact"].why
    shown = values(board, "report.value")
    assert shown["m", "a", "evidently:mannw"] == found["a", "mannw"].value
    assert ("m", "c", "evidently:fisher_exact") not in shown


def test_what_cannot_be_compared_is_said(numbers: Numbers) -> None:
    assert numbers.left_out == {
        "f": "no value now",
        "id": "ignored by alarms.ignore",
        "g": "empty vocabulary; perhaps the documents only contain stop words",
    }
    assert any("classification or regression" in note for note in numbers.notes)


def test_the_classifier_names_what_moved(numbers: Numbers, board: Board) -> None:
    domain = numbers.domain
    assert domain is not None
    # What is always missing now has not drifted to Evidently, and tells everything here.
    assert domain.auc == 1
    assert domain.columns[0][0] == "f"
    assert "id" not in dict(domain.columns)
    assert domain.spread is not None
    assert (domain.spread.of, domain.spread.parts, domain.spread.as_far) == ("spans", 7, 0)
    assert values(board, "report.domain_auc") == {("m",): domain.auc}
    assert values(board, "report.domain_as_far") == {("m",): 0.0}


def test_the_page_has_both_a_head_and_evidentlys_own(page: str, numbers: Numbers) -> None:
    assert "2026-01-12 00:00 to 2026-01-13 00:00 UTC: 600 rows against 1,750</title>" in page
    assert "Dataset Drift" in page
    assert "rarer than once in 8 days." in page
    assert page.index("A domain classifier") < page.index("window.drawDashboard")


def test_nothing_from_the_log_becomes_a_script(page: str) -> None:
    assert "taken over" in page
    assert ATTACK not in page
    assert "<script>document" not in page
    assert '<meta http-equiv="Content-Security-Policy"' in page


def test_what_is_private_is_nowhere(page: str, numbers: Numbers) -> None:
    assert SECRET not in page
    assert SECRET not in msgspec.json.encode(numbers).decode()


def test_the_job_succeeded_and_makes_no_report_twice(
    folder: Path, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert values(board, "job.failures") == {}
    assert values(board, "job.last_success") == {("report",): NOW}
    assert values(board, "report.drifted")
    monkeypatch.setattr("monitor.jobs.report.making.run", None)
    job = report_job(configured(folder), board)
    job.work(NOW, threading.Event())
    names = [path.name for path in (folder / "state" / "reports" / "m").iterdir()]
    assert sorted(names) == [f"{NAME}.html", f"{NAME}.json"]


def test_a_restart_shows_the_newest_numbers_again(folder: Path, board: Board) -> None:
    again = Board()
    report_job(configured(folder), again)
    for statistic in ("report.end", "report.rows", "report.drifted", "report.value"):
        assert values(again, statistic) == values(board, statistic)
        assert values(again, statistic)


def test_one_that_takes_too_long_is_ended(folder: Path) -> None:
    task, stored = asked(folder, seconds=0.2)
    stored.path.parent.mkdir(exist_ok=True)
    stored.path.write_text("that of yesterday")
    with pytest.raises(NotMade, match=r"not made within 0.2 s \(jobs.report.timeout\)"):
        run(task, stored, threading.Event())
    assert [path.name for path in stored.path.parent.iterdir()] == [stored.path.name]
    assert stored.path.read_text() == "that of yesterday"
    stored.path.unlink()


def test_one_that_needs_too_much_memory_fails(folder: Path) -> None:
    task, stored = asked(folder, memory=60 * 2**20, seconds=60.0)
    with pytest.raises(NotMade, match=r"memory"):
        run(task, stored, threading.Event())
    assert list(stored.path.parent.iterdir()) == []


def test_one_under_way_ends_with_the_daemon(folder: Path) -> None:
    task, stored = asked(folder)
    stopping = threading.Event()
    stopping.set()
    with pytest.raises(Stopped):
        run(task, stored, stopping)
    assert list(stored.path.parent.iterdir()) == []


def test_a_span_without_rows_is_a_sentence(folder: Path) -> None:
    task, stored = asked(folder, start=0, end=86_400_000_000)
    with pytest.raises(NotMade, match="there is no row in the samples that the archive has from"):
        run(task, stored, threading.Event())


def test_its_process_may_neither_call_out_nor_begin_another(folder: Path) -> None:
    """Also when Evidently's telemetry is told nothing."""
    program = """
import os, resource, signal, socket, subprocess
from monitor.jobs.report.child import confine
confine(2**30, 60.0)
for what in (
    lambda: socket.create_connection(("127.0.0.1", 9)),
    lambda: socket.getaddrinfo("localhost", 80),
    lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 9)),
    lambda: subprocess.run(["true"]),
    lambda: os.system("true"),
    lambda: os.fork(),
):
    try:
        what()
    except PermissionError as error:
        print(error)
print(os.nice(0) >= 10, resource.getrlimit(resource.RLIMIT_DATA)[0] == 2**30)
print(0 < signal.getitimer(signal.ITIMER_REAL)[0] <= 61)
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=True
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 8
    assert all(line.startswith("a report may not do this: ") for line in lines[:6])
    assert lines[6:] == ["True True", "True"]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere its timer ends it")
def test_its_process_ends_with_whoever_began_it() -> None:
    """The pipe ends only when nobody has it open any more: the process has."""
    child = """
import signal
from monitor.jobs.report.child import confine
confine(2**30, 60.0)
print("there", flush=True)
signal.pause()
"""
    daemon = f"""
import signal, subprocess, sys
subprocess.Popen([sys.executable, "-W", "ignore", "-c", {child!r}])
signal.pause()
"""
    with subprocess.Popen([sys.executable, "-c", daemon], stdout=subprocess.PIPE) as begun:
        assert begun.stdout is not None
        assert begun.stdout.readline() == b"there\n"
        begun.kill()
        there, _, _ = select.select([begun.stdout], [], [], 20.0)
        assert there, "it lives on"
        assert begun.stdout.read() == b""


def test_the_daemon_itself_imports_none_of_it() -> None:
    heavy = "{'evidently', 'pandas', 'sklearn', 'matplotlib'}"
    program = f"import monitor.app, sys; print({heavy} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"
