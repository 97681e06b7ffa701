"""The job that marks changes of verdicts in Grafana: each once, whatever happens on the way."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from monitor.archive import Archive, Event
from monitor.board import Board
from monitor.config import Config, ConfigError, read
from monitor.grafana.api import GrafanaError
from monitor.grafana.changes import read_day
from monitor.jobs.annotations import AT, BACK, FILE, make_annotations
from monitor.jobs.jobs import Job, Stopped
from monitor.jobs.making import make_jobs
from tests.support.grafana import TOKEN, Grafana, grafana
from tests.support.kafka import free_port

HOUR = 3_600_000_000
BEGAN = 1_767_600_000_000_000
"""2026-01-05 08:00 UTC, us."""


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@dataclass
class Life:
    """A state folder whose archive gets verdicts, and the job that looks at it."""

    folder: Path
    url: str
    now: float = BEGAN / 1e6 + 10 * 3600
    sequence: int = 0
    stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def config(self) -> Config:
        (self.folder / "grafana.token").write_text(TOKEN)
        text = f"""\
source: {{files: {{paths: [log.jsonl]}}}}
models: [{{name: delay}}]
grafana: {{url: "{self.url}", token_file: grafana.token, annotations: true}}
"""
        return read(text, self.folder / "inferwatch.yml", {})

    @property
    def job(self) -> Job:
        made = make_annotations(self.config, waits=(0.0, 0.0))
        assert made is not None
        return made

    def judged(
        self,
        hour: int,
        verdicts: Mapping[str, str],
        model: str = "delay",
        *,
        causes: list[dict[str, Any]] | None = None,
        published: float | None = None,
    ) -> None:
        """A window of an hour that was judged now."""
        end = BEGAN + hour * HOUR
        known = round((self.now if published is None else published) * 1e6)
        events = [Event(end, known, "verdict", model, "1h", {"verdicts": dict(verdicts)})]
        if causes is not None:
            detail = {"causes": causes, "as_rare_as": "once in 400 days"}
            events.append(Event(end, known, "alarm", model, "1h", detail))
        self.sequence += 1
        archive = Archive(self.folder / "state" / "archive")
        archive.store(self.sequence, [], events)
        day = max((self.folder / "state" / "archive" / "events").iterdir())
        os.utime(day, (self.now, self.now))

    def run(self) -> None:
        self.job.work(self.now, self.stopping)
        self.now += 60


def texts(there: Grafana) -> list[str]:
    return [one["text"] for one in there.annotations]


def test_each_change_of_a_verdict_is_posted_once(tmp_path: Path) -> None:
    with grafana() as there:
        life = Life(tmp_path, there.url)
        for hour, verdict in enumerate(["ok", "ok", "alarm", "alarm", "ok"], 1):
            life.judged(hour, {"input": verdict})
            life.run()
            life.run()
    assert texts(there) == [
        "delay, windows of 1h: input ok to alarm",
        "delay, windows of 1h: input alarm to ok",
    ]
    first = there.annotations[0]
    assert first["time"] == first["timeEnd"] == (BEGAN + 3 * HOUR) // 1000
    assert first["tags"] == ["inferwatch", "verdict", "delay", "1h", "alarm"]
    assert there.annotations[1]["tags"][-1] == "ok"


def test_what_was_missed_is_posted_in_one_run_in_order_of_time(tmp_path: Path) -> None:
    with grafana() as there:
        life = Life(tmp_path, there.url)
        for hour, verdict in enumerate(["ok", "alarm", "ok", "alarm"], 1):
            life.judged(hour, {"input": verdict})
        life.run()
    times = [one["time"] for one in there.annotations]
    assert len(times) == 3
    assert times == sorted(times)


def test_an_alarm_says_its_causes_and_subjects_of_one_window_come_together(tmp_path: Path) -> None:
    causes = [
        {"subject": "input", "feature": "sky", "words": "missing 2.0% to 54.0%", "kind": "missing"},
        {"subject": "output", "feature": "", "words": "nulls 1.0% to 40.0%", "kind": "missing"},
    ]
    with grafana() as there:
        life = Life(tmp_path, there.url)
        life.judged(1, {"input": "ok", "output": "ok", "software": "ok"})
        life.judged(2, {"input": "alarm", "output": "alarm", "software": "ok"}, causes=causes)
        life.run()
    assert texts(there) == [
        "delay, windows of 1h: input ok to alarm, output ok to alarm\n"
        "input sky: missing 2.0% to 54.0%\noutput: nulls 1.0% to 40.0%\n"
        "as rare as once in 400 days"
    ]


def test_a_first_verdict_is_a_change_where_it_is_an_alarm(tmp_path: Path) -> None:
    with grafana() as there:
        life = Life(tmp_path, there.url)
        life.judged(1, {"input": "alarm", "output": "ok"})
        life.run()
    assert texts(there) == ["delay, windows of 1h: input alarm"]


def test_a_subject_that_was_not_judged_meanwhile_keeps_its_verdict(tmp_path: Path) -> None:
    with grafana() as there:
        life = Life(tmp_path, there.url)
        life.judged(1, {"input": "ok", "output": "alarm"})
        life.judged(2, {"input": "ok"})
        life.judged(3, {"input": "ok", "output": "alarm"})
        life.run()
    assert texts(there) == ["delay, windows of 1h: output alarm"]


def test_models_are_told_apart(tmp_path: Path) -> None:
    with grafana() as there:
        life = Life(tmp_path, there.url)
        life.judged(1, {"input": "ok"})
        life.judged(1, {"input": "alarm"}, "churn & co")
        life.judged(2, {"input": "alarm"})
        life.run()
        life.run()
    assert sorted(one["tags"][2] for one in there.annotations) == ["churn & co", "delay"]


def test_a_model_may_be_called_as_a_tag_is(tmp_path: Path) -> None:
    with grafana() as there:
        life = Life(tmp_path, there.url)
        for model in ("other", "alarm", "verdict", "inferwatch", "1h"):
            life.judged(1, {"input": "alarm"}, model)
        life.run()
        life.run()
    assert len(there.annotations) == 5


def test_it_is_not_well_as_long_as_another_subject_is_in_alarm(tmp_path: Path) -> None:
    with grafana() as there:
        life = Life(tmp_path, there.url)
        life.judged(1, {"input": "alarm", "output": "alarm"})
        life.judged(2, {"input": "alarm", "output": "ok"})
        life.judged(3, {"input": "ok", "output": "ok"})
        life.run()
    assert [one["tags"][-1] for one in there.annotations] == ["alarm", "alarm", "ok"]


def test_what_users_send_is_escaped_and_bounded(tmp_path: Path) -> None:
    causes = [{"subject": "input", "feature": "<img src=x>", "words": "w" * 5000, "kind": "shape"}]
    with grafana() as there:
        life = Life(tmp_path, there.url)
        life.judged(1, {"input": "alarm"}, "a <b>&", causes=causes)
        life.run()
    (text,) = texts(there)
    assert "<" not in text
    assert "a &lt;b&gt;&amp;, windows" in text
    assert len(text) < 2100


@pytest.mark.parametrize("fault", [(500, {"message": "no"}), (429, {"message": "slow"}), "lost"])
def test_what_fails_for_a_moment_is_tried_again(tmp_path: Path, fault: Any) -> None:
    with grafana(faults=[None, fault]) as there:
        life = Life(tmp_path, there.url)
        life.judged(1, {"input": "alarm"})
        life.run()
        assert len(there.annotations) == 1  # also where it was there, and the answer was lost
        life.run()
    assert len(there.annotations) == 1


def test_a_grafana_that_is_away_is_waited_for_by_the_next_runs(tmp_path: Path) -> None:
    life = Life(tmp_path, f"http://127.0.0.1:{free_port()}")
    life.judged(1, {"input": "ok"})
    life.judged(2, {"input": "alarm"})
    with pytest.raises(GrafanaError, match="nothing answers there"):
        life.run()
    life.now += 3 * 86_400
    with grafana() as there:
        life.url = there.url
        life.judged(80, {"input": "ok"})
        life.run()
    assert [one["tags"][-1] for one in there.annotations] == ["alarm", "ok"]


def test_a_daemon_that_died_between_posting_and_noting_it_down_posts_nothing_twice(
    tmp_path: Path,
) -> None:
    with grafana() as there:
        life = Life(tmp_path, there.url)
        life.judged(1, {"input": "alarm"})
        life.run()
        (tmp_path / "state" / FILE).unlink()
        life.run()
        assert len(there.annotations) == 1
        (tmp_path / "state" / FILE).write_text("{damaged")
        life.run()
    assert len(there.annotations) == 1


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ((401, {"message": "Invalid API key"}), "the token is not valid"),
        ((403, {"message": "Access denied"}), "the token may not do this"),
        ((404, {"message": "Not found"}), "is this the address of Grafana"),
    ],
)
def test_what_will_not_mend_itself_fails_at_once_and_is_tried_by_the_next_run(
    tmp_path: Path, fault: Any, said: str
) -> None:
    with grafana(faults=[fault]) as there:
        life = Life(tmp_path, there.url)
        life.judged(1, {"input": "alarm"})
        with pytest.raises(GrafanaError, match=said) as raised:
            life.run()
        assert len(there.asked) == 1
        assert TOKEN not in str(raised.value)
        life.run()
    assert len(there.annotations) == 1


def test_one_that_grafana_refuses_keeps_no_other_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with grafana(faults=[None, (400, {"message": "bad"})]) as there:
        life = Life(tmp_path, there.url)
        life.judged(1, {"input": "alarm"})
        life.judged(2, {"input": "ok"})
        life.run()
    assert [one["tags"][-1] for one in there.annotations] == ["ok"]
    assert "annotation is refused" in caplog.text


def test_a_damaged_day_is_left_out_and_said(tmp_path: Path) -> None:
    with grafana() as there:
        life = Life(tmp_path, there.url)
        life.judged(1, {"input": "alarm"})
        broken = tmp_path / "state" / "archive" / "events" / "date=2026-01-04"
        broken.mkdir()
        (broken / f"{99:016d}.parquet").write_bytes(b"no parquet")
        with pytest.raises(OSError, match="date=2026-01-04"):
            life.run()
        assert len(there.annotations) == 1
        os.utime(broken, (0, 0))
        life.run()


def test_a_day_that_cannot_be_read_for_a_while_loses_no_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(day: Path) -> list[Event]:
        raise OSError(errno.EMFILE, "Too many open files", str(day))

    with grafana() as there:
        life = Life(tmp_path, there.url)
        life.judged(1, {"input": "alarm"})
        with monkeypatch.context() as patched:
            patched.setattr("monitor.jobs.annotations.read_day", busy)
            with pytest.raises(OSError, match="Too many open files"):
                life.run()
        life.now += 3_600
        life.run()
    assert texts(there) == ["delay, windows of 1h: input alarm"]


def test_days_that_nothing_was_written_into_are_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    days: list[str] = []

    def read_and_told(day: Path) -> list[Event]:
        days.append(day.name)
        return read_day(day)

    monkeypatch.setattr("monitor.jobs.annotations.read_day", read_and_told)
    with grafana() as there:
        life = Life(tmp_path, there.url)
        life.judged(1, {"input": "ok"})
        life.run()
        life.now += 3600
        life.run()
        life.run()
        assert days == ["date=2026-01-05"] * 2  # once more, for an hour had not passed at the first
        life.now += 86_400
        life.judged(30, {"input": "alarm"})
        life.run()
        assert days[2:] == ["date=2026-01-06"]
        life.now -= 7200  # the clock is set back
        life.run()
        assert len(days) == 5
    assert len(there.annotations) == 1


def test_the_first_run_goes_back_a_week_and_no_further(tmp_path: Path) -> None:
    with grafana() as there:
        life = Life(tmp_path, there.url)
        life.judged(1, {"input": "alarm"}, published=life.now - BACK - 60)
        life.judged(2, {"input": "ok"}, published=life.now - BACK + 60)
        life.run()
    assert texts(there) == ["delay, windows of 1h: input alarm to ok"]


def test_a_daemon_that_wants_to_stop_is_not_kept(tmp_path: Path) -> None:
    with grafana(faults=[(500, {"message": "no"})]) as there:
        life = Life(tmp_path, there.url)
        life.judged(1, {"input": "alarm"})
        life.stopping.set()
        with pytest.raises(Stopped):
            life.run()
        assert there.asked == []


def test_a_state_without_an_archive_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    with grafana() as there:
        Life(tmp_path, there.url).run()
    assert there.asked == []


def test_it_is_off_unless_the_config_says_so(tmp_path: Path) -> None:
    base = "source: {files: {paths: [log.jsonl]}}\nmodels: [{name: delay}]\n"
    grafana_is_there = "grafana: {url: 'http://127.0.0.1:3000/', token_file: grafana.token"
    for text in (base, f"{base}{grafana_is_there}}}\n"):
        config = read(text, tmp_path / "inferwatch.yml", {})
        assert make_annotations(config) is None
    config = read(f"{base}{grafana_is_there}, annotations: true}}\n", tmp_path / "i.yml", {})
    assert config.grafana is not None
    assert config.grafana.url == "http://127.0.0.1:3000"
    assert [(job.name, job.at) for job in make_jobs(config, Board()) if job.at == AT] == [
        ("annotations", AT)
    ]


@pytest.mark.parametrize("url", ["3000", '"http://admin:hunter2@grafana"', '"http://g/?orgId=1"'])
def test_a_url_that_is_none_is_an_error_of_the_config(tmp_path: Path, url: str) -> None:
    text = "source: {files: {paths: [log.jsonl]}}\nmodels: [{name: delay}]\n"
    text += f"grafana: {{url: {url}, token_file: grafana.token}}\n"
    with pytest.raises(ConfigError, match=r"inferwatch\.yml:3: grafana\.url") as raised:
        read(text, tmp_path / "inferwatch.yml", {})
    assert "hunter2" not in str(raised.value)
