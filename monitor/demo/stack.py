"""Prometheus and Alertmanager behind the demo: the shipped rules and messages, into an inbox."""

from __future__ import annotations

import copy
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import IO, Any

import yaml

from monitor.alerting import files as alerting
from monitor.board import Board
from monitor.demo.inbox.inbox import HOST, Inbox, free_port
from monitor.durations import parse_duration
from monitor.rules import files as rules
from monitor.rules.links import Links

PACKAGES = {
    ("prometheus",): "prometheus",
    ("prometheus-alertmanager", "alertmanager"): "prometheus-alertmanager",
}
"""The names that a program may have, and the package of Debian that brings it."""

READY = 30.0
"""Seconds that a program may take until it answers."""

GRACE = 10.0
"""Seconds that it may take to end."""

AHEAD = 500
"""Flights that are read at once: of half a day, or days in alarm would be passed over."""

HOLD = 20.0
"""Longest pause of the replay, in seconds, until people are told of what is new."""

HOLDING = 300.0
"""Seconds of all pauses: what comes after is told of where Prometheus sees it in passing."""

WAITS = {"group_wait": "1s", "group_interval": "1s", "repeat_interval": "1h"}

_PROMETHEUS = """\
global: {{scrape_interval: 2s, evaluation_interval: 1s}}
rule_files: ["rules/*.yml"]
alerting: {{alertmanagers: [{{static_configs: [{{targets: ["{alertmanager}"]}}]}}]}}
scrape_configs:
  - {{job_name: inferwatch, static_configs: [{{targets: ["{inferwatch}"]}}]}}
"""


class NoStack(OSError):
    """A program is missing, or did not start; the message says which, and what to do."""


def find(which: Callable[[str], str | None] = shutil.which) -> tuple[str, str]:
    """The paths of Prometheus and Alertmanager.

    Raises:
        NoStack: one of them is missing.
    """
    found = {names: next(filter(None, map(which, names)), None) for names in PACKAGES}
    missing = [names for names, path in found.items() if path is None]
    if missing:
        what = " and ".join(names[-1].capitalize() for names in missing)
        what += " is" if len(missing) == 1 else " are"
        packages = " ".join(PACKAGES[names] for names in missing)
        raise NoStack(
            f"{what} not on the PATH; on Debian or Ubuntu: apt-get install {packages}; "
            "elsewhere: https://prometheus.io/download/"
        )
    prometheus, alertmanager = (str(path) for path in found.values())
    return prometheus, alertmanager


class Stack:
    """Both programs and the inbox, from `start` on until the exit stack that it is given ends."""

    def __init__(self, owner: ExitStack, folder: Path) -> None:
        self._prometheus, self._alertmanager = find()
        self._owner = owner
        self._folder = folder / "alerts"
        self.inbox = owner.enter_context(Inbox())

    def start(self, url: str) -> None:
        """Start them, to watch the daemon at this address.

        Raises:
            NoStack: one did not start.
            OSError: a file cannot be written.
        """
        self._folder.mkdir()
        alertmanager, prometheus = (f"{HOST}:{free_port()}" for _ in range(2))
        self._write("alertmanager.yml", yaml.safe_dump(alertmanager_config(self.inbox)))
        rules.write(hurried_rules(url), self._folder / "rules")
        inferwatch = url.partition("://")[2]
        config = _PROMETHEUS.format(alertmanager=alertmanager, inferwatch=inferwatch)
        self._write("prometheus.yml", config)
        self._run(
            *(self._alertmanager, "--config.file=alertmanager.yml", "--cluster.listen-address="),
            *("--storage.path=alertmanager", f"--web.external-url=http://{alertmanager}/"),
            address=alertmanager,
        )
        self._run(
            *(self._prometheus, "--config.file=prometheus.yml", "--storage.tsdb.path=prometheus"),
            *("--rules.alert.resend-delay=1s", "--log.level=warn"),
            address=prometheus,
        )

    def _write(self, name: str, text: str) -> None:
        (self._folder / name).write_text(text)

    def _run(self, *command: str, address: str) -> None:
        name = Path(command[0]).name
        path = self._folder / f"{name}.log"
        log: IO[bytes] = self._owner.enter_context(path.open("wb"))
        process = subprocess.Popen(  # noqa: S603 - a program that is to be run, and our own options
            [*command, f"--web.listen-address={address}"],
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        self._owner.callback(_end, process)
        deadline = time.monotonic() + READY
        while not _answers(address):
            if process.poll() is not None or time.monotonic() > deadline:
                said = " ".join(path.read_text("utf-8", "replace")[-500:].split())
                raise NoStack(f"{name} did not start within {READY:g} s: {said}")
            time.sleep(0.1)


class Pauses:
    """Stops the replay where an alarm begins or ends, until people are told of it.

    The flights of an hour pass in a moment, and Prometheus looks once a second.
    """

    def __init__(self, board: Board, inbox: Inbox, stopped: Callable[[], bool]) -> None:
        self._board, self._inbox, self._stopped = board, inbox, stopped
        self._generation = -1
        self._before: frozenset[tuple[str, ...]] = frozenset()
        self._left = HOLDING

    def look(self) -> None:
        """After a turn of the daemon: wait if there is something to wait for."""
        if self._board.generation == self._generation:
            return
        self._generation, series = self._board.series()
        now = in_alarm((one.id, one.labels, one.value) for one in series)
        if now - self._before or (self._before and not now):
            self._hold()
        self._before = now

    def _hold(self) -> None:
        told, began = self._inbox.told, time.monotonic()
        until = began + min(HOLD, self._left)
        while time.monotonic() < until and not self._stopped():
            if self._inbox.wait_beyond(told, 0.2):
                break
        self._left -= time.monotonic() - began


def in_alarm(series: Iterable[tuple[str, tuple[str, ...], Any]]) -> frozenset[tuple[str, ...]]:
    """The labels of those verdicts that are an alarm now."""
    return frozenset(
        labels
        for name, labels, value in series
        if name == "verdict" and "alarm" in labels and value == 1
    )


def hurried_rules(page: str) -> dict[str, str]:
    """The shipped rules for this page; a minute of `for` is a second, and no board is linked.

    Those of the monitor itself keep their minutes: a machine that has much to do is no fault.
    """
    found = {}
    for name, text in rules.linked(Links(page=page.rstrip("/"))).items():
        content = copy.deepcopy(yaml.safe_load(text))
        groups = [one for one in content["groups"] if one["name"] != "inferwatch.monitor"]
        for rule in (rule for group in groups for rule in group["rules"]):
            if "alert" in rule:
                rule["for"] = f"{max(1, round(parse_duration(rule['for']) / 60))}s"
                rule["keep_firing_for"] = "1s"
                rule["annotations"] = {
                    key: value
                    for key, value in rule["annotations"].items()
                    if key != "dashboard_url"
                }
        found[name] = yaml.safe_dump(content, sort_keys=False)
    return found


def alertmanager_config(inbox: Inbox) -> dict[str, Any]:
    """The shipped configuration, but for where messages go, and for how long they wait."""
    config = alerting.configuration()
    secrets = ("slack_api_url_file", "smtp_auth_username", "smtp_auth_password_file")
    kept = {key: value for key, value in config["global"].items() if key not in secrets}
    config["global"] = kept | {
        "slack_api_url": inbox.slack_url,
        "smtp_smarthost": inbox.smtp,
        "smtp_require_tls": False,
    }
    config["templates"] = [str(alerting.templates() / "*.tmpl")]
    _hurry(config["route"])
    return copy.deepcopy(config)  # without YAML's anchors


def _hurry(route: dict[str, Any]) -> None:
    route |= WAITS
    for inner in route.get("routes", ()):
        _hurry(inner)


def _answers(address: str) -> bool:
    connection = HTTPConnection(address, timeout=1.0)
    try:
        connection.request("GET", "/-/ready")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
