"""The demo from beginning to end."""

from __future__ import annotations

import contextlib
import logging
import sys
import tempfile
import threading
import time
from datetime import timedelta
from pathlib import Path
from textwrap import fill

from collectors.events import MISSING
from collectors.inputs import InputsSummary
from collectors.outputs import OutputsSummary
from collectors.summaries.numbers import NumberSummary
from collectors.summaries.state import StateError
from monitor import logs
from monitor.app import App
from monitor.archive import Archive
from monitor.config import load
from monitor.demo.alarms import BUDGET, MONTH, WIDTH, alarm_days, days_in_alarm, table
from monitor.demo.broker import API_VERSION, EmbeddedBroker, create_topic
from monitor.demo.flights import CATEGORIES, FEATURES, TIME_ZONE
from monitor.demo.model import NAME
from monitor.demo.model_server import ModelServer
from monitor.demo.outside import read_days
from monitor.demo.peers import read
from monitor.demo.reference import LEAST_DAYS, build, sentence
from monitor.demo.report import Diary, Facts, tables
from monitor.demo.stack import AHEAD, Pauses, Stack
from monitor.judging import judging
from monitor.progress import Progress
from monitor.references.building import CannotBuild
from monitor.windows import Pane

STATE = "state"

SAVING = 60.0
"""Seconds that the archive gets to be written before its alarms are read."""


class DemoError(Exception):
    """The demo cannot go on; the message says why."""


def show(
    bootstrap_servers: str | None,
    listen: str,
    days: int,
    leave: bool,
    stop: threading.Event,
    alerts: bool = False,
) -> None:
    """Replay the flights through Kafka and the monitor, print what was seen, and stay up.

    With `alerts`, Prometheus and Alertmanager tell an inbox of what is wrong.

    Raises:
        DemoError: the broker or the scorer gave up.
        OSError: `listen` cannot be listened on, or Prometheus or Alertmanager is missing.
    """
    logs.set_up("logfmt", "warning")
    # The table at the end tells of the alarms; the bar until then is not to be torn apart.
    logging.getLogger(judging.__name__).setLevel(logging.ERROR)
    began = time.monotonic()
    _print("Fitting a model of arrival delay on the first four weeks of 2013 ...")
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="inferwatch-demo-")))
        told = Stack(stack, folder) if alerts else None
        topic = f"inferwatch-demo-{time.time_ns() // 1_000_000}"
        api_version = None
        if bootstrap_servers is None:
            bootstrap_servers, api_version = _embedded(stack, topic), API_VERSION
        else:
            create_topic(bootstrap_servers, topic)
        records = folder / "first-weeks.jsonl" if days >= LEAST_DAYS else None
        ahead = None if told is None else AHEAD
        server = ModelServer(bootstrap_servers, topic, days, records, ahead)
        stack.enter_context(server)
        while not server.wait_ready(0.2) and not stop.is_set():
            _check(server)
        if stop.is_set():
            return
        text = config(bootstrap_servers, api_version, topic, listen, folder, server.pid)
        diary = Diary()
        app = _app(folder, text, records, diary)
        stack.callback(app.stop)
        app.start()
        pauses = None
        if told is not None:
            told.start(app.exporter.url)
            _print(f"What people are told: {told.inbox.url}   The replay waits for it.")
            pauses = Pauses(app.board, told.inbox, stop.is_set)
        _replay(app, server, stop, pauses)
        if stop.is_set():
            return
        _print(f"\n{tables(diary)}\n")
        if records is not None:
            _print(f"{_alarms(app, folder / STATE, days)}\n")
        _print(f"Read, scored and counted in {time.monotonic() - began:.0f} s.")
        if told is not None:
            slack, mails = told.inbox.told
            _print(f"Told: {slack} messages in Slack, {mails} mails; they are at {told.inbox.url}")
        _print(f"Metrics: {app.exporter.url}/metrics   everything else: {app.exporter.url}/")
        if not leave:
            _print("Ctrl-C ends the demo.")
            app.run(stop)


def _embedded(stack: contextlib.ExitStack, topic: str) -> str:
    """Where the embedded broker listens, which has the topic, and lasts as long as the stack."""
    broker = stack.enter_context(EmbeddedBroker())
    broker.make_topic(topic)
    return broker.bootstrap_servers


def _app(folder: Path, text: str, records: Path | None, diary: Diary) -> App:
    """The daemon by this config; with `records` made its reference.

    Raises:
        DemoError: the reference cannot be built or calibrated.
        OSError: a file cannot be written.
    """
    path, reference = folder / "inferwatch.yml", folder / "reference.parquet"
    path.write_text(text if records is None else text + alarms(reference))
    loaded = load(path)

    def listen(_: str, pane: Pane) -> None:
        diary.note(pane.start, facts(pane))

    if records is None:
        _print(f"A replay of less than {LEAST_DAYS} days has no reference, and raises no alarm.")
        return App(loaded, listeners=[listen])
    _print("Building a reference of them, and calibrating alarms on it ...")
    try:
        built = build(loaded, records, reference)
        app = App(loaded, listeners=[listen])
        ignored = frozenset(loaded.models[0].alarms.ignore)
        _print(fill(sentence(built, loaded.state.dir / "calibrations", ignored), WIDTH))
    except (CannotBuild, StateError) as error:
        raise DemoError(str(error)) from error
    return app


def _replay(app: App, server: ModelServer, stop: threading.Event, pauses: Pauses | None) -> None:
    total = server.progress.total or 0
    _print(f"Replaying {total:,} flights of 2013 through Kafka, each as it leaves.")
    progress = Progress("flights", total, sys.stderr)
    consumed = 0
    while consumed < total and not stop.is_set():
        app.turn()
        if pauses is not None:
            pauses.look()
        consumed = sum(app.pipeline.positions.values())
        progress.show(consumed)
        server.consumed(consumed)
        _check(server)
    app.pipeline.finish(time.time())


def _alarms(app: App, state: Path, days: int) -> str:
    """The table of alarms, from the archive.

    Raises:
        DemoError: it cannot be written, or read again.
    """
    if not app.save(SAVING):
        raise DemoError(f"the state could not be written to {state}")
    archive = Archive(state / "archive")
    known = read_days()
    try:
        begun = alarm_days(archive.events("alarm"))
        in_alarm = days_in_alarm(archive.events("verdict"))
    except StateError as error:
        raise DemoError(str(error)) from error
    return table(begun, known, in_alarm, min(known) + timedelta(days=days), read())


def _check(server: ModelServer) -> None:
    if server.exit_code is not None:
        raise DemoError(f"the model server ended early, with exit code {server.exit_code}")


def facts(pane: Pane) -> Facts:
    """What the tables need of one pane."""
    inputs: InputsSummary = pane.summaries["inputs"]
    outputs: OutputsSummary = pane.summaries["outputs"]
    answers = outputs.answers
    found = Facts(inputs.rows, inputs.rows_with_missing, int(answers.tally[list(MISSING)].sum()))
    if isinstance(answers, NumberSummary) and answers.count:
        found.answers = answers.count
        found.total = (answers.mean() or 0.0) * answers.count
    return found


def config(
    bootstrap_servers: str,
    api_version: tuple[int, ...] | None,
    topic: str,
    listen: str,
    folder: Path,
    pid: int,
) -> str:
    """The configuration of the demo, as a user would write it; `alarms` may follow it."""
    version = "" if api_version is None else f"    api_version: {list(api_version)}\n"
    kinds = {name: "category" if name in CATEGORIES else "number" for name in FEATURES}
    features = "".join(f"      {name}: {{kind: {kind}}}\n" for name, kind in kinds.items())
    return f"""\
state: {{dir: "{folder / STATE}"}}
web: {{listen: "{listen}"}}
source:
  kafka:
    bootstrap_servers: ["{bootstrap_servers}"]
    topics: [{topic}]
    start: earliest
{version}models:
  - name: {NAME}
    format: json
    fields:
      request_id: request_id
      time: timestamp
      version: model_version
      latency: {{path: latency_ms, unit: ms}}
      features: features
      prediction: prediction
    features:
{features}    output: {{kind: number}}
    # Its memory and CPU are read here and not from the log: four weeks of the reference are made in
    # two seconds, in which a process does not change as it does in weeks.
    process: {{pid: {pid}}}
    windows: [1h, 1d]
    latency_buckets: [1.0e-6, 2.5e-6, 5.0e-6, 1.0e-5, 2.5e-5, 1.0e-4, 1.0e-3, 0.01]
    # The replay is of 2013: no wall clock is to close its windows while one waits.
    idle_timeout: 30d
    timezone: {TIME_ZONE}
"""


def alarms(reference: Path) -> str:
    """What the model's part of the configuration gains by a reference in a file."""
    return f"""\
    reference: {{path: "{reference}"}}
    # How long an answer takes here is this machine's affair, and winter no measure of warmth.
    alarms: {{budget: {BUDGET} per {MONTH}d, subjects: [input, output], ignore: [temp]}}
"""


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
