"""The demo from beginning to end."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from collectors.events import MISSING
from collectors.inputs import InputsSummary
from collectors.outputs import OutputsSummary
from collectors.summaries.numbers import NumberSummary
from monitor import logs
from monitor.app import App
from monitor.config import load
from monitor.demo.broker import API_VERSION, EmbeddedBroker, make_topic
from monitor.demo.flights import CATEGORIES, FEATURES
from monitor.demo.model import NAME
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
        api_version = None
        if bootstrap_servers is None:
            broker = stack.enter_context(EmbeddedBroker())
            bootstrap_servers, api_version = broker.bootstrap_servers, API_VERSION
        name = f"inferwatch-demo-{time.time_ns() // 1_000_000}"
        partitions = make_topic(bootstrap_servers, name)
        scorer = stack.enter_context(_scorer(bootstrap_servers, name, partitions, days))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="inferwatch-demo-")))
        path = folder / "inferwatch.yml"
        state = folder / "state"
        path.write_text(config(bootstrap_servers, api_version, name, listen, state, scorer.pid))
        diary = Diary()
        app = App(load(path), listeners=[lambda _, pane: diary.note(pane.start, facts(pane))])
        stack.callback(app.stop)
        app.start()
        _replay(app, scorer, diary, stop)
        if stop.is_set():
            return
        _print(f"Read, scored and counted in {time.monotonic() - began:.0f} s.")
        _print(f"Metrics: {app.exporter.url}/metrics   everything else: {app.exporter.url}/")
        if not leave:
            _print("Ctrl-C ends the demo.")
            app.run(stop)


def _replay(app: App, scorer: _Scorer, diary: Diary, stop: threading.Event) -> None:
    total = scorer.total()
    _print(f"Replaying {total:,} flights of 2013 through Kafka, each as it leaves.")
    _follow(app, scorer, total, stop)
    app.pipeline.finish(time.time())
    if not stop.is_set():
        _print(f"\n{tables(diary)}\n")


def _follow(app: App, scorer: _Scorer, total: int, stop: threading.Event) -> None:
    progress = Progress("flights", total, sys.stderr)
    consumed = 0
    while consumed < total and not stop.is_set():
        app.turn()
        consumed = sum(app.pipeline.positions.values())
        progress.show(consumed)
        scorer.tell(consumed)


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
      latency: {{path: latency_us, unit: us}}
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


class _Scorer:
    """The model server's process, and the lines between it and this one."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.pid = process.pid
        self._process = process
        assert process.stdin is not None  # noqa: S101  # it was opened with pipes
        assert process.stdout is not None  # noqa: S101
        self._stdin: TextIO = process.stdin
        self._stdout: TextIO = process.stdout

    def total(self) -> int:
        """How many flights it will score; waits until the model is fitted."""
        word, _, number = self._stdout.readline().partition(" ")
        if word != "total":
            raise DemoError("the scorer ended before it began; its error stands above")
        # Its other lines are not needed; reading them keeps its pipe empty.
        threading.Thread(target=self._stdout.read, daemon=True).start()
        return int(number)

    def tell(self, consumed: int) -> None:
        """Say how many records were read."""
        if self._process.poll() is not None:
            raise DemoError(f"the scorer ended early (exit code {self._process.returncode})")
        self._stdin.write(f"consumed {consumed}\n")
        self._stdin.flush()


@contextmanager
def _scorer(bootstrap_servers: str, topic: str, partitions: int, days: int) -> Iterator[_Scorer]:
    command = [
        *(sys.executable, "-m", "monitor.demo.scorer"),
        *("--bootstrap-servers", bootstrap_servers, "--topic", topic),
        *("--partitions", str(partitions), "--days", str(days)),
    ]
    process = subprocess.Popen(  # noqa: S603  # our own module, and values made here
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield _Scorer(process)
    finally:
        process.kill()
        process.wait()


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
