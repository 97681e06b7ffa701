"""`inferwatch alert test`, against a real Alertmanager and against what is none."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from monitor.alerting import alertmanager as asking
from monitor.alerting.alertmanager import Alertmanager, NoAlertmanager
from monitor.alerting.trial import Clock, Trial, Wanted
from tests.alerting.conftest import Way
from tests.support.kafka import free_port
from tests.support.program import eventually
from tests.support.prometheus import Prometheus

COMMAND = str(Path(sys.executable).with_name("inferwatch"))


def call(*arguments: str, cwd: Path | None = None) -> tuple[int, str]:
    command = [COMMAND, "alert", "test", *arguments]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


def at(way: Way, *arguments: str) -> tuple[int, str]:
    return call("--alertmanager", way.alertmanager.url, "--timeout", "20", *arguments)


class Hurried:
    """A clock whose hours pass as soon as one waits."""

    def __init__(self) -> None:
        self.passed = 0.0

    def clock(self) -> Clock:
        return Clock(self.wall, lambda: self.passed, self.wait)

    def wall(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.passed)

    def wait(self, seconds: float) -> None:
        self.passed += seconds


def trial(way: Way, timeout: float = 60.0) -> tuple[bool, str]:
    one = Trial(Alertmanager(way.alertmanager.url), Wanted("page", "m", timeout), Hurried().clock())
    said = "\n".join(one.run())
    return one.well, said


class TestItArrives:
    def test_slack_and_mail_have_it_and_the_counters_say_so(self, way: Way) -> None:
        code, said = at(way)
        assert code == 0, said
        assert "slack: delivered (1 message)" in said
        assert "email: delivered (1 message)" in said
        assert "receiver 'pages'" in said
        assert way.slack.messages[0]["title"].startswith("[TEST] [PAGE] This is a test")
        assert way.smtp.mails[0].subject.startswith("[TEST] [PAGE] This is a test")
        assert "TEST" in way.smtp.mails[0].html

    def test_it_is_resolved_at_the_end(self, way: Way) -> None:
        at(way)
        assert way.messages(2)[1]["title"].startswith("[TEST] [RESOLVED]")
        assert way.alertmanager.firing() == []

    def test_severity_and_model_take_it_where_the_real_ones_go(self, way: Way) -> None:
        assert at(way, "--severity", "ticket")[0] == 0
        assert at(way, "--model", "arrival-delay")[0] == 0
        to = [mail.to[0] for mail in way.smtp.mails if "RESOLVED" not in mail.subject]
        assert to == ["data-science@example.com", "flights-on-call@example.com"]

    def test_a_second_one_waits_for_no_group_of_the_first(
        self, make_way: Callable[..., Way]
    ) -> None:
        way = make_way({"group_wait": "100ms", "group_interval": "1h"})
        assert at(way)[0] == 0
        assert at(way)[0] == 0

    def test_the_config_says_where_alertmanager_is(self, way: Way, tmp_path: Path) -> None:
        (tmp_path / "inferwatch.yml").write_text(
            "source: {kafka: {bootstrap_servers: ['127.0.0.1:1'], topics: [t]}}\n"
            "models: [{name: m}]\n"
            f"alertmanager: {{url: '{way.alertmanager.url}'}}\n"
        )
        code, said = call(cwd=tmp_path)
        assert code == 0, said

    def test_a_nasty_model_name_goes_through(self, way: Way) -> None:
        code, said = at(way, "--model", 'a "b"\n<!channel> {{ x }} \\')
        assert code == 0, said
        assert "&lt;!channel&gt; {{ x }}" in way.slack.messages[0]["title"]


class TestItDoesNot:
    def test_a_wrong_webhook_is_refused_and_named(self, way: Way, tmp_path: Path) -> None:
        (tmp_path / "slack_url").write_text(way.slack.url + "-of-another-team")
        code, said = at(way)
        assert code == 1
        assert "slack: refused (1 message" in said
        assert "email: delivered" in said
        assert "not everyone who should be told was told" in said

    def test_a_wrong_password_is_refused_and_named(self, way: Way, tmp_path: Path) -> None:
        (tmp_path / "smtp_password").write_text("guessed")
        code, said = call("--alertmanager", way.alertmanager.url, "--timeout", "3")
        assert code == 1
        assert "email: refused" in said
        assert "slack: delivered" in said

    def test_a_webhook_that_fails_is_refused_so_far(self, make_way: Callable[..., Way]) -> None:
        way = make_way({"group_wait": "100ms", "group_interval": "1m"})
        way.slack.answers = [500] * 1000
        code, said = call("--alertmanager", way.alertmanager.url, "--timeout", "3")
        assert code == 1
        assert "slack: refused so far (1 message" in said
        assert "tried again by Alertmanager" in said

    def test_a_slow_mail_server_has_not_answered_yet(self, make_way: Callable[..., Way]) -> None:
        way = make_way({"group_wait": "100ms", "group_interval": "1m"}, delay=5.0)
        code, said = call("--alertmanager", way.alertmanager.url, "--timeout", "2")
        assert code == 1
        assert "email: no answer within 2 s" in said

    def test_a_group_that_waits_longer_is_not_tried(self, make_way: Callable[..., Way]) -> None:
        well, said = trial(make_way({"group_wait": "1h"}))
        assert not well
        assert "slack: not tried within 60 s; is the route's group_wait longer?" in said
        assert "Resolved" in said

    def test_a_silence_is_said(self, way: Way) -> None:
        now = datetime.now(UTC)
        silence = {
            "matchers": [{"name": "test", "value": "true", "isRegex": False, "isEqual": True}],
            "startsAt": now.isoformat(),
            "endsAt": (now + timedelta(hours=1)).isoformat(),
            "createdBy": "someone",
            "comment": "quiet",
        }
        url = f"{way.alertmanager.url}/api/v2/silences"
        assert httpx.post(url, json=silence).status_code == 200
        well, said = trial(way)
        assert not well
        assert "holds it back, by a silence: nobody is told" in said

    def test_an_inhibition_is_said(self, way: Way) -> None:
        way.fire(alertname="InferwatchSource", severity="page", model="m", subject="x")
        way.messages(1)
        labels = {"subject": "x", "severity": "ticket"}
        one = Trial(
            Alertmanager(way.alertmanager.url), Wanted("ticket", "m", 60), Hurried().clock()
        )
        one._labels |= labels
        assert "holds it back, by an alert that inhibits it" in "\n".join(one.run())
        assert not one.well


class TestThereIsNone:
    def test_nothing_listens(self) -> None:
        code, said = call("--alertmanager", f"http://127.0.0.1:{free_port()}")
        assert code == 1
        assert "nothing answers at http://127.0.0.1:" in said
        assert "is Alertmanager running" in said

    def test_a_prometheus_is_none(self, tmp_path: Path) -> None:
        with Prometheus(tmp_path, "{}") as prometheus:
            code, said = call("--alertmanager", prometheus.url)
        assert code == 1
        assert f"{prometheus.url} knows no /api/v2/status (404); is it Alertmanager" in said

    def test_a_webhook_is_none(self, way: Way) -> None:
        code, said = call("--alertmanager", way.slack.url)
        assert code == 1
        assert "is not Alertmanager's (501)" in said

    def test_a_mail_server_is_none(self, way: Way) -> None:
        code, said = call("--alertmanager", f"http://{way.smtp.address}")
        assert code == 1
        assert "is no HTTP server" in said

    def test_a_wrong_path_is_said(self, way: Way) -> None:
        code, said = call("--alertmanager", f"{way.alertmanager.url}/elsewhere")
        assert code == 1
        assert "is its path prefix in the URL?" in said

    def test_tls_where_there_is_none_is_said(self, way: Way) -> None:
        code, said = call("--alertmanager", way.alertmanager.url.replace("http:", "https:"))
        assert code == 1
        assert "no TLS connection" in said

    def test_one_that_never_answers_is_given_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(asking, "TIMEOUT", 0.2)
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            sock.listen()
            silent = Alertmanager(f"http://127.0.0.1:{sock.getsockname()[1]}")
            with pytest.raises(NoAlertmanager, match=r"did not answer within 0\.2 s"):
                silent.receivers()

    def test_one_that_dies_meanwhile_is_said(self, make_way: Callable[..., Way]) -> None:
        way = make_way({"group_wait": "1h"})
        command = [COMMAND, "alert", "test", "--alertmanager", way.alertmanager.url]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            eventually(way.alertmanager.firing)
            way.alertmanager.kill()
            assert process.wait(30) == 1
            assert process.stderr is not None
            assert "nothing answers at" in process.stderr.read()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--alertmanager", "ftp://here"], "is not a URL of http or https"),
        (["--alertmanager", "http://here:port"], "is not a URL"),
        (["--alertmanager", "http://a:b@here"], "has a login inside"),
        (["--alertmanager", "http://here/?x=1"], "more than an address and a path"),
        (["--alertmanager", "http://here", "--model", " "], "--model is empty"),
        (["--severity", "loud"], "not one of"),
        ([], "inferwatch.yml: no such file; name the config by --config, or"),
    ],
)
def test_wrong_usage_is_said_before_anything_is_sent(
    tmp_path: Path, arguments: list[str], said: str
) -> None:
    code, answer = call(*arguments, cwd=tmp_path)
    assert code == 2
    assert said in answer
