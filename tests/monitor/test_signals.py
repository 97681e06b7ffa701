"""Signals, to the daemon as its users run it."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import httpx

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


def test_a_reload_over_http_says_what_came_of_it(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text("")
    successful = "inferwatch_config_last_reload_successful"
    with Daemon(tmp_path, CONFIG) as daemon:
        daemon.start()
        daemon.until(lambda found: found.get(successful) == 1)
        daemon.write(CONFIG.replace("kind: number}}", "kind: nubmer}}"))
        refused = httpx.post(f"{daemon.url}/-/reload", timeout=30)
        assert refused.status_code == 500
        assert "'nubmer' is not one of" in refused.text
        daemon.until(lambda found: found.get(successful) == 0)  # a scrape may be a second old
        daemon.write(CONFIG.replace("models:\n", "log: {level: debug}\nmodels:\n"))
        fixed = httpx.post(f"{daemon.url}/-/reload", timeout=30)
        assert (fixed.status_code, "log.level has changed" in fixed.text) == (500, True)
        daemon.write(CONFIG)
        assert httpx.post(f"{daemon.url}/-/reload", timeout=30).status_code == 200
        daemon.until(lambda found: found.get(successful) == 1)
        assert daemon.log.count("config is taken over") == 1
        daemon.stop()
