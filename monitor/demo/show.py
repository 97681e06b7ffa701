"""The demo from beginning to end."""

from __future__ import annotations

import contextlib
import sys
import tempfile
import threading
import time
from pathlib import Path

from collectors.events import MISSING
from collectors.inputs import InputsSummary
from collectors.outputs import OutputsSummary
from collectors.summaries.numbers import NumberSummary
from monitor import logs
from monitor.app import App
from monitor.config import load
from monitor.demo.broker import API_VERSION, EmbeddedBroker, create_topic
from monitor.demo.flights import CATEGORIES, FEATURES
from monitor.demo.model import NAME
from monitor.demo.model_server import ModelServer
from monitor.demo.report import Diary, Facts, tables
from monitor.progress import Progress
from monitor.windows import Pane


class DemoError(Exception):
    """The demo cannot go on; the message says why."""


def show(
    bootstrap_servers: str | None, listen: str, days: int, leave: bool, stop: threading.Event
) -> None:
    """Replay the flights through Kafka and the monitor, print what was seen, and stay up.

    Raises:
        DemoError: the broker or the scorer gave up.
        OSError: `listen` cannot be listened on.
    """
    logs.set_up("logfmt", "warning")
    began = time.monotonic()
    _print("Fitting a model of arrival delay on the first four weeks of 2013 ...")
    with contextlib.ExitStack() as stack:
        topic = f"inferwatch-demo-{time.time_ns() // 1_000_000}"
        api_version = None
        if bootstrap_servers is None:
            broker = stack.enter_context(EmbeddedBroker())
            broker.make_topic(topic)
            bootstrap_servers, api_version = broker.bootstrap_servers, API_VERSION
        else:
            create_topic(bootstrap_servers, topic)
        server = stack.enter_context(ModelServer(bootstrap_servers, topic, days))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="inferwatch-demo-")))
        path = folder / "inferwatch.yml"
        state = folder / "state"
        path.write_text(config(bootstrap_servers, api_version, topic, listen, state, server.pid))
        diary = Diary()
        app = App(load(path), listeners=[lambda _, pane: diary.note(pane.start, facts(pane))])
        stack.callback(app.stop)
        app.start()
        _replay(app, server, diary, stop)
        if stop.is_set():
            return
        _print(f"Read, scored and counted in {time.monotonic() - began:.0f} s.")
        _print(f"Metrics: {app.exporter.url}/metrics   everything else: {app.exporter.url}/")
        if not leave:
            _print("Ctrl-C ends the demo.")
            app.run(stop)


def _replay(app: App, server: ModelServer, diary: Diary, stop: threading.Event) -> None:
    while not server.wait_ready(0.2) and not stop.is_set():
        _check(server)
    total = server.progress.total or 0
    _print(f"Replaying {total:,} flights of 2013 through Kafka, each as it leaves.")
    progress = Progress("flights", total, sys.stderr)
    consumed = 0
    while consumed < total and not stop.is_set():
        app.turn()
        consumed = sum(app.pipeline.positions.values())
        progress.show(consumed)
        server.consumed(consumed)
        _check(server)
    app.pipeline.finish(time.time())
    if not stop.is_set():
        _print(f"\n{tables(diary)}\n")


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
    state: Path,
    pid: int,
) -> str:
    """The configuration of the demo, as a user would write it."""
    version = "" if api_version is None else f"    api_version: {list(api_version)}\n"
    kinds = {name: "category" if name in CATEGORIES else "number" for name in FEATURES}
    features = "".join(f"      {name}: {{kind: {kind}}}\n" for name, kind in kinds.items())
    return f"""\
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
      memory_bytes: memory_bytes
      cpu_seconds: cpu_seconds
      features: features
      prediction: prediction
    features:
{features}    output: {{kind: number}}
    process: {{pid: {pid}}}
    windows: [1h, 1d]
    latency_buckets: [1.0e-6, 2.5e-6, 5.0e-6, 1.0e-5, 2.5e-5, 1.0e-4, 1.0e-3, 0.01]
    # The replay is of 2013: no wall clock is to close its windows while one waits.
    idle_timeout: 30d
    timezone: America/New_York
state: {{dir: "{state}"}}
web: {{listen: "{listen}"}}
"""


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
