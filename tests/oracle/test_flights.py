"""All flights of a year through a real Kafka: what is exported equals a pandas computation.

The oracle shares no code with the summaries: it groups the records that were sent.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest
from confluent_kafka import Producer
from prometheus_client.parser import text_string_to_metric_families

from collectors.specs import NumberSpec
from monitor.app import App
from monitor.config import load
from monitor.demo.flights import CATEGORIES, FEATURES, NUMBERS, first_weeks, read_flights
from monitor.demo.model import fit
from monitor.windows import Pane
from tests.support.kafka import Broker, unique

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

HOUR, DAY = 3_600, 86_400
QUANTILES = (0.05, 0.5, 0.95)
WITHIN = 240.0


@dataclass(frozen=True)
class Run:
    """What was sent, and what came of it."""

    sent: Any
    panes: list[Pane]
    app: App
    exported: dict[tuple[str, frozenset[tuple[str, str]]], float]

    def metric(self, name: str, **labels: str) -> float:
        wanted = frozenset({"model": "flights", **labels}.items())
        return self.exported[name, wanted]


def _sent() -> Any:
    flights: Any = read_flights()
    model = fit(first_weeks(flights))
    rng = np.random.default_rng(20130101)
    plain = flights[list(FEATURES)].astype(object)
    columns = {name: plain[name].where(plain[name].notna(), None) for name in FEATURES}
    rows = zip(*columns.values(), strict=True)
    flights["features"] = [dict(zip(FEATURES, row, strict=True)) for row in rows]
    flights["prediction"] = [model.predict(row) for row in flights["features"]]
    flights["latency"] = rng.lognormal(-4, 0.7, len(flights))
    flights["error"] = np.where(
        rng.random(len(flights)) < 0.01, np.array("timeout", object), np.array(None)
    )
    flights["partition"] = rng.integers(0, 3, len(flights))
    # Out of order, within the lateness of five minutes.
    flights["arrival"] = flights["time"] + pd.to_timedelta(rng.uniform(0, 299, len(flights)), "s")
    flights = flights.sort_values("arrival", ignore_index=True)
    stamps = flights["time"].dt.strftime("%Y-%m-%dT%H:%M:%S%z")
    flights["record"] = [
        json.dumps(
            {
                "timestamp": stamp,
                "latency": row.latency,
                "error": row.error,
                "features": row.features,
                "prediction": None if row.prediction is None else float(row.prediction),
            }
        ).encode()
        for stamp, row in zip(stamps, flights.itertuples(), strict=True)
    ]
    return flights


def _config(broker: Broker, topic: str, folder: Path) -> Path:
    kinds = {name: "category" if name in CATEGORIES else "number" for name in FEATURES}
    features = "".join(f"      {name}: {{kind: {kind}}}\n" for name, kind in kinds.items())
    path = folder / "inferwatch.yml"
    path.write_text(
        f"""\
source:
  kafka: {{bootstrap_servers: ["{broker.address}"], topics: [{topic}], start: earliest}}
models:
  - name: flights
    fields:
      time: timestamp
      latency: {{path: latency, unit: s}}
      error: error
      features: features
      prediction: prediction
    features:
{features}    output: {{kind: number}}
    windows: [1h, 1d]
    lateness: 5m
    idle_timeout: 30d
    quantiles: [0.05, 0.5, 0.95]
state: {{dir: state}}
web: {{listen: "127.0.0.1:0"}}
"""
    )
    return path


@pytest.fixture(scope="module")
def run(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    sent, topic = _sent(), unique("flights")
    broker.create(topic, partitions=3)
    producer = Producer({"bootstrap.servers": broker.address, "linger.ms": 20})
    for record, partition in zip(sent["record"], sent["partition"], strict=True):
        while True:
            try:
                producer.produce(topic, record, partition=int(partition))
                break
            except BufferError:
                producer.poll(0.1)
    assert producer.flush(60) == 0
    panes: list[Pane] = []
    app = App(
        load(_config(broker, topic, tmp_path_factory.mktemp("oracle"))),
        listeners=[lambda _, pane: panes.append(pane)],
    )
    app.start()
    try:
        deadline = time.monotonic() + WITHIN
        while sum(app.pipeline.positions.values()) < len(sent):
            assert time.monotonic() < deadline
            app.turn()
        app.pipeline.finish(time.time())
        text = httpx.get(f"{app.exporter.url}/metrics", timeout=30).text
        exported = {
            (sample.name, frozenset(sample.labels.items()) - {("version", "")}): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }
        yield Run(sent, panes, app, exported)
    finally:
        app.stop()


def _seconds(times: Any) -> Any:
    return (times - pd.Timestamp(0, tz="UTC")) // pd.Timedelta(seconds=1)


def _oracle(sent: Any, span: int) -> dict[str, Any]:
    """Every statistic of every span of so many seconds, by its start."""
    start = _seconds(sent["time"]) // span * span
    by = sent.groupby(start)
    rows = by.size()
    found: dict[str, Any] = {"software.throughput": rows / span}
    found["software.error_ratio"] = sent["error"].notna().groupby(start).mean()
    gaps = pd.Series(False, index=sent.index)
    for name in FEATURES:
        found[f"input.missing_ratio feature={name}"] = sent[name].isna().groupby(start).mean()
        gaps |= sent[name].isna()
    found["input.rows_with_missing_ratio"] = gaps.groupby(start).mean()
    found["input.bytes_mean"] = sent["record"].map(len).groupby(start).mean()
    for name in NUMBERS:
        found[f"input.mean feature={name}"] = by[name].mean()
        found[f"input.stddev feature={name}"] = by[name].std(ddof=0)
    answered = sent[sent["error"].isna()]
    when = start[answered.index]
    answers = answered["prediction"].astype(float)
    found["output.null_ratio"] = answers.isna().groupby(when).mean()
    found["output.mean"] = answers.groupby(when).mean()
    found["output.stddev"] = answers.groupby(when).std(ddof=0)
    inputs = answered.groupby([when.rename("start"), *FEATURES], dropna=False)["prediction"]
    sizes = inputs.size()
    found["output.rerun_ratio"] = 1 - sizes.groupby("start").size() / sizes.groupby("start").sum()
    return found


def _key(statistic: Any) -> str:
    labels = "".join(f" {name}={value}" for name, value in statistic.labels.items())
    return f"{statistic.id}{labels}"


def _statistics(run: Run, panes: list[Pane], span: int) -> dict[str, dict[int, float]]:
    collection = run.app.pipeline.models["flights"].settled.collection
    found: dict[str, dict[int, float]] = {}
    for pane in panes:
        start = pane.start // 1_000_000 // span * span
        for statistic in collection.statistics(pane.summaries, span):
            found.setdefault(_key(statistic), {})[start] = statistic.value  # type: ignore[assignment]
    return found


def _merged_by_day(panes: list[Pane]) -> list[Pane]:
    days: dict[int, Pane] = {}
    for pane in panes:
        day = pane.start // (DAY * 1_000_000)
        days[day] = days[day].merged(pane) if day in days else pane
    return list(days.values())


def _assert_equal(run: Run, panes: list[Pane], span: int) -> None:
    ours, oracle = _statistics(run, panes, span), _oracle(run.sent, span)
    schema = run.app.pipeline.models["flights"].settled.schema
    for key, values in oracle.items():
        wanted = values.dropna()
        have = pd.Series(ours[key]).sort_index()
        assert have.index.tolist() == wanted.index.tolist(), key
        scale = 1.0
        name = key.rpartition("feature=")[2]
        spec = schema.columns.get(name) or schema.output
        if isinstance(spec, NumberSpec) and ("mean" in key or "stddev" in key):
            scale = spec.grid.scale
        tolerance = 2e-7 if "stddev" in key else 1e-9
        np.testing.assert_allclose(have, wanted, rtol=1e-12, atol=tolerance * scale, err_msg=key)


def test_every_record_counts_once(run: Run) -> None:
    sent = run.sent
    assert len(sent) == 336_776
    topic = next(iter(run.app.pipeline.positions)).topic
    assert (
        run.exported[
            "inferwatch_records_total", frozenset({"topic": topic, "outcome": "ok"}.items())
        ]
        == 336_776
    )
    assert run.metric("inferwatch_inferences_total") == 336_776
    errors = run.metric("inferwatch_inference_errors_total", reason="timeout")
    assert errors == sent["error"].notna().sum()
    for name in FEATURES:
        assert run.metric("inferwatch_input_values_total", feature=name) == sent[name].notna().sum()
        null = run.metric("inferwatch_input_missing_total", feature=name, reason="null")
        assert null == sent[name].isna().sum()
    nulls = sent["prediction"].isna() & sent["error"].isna()
    assert run.metric("inferwatch_output_nulls_total") == nulls.sum()
    assert run.metric("inferwatch_inference_latency_seconds_count") == 336_776
    total = run.metric("inferwatch_inference_latency_seconds_sum")
    assert total == pytest.approx(sent["latency"].sum(), rel=1e-12)
    for bound in (0.001, 0.01, 0.1, 1.0):
        below = run.metric("inferwatch_inference_latency_seconds_bucket", le=f"{bound}")
        assert below == (sent["latency"] <= bound).sum()


def test_no_row_is_late_and_no_pane_is_revised(run: Run) -> None:
    assert run.metric("inferwatch_late_rows_total") == 0
    assert run.metric("inferwatch_revisions_total") == 0
    assert sum(pane.rows for pane in run.panes) == 336_776
    assert len({pane.start for pane in run.panes}) == len(run.panes)


def test_every_hour_equals_pandas(run: Run) -> None:
    _assert_equal(run, run.panes, HOUR)


def test_every_day_merged_from_its_hours_equals_pandas(run: Run) -> None:
    _assert_equal(run, _merged_by_day(run.panes), DAY)


def test_quantiles_are_within_the_width_of_their_cell(run: Run) -> None:
    days = _merged_by_day(run.panes)
    ours = _statistics(run, days, DAY)
    schema = run.app.pipeline.models["flights"].settled.schema
    by = run.sent.groupby(_seconds(run.sent["time"]) // DAY * DAY)
    for name in NUMBERS:
        spec = schema.columns[name]
        assert isinstance(spec, NumberSpec)
        for q in QUANTILES:
            # numpy's inverted_cdf: the value of rank ceil(q n), as the docstring says.
            exact = by[name].apply(
                lambda values, q=q: (
                    np.nan
                    if values.dropna().empty
                    else np.quantile(values.dropna(), q, method="inverted_cdf")
                )
            )
            exact = exact.dropna()
            have = pd.Series(ours[f"input.quantile feature={name} q={q:g}"])[exact.index]
            low, high = spec.grid.edges(spec.grid.cells(exact.to_numpy()))
            assert (np.abs(have - exact) <= (high - low) * (1 + 1e-6)).all(), (name, q)


def test_the_newest_windows_on_metrics_are_those_of_the_last_hours(run: Run) -> None:
    last = max(pane.end for pane in run.panes) // 1_000_000
    seconds = _seconds(run.sent["time"])
    for window, span in (("1h", HOUR), ("1d", DAY)):
        part = run.sent[(seconds >= last - span) & (seconds < last)]
        answered = part[part["error"].isna()]
        assert run.metric("inferwatch_window_end_timestamp_seconds", window=window) == last
        assert run.metric("inferwatch_window_rows", window=window) == len(part)
        assert run.metric("inferwatch_output_mean", window=window) == pytest.approx(
            answered["prediction"].astype(float).mean(), rel=1e-9
        )
        for name in NUMBERS:
            ratio = run.metric("inferwatch_input_missing_ratio", window=window, feature=name)
            assert ratio == pytest.approx(part[name].isna().mean(), abs=1e-15)
            if part[name].notna().any():
                mean = run.metric("inferwatch_input_mean", window=window, feature=name)
                assert mean == pytest.approx(part[name].mean(), rel=1e-9)
