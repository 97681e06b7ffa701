"""The demo from beginning to end."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TextIO

from collectors.events import MISSING
from collectors.inputs import InputsSummary
from collectors.outputs import OutputsSummary
from collectors.summaries.numbers import NumberSummary
from monitor import logs
from monitor.app import App
from monitor.config import load
from monitor.demo.broker import DemoBrokerError, DemoTopic, embedded, external
from monitor.demo.flights import CATEGORIES, FEATURES
from monitor.demo.report import Diary, Facts, tables
from monitor.progress import Progress
from monitor.windows import Pane

MODEL = "arrival-delay"


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
    name = f"flights-{time.time_ns() // 1_000_000}"
    broker: AbstractContextManager[DemoTopic]
    broker = embedded(name) if bootstrap_servers is None else external(bootstrap_servers, name)
    _print("Fitting a model of arrival delay on the first four weeks of 2013 ...")
    try:
        with tempfile.TemporaryDirectory(prefix="inferwatch-demo-") as folder, broker as topic:
            _replay(topic, listen, days, leave, stop, Path(folder), began)
    except DemoBrokerError as error:
        raise DemoError(str(error)) from error


def _replay(
    topic: DemoTopic,
    listen: str,
    days: int,
    leave: bool,
    stop: threading.Event,
    folder: Path,
    began: float,
) -> None:
    with _scorer(topic, days) as scorer:
        path = folder / "inferwatch.yml"
        path.write_text(config(topic, listen, folder / "state", scorer.pid))
        diary = Diary()
        app = App(load(path), listeners=[lambda _, pane: diary.note(pane.start, facts(pane))])
        app.start()
        try:
            total = scorer.total()
            _print(f"Replaying {total:,} flights of 2013 through Kafka, each as it leaves.")
            _follow(app, scorer, total, stop)
            app.pipeline.finish(time.time())
            if stop.is_set():
                return
            seconds = time.monotonic() - began
            _print(f"\n{tables(diary)}\n\nRead, scored and counted in {seconds:.0f} s.")
            base = app.exporter.url
            _print(f"Metrics: {base}/metrics   everything else: {base}/")
            if not leave:
                _print("Ctrl-C ends the demo.")
                app.run(stop)
        finally:
            app.stop()


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


def config(topic: DemoTopic, listen: str, state: Path, pid: int) -> str:
    """The configuration of the demo, as a user would write it."""
    version = "" if topic.api_version is None else f"    api_version: {list(topic.api_version)}\n"
    kinds = {name: "category" if name in CATEGORIES else "number" for name in FEATURES}
    features = "".join(f"      {name}: {{kind: {kind}}}\n" for name, kind in kinds.items())
    return f"""\
source:
  kafka:
    bootstrap_servers: ["{topic.bootstrap_servers}"]
    topics: [{topic.name}]
    start: earliest
{version}models:
  - name: {MODEL}
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
    latency_buckets: [0.000001, 0.0000025, 0.000005, 0.00001, 0.000025, 0.00005, 0.0001, 0.001, 0.01]
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
def _scorer(topic: DemoTopic, days: int) -> Iterator[_Scorer]:
    command = [
        *(sys.executable, "-m", "monitor.demo.scorer"),
        *("--bootstrap-servers", topic.bootstrap_servers, "--topic", topic.name),
        *("--partitions", str(topic.partitions), "--days", str(days)),
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
