"""Signals, to the daemon as its users run it."""

from __future__ import annotations

import json
import signal
from pathlib import Path

from monitor.checkpoint import Checkpoints
from tests.support.daemon import Daemon, summed
from tests.support.harness import NOW

CONFIG = """\
source: {files: {paths: [log.jsonl], follow: true}}
state: {dir: state, checkpoint_interval: 1h}
web: {listen: "LISTEN", enable_lifecycle: true}
models:
  - name: m
    fields: {time: t, features: x, prediction: y}
    features: {a: {kind: number}}
    output: {kind: number}
"""


def test_a_stop_that_is_sent_twice_at_once_is_a_stop(tmp_path: Path) -> None:
    lines = [json.dumps({"t": NOW, "x": {"a": i}, "y": 1.0}) + "\n" for i in range(2_500)]
    (tmp_path / "log.jsonl").write_text("".join(lines))
    with Daemon(tmp_path, CONFIG) as daemon:
        daemon.start()
        daemon.until(lambda found: summed(found, "inferwatch_inferences_total") == 2_500)
        daemon.signal(signal.SIGTERM)
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == 0, daemon.log
    newest = Checkpoints(tmp_path / "state" / "checkpoints").newest()
    assert newest is not None
    assert newest.state["pipeline"]["positions"] == [["files", 0, 2_500]]
