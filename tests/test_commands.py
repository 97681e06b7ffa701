"""The commands as a person types them, README's first of all."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pandas as pd
import pytest

from tests.support.kafka import Broker, free_port, unique

ROOT = Path(__file__).parents[1]
COMMAND = str(Path(sys.executable).with_name("inferwatch"))
README = (ROOT / "README.md").read_text()
WITHIN = 60.0


def call(*arguments: str, cwd: Path = ROOT, code: int = 0) -> str:
    done = subprocess.run(
        [COMMAND, *arguments], cwd=cwd, capture_output=True, text=True, timeout=WITHIN, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@contextmanager
def running(*arguments: str, cwd: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [COMMAND, *arguments], cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=WITHIN)


def wait_for(url: str, wanted: str, process: subprocess.Popen[str]) -> str:
    """What stands at `url` once it contains `wanted`."""
    deadline, pause, text = time.monotonic() + WITHIN, threading.Event(), ""
    while wanted not in text:
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline, text
        pause.wait(0.2)
        try:
            text = httpx.get(url).text
        except httpx.TransportError:
            continue
    return text


def commands_of_readme() -> list[str]:
    """Every line of README's shell blocks."""
    blocks = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def test_readme_has_the_commands_that_are_tested_here() -> None:
    assert commands_of_readme() == [
        "make demo",
        "make test",
        "pip install .",
        "inferwatch init --bootstrap-servers 127.0.0.1:9092 --topic inferences > inferwatch.yml",
        "inferwatch check inferwatch.yml",
        "inferwatch run inferwatch.yml",
        "curl http://127.0.0.1:10464/metrics",
        "inferwatch reference build my-model --data history.parquet --out reference.parquet",
        "inferwatch reference show reference.parquet",
        "make demo-stack",  # tests/demo/test_stack.py
        "inferwatch rules --grafana-url http://127.0.0.1:3000 --output rules-of-mine",
    ]


def test_the_rules_of_readme_are_written(tmp_path: Path) -> None:
    (line,) = [one for one in commands_of_readme() if one.startswith("inferwatch rules")]
    call(*line.split()[1:], cwd=tmp_path)
    written = {file.name for file in (tmp_path / "rules-of-mine").iterdir()}
    assert written == {"alerts.yml", "recording.yml"}


def test_the_reference_of_readme_is_built_and_shown_and_taken(tmp_path: Path) -> None:
    example = re.search(r"```json\n(.*?)```", README, re.DOTALL)
    assert example is not None
    (tmp_path / "log.jsonl").write_text(json.dumps(json.loads(example[1])) + "\n")
    config = tmp_path / "inferwatch.yml"
    config.write_text(call("init", "--file", "log.jsonl", "--model", "my-model", cwd=tmp_path))
    times = pd.date_range("2026-01-01", periods=600, freq="2min24s", tz="UTC")
    rows = {"timestamp": times, "model_version": "7", "latency_ms": 12.5, "age": 41.0}
    pd.DataFrame(rows | {"plan": "basic", "prediction": 0.83}).to_parquet(
        tmp_path / "history.parquet"
    )
    build = ["my-model", "--data", "history.parquet", "--out", "reference.parquet"]
    said = call("reference", "build", *build, cwd=tmp_path)
    assert "600 rows in 24 panes" in said
    assert "model my-model" in call("reference", "show", "reference.parquet", cwd=tmp_path)
    written = config.read_text()
    alarms = re.search(r"    reference: .*\n    alarms: .*\n", README)
    assert alarms is not None
    config.write_text(written.replace("  - name: my-model\n", "  - name: my-model\n" + alarms[0]))
    assert "provisional" in call("check", "inferwatch.yml", cwd=tmp_path)


@pytest.mark.kafka
def test_the_way_of_readme_from_a_topic_to_metrics(broker: Broker, tmp_path: Path) -> None:
    topic, port = unique("inferences"), free_port()
    broker.create(topic)
    example = re.search(r"```json\n(.*?)```", README, re.DOTALL)
    assert example is not None
    record = json.loads(example[1])
    rows = [record | {"features": {"age": 20 + i * 7919 % 60, "plan": "basic"}} for i in range(300)]
    broker.produce(topic, rows)
    where = ["--bootstrap-servers", broker.address, "--topic", topic]
    written = call("init", *where, "--model", "my-model")
    config = tmp_path / "inferwatch.yml"
    listen = f'web: {{listen: "127.0.0.1:{port}"}}\n'
    config.write_text(written.replace("topics: [", "start: earliest, topics: [") + listen)
    assert "model my-model: windows 1h, 1d" in call("check", "inferwatch.yml", cwd=tmp_path)
    with running("run", "inferwatch.yml", cwd=tmp_path) as process:
        url = f"http://127.0.0.1:{port}"
        text = wait_for(f"{url}/metrics", 'inferwatch_inferences_total{model="my-model"', process)
        assert 'inferwatch_inferences_total{model="my-model",version="7"} 300.0' in text
        assert httpx.get(f"{url}/-/ready").status_code == 200
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=WITHIN)
        assert process.returncode == 0, out
        assert "msg=stopped" in out
        assert "Traceback" not in out


@pytest.mark.kafka
def test_the_smallest_config_of_readme_runs(broker: Broker, tmp_path: Path) -> None:
    found = re.search(r"```yaml\n(.*?)```", README, re.DOTALL)
    assert found is not None
    topic, port = unique("inferences"), free_port()
    broker.create(topic)
    broker.produce(topic, [{"timestamp": 1_760_000_000 + i, "x": {"a": i}} for i in range(50)])
    text = found[1].replace("127.0.0.1:9092", broker.address)
    text = text.replace("topics: [inferences]", f"topics: [{topic}], start: earliest")
    (tmp_path / "inferwatch.yml").write_text(text + f'web: {{listen: "127.0.0.1:{port}"}}\n')
    with running("run", cwd=tmp_path) as process:
        wanted = 'inferwatch_inferences_total{model="my-model",version=""} 50.0'
        wait_for(f"http://127.0.0.1:{port}/metrics", wanted, process)
        process.send_signal(signal.SIGINT)
        assert process.wait(WITHIN) == 0


def test_no_broker_is_waited_for_and_said_and_not_ready(tmp_path: Path) -> None:
    port, dead = free_port(), free_port()
    (tmp_path / "inferwatch.yml").write_text(
        f"""\
source: {{kafka: {{bootstrap_servers: ["127.0.0.1:{dead}"], topics: [t]}}}}
models: [{{name: m}}]
web: {{listen: "127.0.0.1:{port}"}}
"""
    )
    with running("run", cwd=tmp_path) as process:
        wait_for(f"http://127.0.0.1:{port}/-/healthy", "Healthy", process)
        assert httpx.get(f"http://127.0.0.1:{port}/-/ready").status_code == 503
        line = ""
        assert process.stdout is not None
        while "no broker answers" not in line:
            line = process.stdout.readline()
            assert line, "it ended"
        assert f"bootstrap_servers=127.0.0.1:{dead}" in line
        process.send_signal(signal.SIGTERM)
        assert process.wait(WITHIN) == 0


def test_a_file_is_read_once_and_its_windows_closed(tmp_path: Path) -> None:
    port = free_port()
    rows = [
        {"timestamp": 1_760_000_000 + i * 60, "x": {"a": i % 5}, "prediction": 1}
        for i in range(180)
    ]
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    written = call("init", "--file", "log.jsonl", "--model", "f", cwd=tmp_path)
    config = tmp_path / "inferwatch.yml"
    config.write_text(written + f'web: {{listen: "127.0.0.1:{port}"}}\n')
    with running("run", "inferwatch.yml", cwd=tmp_path) as process:
        text = wait_for(f"http://127.0.0.1:{port}/metrics", 'window="1d"} 180.0', process)
    assert 'inferwatch_window_rows{model="f",version="",window="1d"} 180.0' in text


COMMANDS = ["init", "check", "run", "demo", "reference build", "reference show", "version"]
COMMANDS += ["archive compact", "dashboards export", "dashboards push", "rules"]


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_has_an_example(command: str) -> None:
    text = call(*command.split(), "--help")
    assert "inferwatch demo" in text if not command else "Example" in text


def test_wrong_usage_and_wrong_config_exit_with_2(tmp_path: Path) -> None:
    assert "no such file" in call("check", "none.yml", cwd=tmp_path, code=2)
    assert "give either" in call("init", code=2)
    call("nonsense", code=2)


def test_version() -> None:
    assert re.match(r"inferwatch \d+\.\d+\.\d+ \(Python 3", call("version"))


def test_an_address_in_use_is_said(tmp_path: Path) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (tmp_path / "inferwatch.yml").write_text(
            "source: {files: {paths: [a.jsonl]}}\nmodels: [{name: m}]\n"
            f'web: {{listen: "127.0.0.1:{port}"}}\n'
        )
        assert f"{port}" in call("run", cwd=tmp_path, code=1)


def test_help_loads_nothing_heavy() -> None:
    code = "import sys, monitor.cli; print([m for m in sys.modules if m in %r])"
    heavy = ["numpy", "pandas", "pydantic", "kafka", "uvicorn", "prometheus_client", "msgspec"]
    done = subprocess.run(
        [sys.executable, "-c", code % (heavy,)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_make_alone_lists_its_targets() -> None:
    make = shutil.which("make")
    assert make is not None
    environ = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
    text = subprocess.run(
        [make], cwd=ROOT, capture_output=True, text=True, check=True, env=environ
    ).stdout
    for target in ("demo", "test", "lint", "docs", "lock", "build"):
        assert f"make {target} " in text
