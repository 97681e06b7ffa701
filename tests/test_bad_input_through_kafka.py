"""Everything that section 10 of the design lists, through a real Kafka, among good records."""

from __future__ import annotations

import json
import time
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from monitor.app import App
from monitor.config import load
from tests.support.kafka import Broker, unique

pytestmark = pytest.mark.kafka

GOOD_TIME = 1_760_000_000
GOOD = {"t": GOOD_TIME, "v": "1", "latency_ms": 3, "x": {"a": 1.5, "c": "k"}, "y": 0.5}
DIGITS = b"9" * 5_000

BAD: dict[str, tuple[bytes, str]] = {
    "NaN": (b'{"t": 1760000000, "v": "1", "x": {"a": NaN, "c": "k"}, "y": 1}', "ok"),
    "Infinity": (b'{"t": 1760000000, "v": "1", "x": {"a": -Infinity, "c": "k"}, "y": 1}', "ok"),
    "1e999": (b'{"t": 1760000000, "v": "1", "x": {"a": 1e999, "c": "k"}, "y": 1}', "ok"),
    "5,000 digits": (
        b'{"t": 1760000000, "v": "1", "x": {"a": %s, "c": "k"}, "y": 1}' % DIGITS,
        "ok",
    ),
    "nested 2,000 deep": (
        b'{"t": 1760000000, "v": "1", "x": {"a": %s%s, "c": "k"}, "y": 1}'
        % (b"[" * 2000, b"]" * 2000),
        "ok",
    ),
    "lone surrogates": (
        b'{"t": 1760000000, "v": "\\ud800", "x": {"a": 1, "c": "\\udfff"}, "y": 1}',
        "ok",
    ),
    "duplicate keys": (
        b'{"t": 1760000000, "v": "1", "v": "1", "x": {"a": 1, "a": 2}, "y": 1}',
        "ok",
    ),
    "wrong types": (
        b'{"t": 1760000000, "v": {}, "latency_ms": [], "x": {"a": "b", "c": {}}, "y": {}}',
        "ok",
    ),
    "a bad time": (b'{"t": "yesterday", "v": "1", "x": {"a": 1}, "y": 1}', "ok"),
    "1970": (b'{"t": 1, "v": "1", "x": {"a": 1}, "y": 1}', "late"),
    "the year 9999": (b'{"t": "9999-01-01T00:00:00Z", "v": "1", "x": {"a": 1}, "y": 1}', "future"),
    "an empty record": (b"", "empty"),
    "no JSON": (b"\xff\xfe{", "malformed"),
    "a number": (b"17", "malformed"),
    "an empty list": (b"[]", "empty"),
    "Avro": (b"\x00\x00\x00\x00\x01avro", "unsupported"),
    "48 MiB": (b'{"x": "' + b" " * (48 << 20) + b'"}', "too_large"),
}


def test_every_record_is_counted_and_no_bad_one_costs_a_good_one(
    broker: Broker, tmp_path: Path
) -> None:
    topic = unique("bad")
    broker.create(topic, max_message_bytes=str(128 << 20), retention_ms="-1")
    good, values = json.dumps(GOOD).encode(), []
    for bad, _ in BAD.values():
        values += [good, bad, good]
    # An unreadable time falls back to the broker's.
    broker.produce(topic, values, timestamp_ms=GOOD_TIME * 1000)
    (tmp_path / "inferwatch.yml").write_text(
        f"""\
source: {{kafka: {{bootstrap_servers: ["{broker.address}"], topics: [{topic}], start: earliest}}}}
models:
  - name: m
    fields: {{time: t, version: v, latency: latency_ms, features: x, prediction: y}}
    features: {{a: {{kind: number}}, c: {{kind: category}}}}
    output: {{kind: number}}
web: {{listen: "127.0.0.1:0"}}
"""
    )
    app = App(load(tmp_path / "inferwatch.yml"))
    app.start()
    try:
        deadline = time.monotonic() + 60
        while sum(app.pipeline.positions.values()) < len(values):
            assert time.monotonic() < deadline
            app.turn()
        app.pipeline.finish(time.time())
        text = httpx.get(f"{app.exporter.url}/metrics").text
    finally:
        app.stop()
    outcomes: dict[str, int] = {}
    inferences = 0.0
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == "inferwatch_records_total":
                outcomes[sample.labels["outcome"]] = int(sample.value)
            if sample.name == "inferwatch_inferences_total":
                inferences += sample.value
    wanted: dict[str, int] = {"ok": 2 * len(BAD)}
    for _, outcome in BAD.values():
        wanted[outcome] = wanted.get(outcome, 0) + 1
    assert {name: n for name, n in outcomes.items() if n} == wanted
    assert inferences == wanted["ok"]
    letters = [
        json.loads(line)
        for line in (tmp_path / "state" / "dead-letters.jsonl").read_text().splitlines()
    ]
    refused = [o for _, o in BAD.values() if o not in {"ok", "late", "future"}]
    assert [letter["reason"] for letter in letters] == refused
    assert all(letter["topic"] == topic for letter in letters)
