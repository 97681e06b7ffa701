"""The list that the project began with, one test each: from records to `/metrics`."""

from __future__ import annotations

import base64
import io
import itertools
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.support.harness import NOW, Harness

FIELDS = """\
  - name: m
    fields:
      time: t
      latency: {path: latency_ms, unit: ms}
      error: error
      memory_bytes: memory
      cpu_seconds: cpu
      features: x
      prediction: y
    windows: [1h, 1d]
"""
RNG_SEED = 8


def records(n: int, seed: int = RNG_SEED, **columns: Any) -> list[dict[str, Any]]:
    """n inferences spread over the hour before, with these columns."""
    rng = np.random.default_rng(seed)
    start = NOW - 5400
    rows = [{"t": start + float(s), "y": 1.0} for s in np.sort(rng.uniform(0, 3599, n))]
    for name, values in columns.items():
        for row, value in zip(rows, values, strict=True):
            row[name] = value
    return rows


def run(
    tmp_path: Path, features: str, rows: list[dict[str, Any]], output: str = "number"
) -> dict[str, float]:
    harness = Harness(
        tmp_path, f"{FIELDS}    features: {features}\n    output: {{kind: {output}}}\n"
    )
    for start in range(0, len(rows), 70):
        harness.feed(rows[start : start + 70])
    harness.finish()
    return harness.metrics()


NUMBER = "{a: {kind: number}}"


def test_memory(tmp_path: Path) -> None:
    used = np.random.default_rng(1).uniform(1e8, 2e8, 500)
    found = run(tmp_path, NUMBER, records(500, x=[{"a": 1}] * 500, memory=used.tolist()))
    mean = found["inferwatch_log_memory_bytes{model=m,window=1h}"]
    assert mean == pytest.approx(used.mean(), rel=1e-9)


def test_compute(tmp_path: Path) -> None:
    used = np.random.default_rng(2).exponential(0.01, 500)
    found = run(tmp_path, NUMBER, records(500, x=[{"a": 1}] * 500, cpu=used.tolist()))
    assert found["inferwatch_log_cpu_seconds{model=m,window=1h}"] == pytest.approx(
        used.mean(), rel=1e-9
    )


def test_latency(tmp_path: Path) -> None:
    ms = np.random.default_rng(3).lognormal(3, 1, 2_000)
    found = run(tmp_path, NUMBER, records(2_000, x=[{"a": 1}] * 2_000, latency_ms=ms.tolist()))
    for q in (0.5, 0.9, 0.95, 0.99):
        exact = np.quantile(ms / 1000, q, method="inverted_cdf")
        estimate = found[f"inferwatch_latency_quantile_seconds{{model=m,q={q},window=1h}}"]
        assert estimate == pytest.approx(exact, rel=1 / 64, abs=1e-3 / 64)
    assert found["inferwatch_inference_latency_seconds_count{model=m}"] == 2_000
    total = found["inferwatch_inference_latency_seconds_sum{model=m}"]
    assert total == pytest.approx(ms.sum() / 1000, rel=1e-12)


def test_throughput(tmp_path: Path) -> None:
    found = run(tmp_path, NUMBER, records(720, x=[{"a": 1}] * 720))
    assert found["inferwatch_throughput_per_second{model=m,window=1h}"] == 720 / 3600
    assert found["inferwatch_throughput_per_second{model=m,window=1d}"] == 720 / 86_400
    assert found["inferwatch_inferences_total{model=m}"] == 720


def test_average_input_length(tmp_path: Path) -> None:
    texts = ["hello world", "naïve café ☕", "one  two\tthree\n", "x" * 300] * 25
    lists = [[1] * n for n in range(1, 101)]
    rows = records(100, x=[{"text": t, "items": i} for t, i in zip(texts, lists, strict=True)])
    found = run(tmp_path, "{text: {kind: text}, items: {kind: list}}", rows)
    prefix = "inferwatch_input_length_mean{feature="
    chars = found[f"{prefix}text,model=m,unit=chars,window=1h}}"]
    words = found[f"{prefix}text,model=m,unit=words,window=1h}}"]
    items = found[f"{prefix}items,model=m,unit=items,window=1h}}"]
    assert chars == pytest.approx(np.mean([len(text) for text in texts]))
    assert words == pytest.approx(np.mean([len(text.split()) for text in texts]))
    assert items == pytest.approx(50.5)


def test_average_input_volume(tmp_path: Path) -> None:
    requests = [records(size, seed=size, x=[{"a": 1}] * size) for size in (1, 2, 3, 10)]
    values = [json.dumps(request).encode() for request in requests]
    harness = Harness(tmp_path, f"{FIELDS}    features: {NUMBER}\n    output: {{kind: number}}\n")
    harness.feed(values)
    harness.finish()
    found = harness.metrics()
    assert found["inferwatch_input_items_mean{model=m,window=1h}"] == 4.0
    assert found["inferwatch_input_bytes_mean{model=m,window=1h}"] == np.mean(
        [len(value) for value in values]
    )
    assert found["inferwatch_throughput_per_second{model=m,window=1h}"] == 16 / 3600


def test_missing_values(tmp_path: Path) -> None:
    kinds: list[dict[str, Any]] = [{"a": 1.5}, {}, {"a": None}, {"a": ""}, {"a": float("nan")}]
    rows = records(500, x=kinds * 100)
    found = run(tmp_path, NUMBER, rows)
    total = "inferwatch_input_missing_total{feature=a,model=m,reason="
    for reason in ("absent", "null", "empty", "nan"):
        assert found[f"{total}{reason}}}"] == 100
    assert found["inferwatch_input_values_total{feature=a,model=m}"] == 100
    assert found["inferwatch_input_missing_ratio{feature=a,model=m,window=1h}"] == 0.8
    assert found["inferwatch_input_rows_with_missing_ratio{model=m,window=1h}"] == 0.8


def test_average_image_brightness(tmp_path: Path) -> None:
    import sklearn

    folder = Path(sklearn.__file__).parent / "datasets" / "images"
    images, luma = [], []
    for photo in ("china.jpg", "flower.jpg"):
        data = (folder / photo).read_bytes()
        images.append(base64.b64encode(data).decode())
        red, green, blue = np.moveaxis(np.asarray(Image.open(io.BytesIO(data))), 2, 0)
        luma.append((0.299 * red + 0.587 * green + 0.114 * blue).mean() / 255)
    rows = records(5, x=[{"photo": photo} for photo in [*images, *images, "bm90IGFuIGltYWdl"]])
    found = run(tmp_path, "{photo: {kind: image}}", rows)
    brightness = found["inferwatch_input_brightness_mean{feature=photo,model=m,window=1h}"]
    assert brightness == pytest.approx(np.mean(luma), abs=0.002)
    width = found["inferwatch_input_image_width_pixels_mean{feature=photo,model=m,window=1h}"]
    assert width == 640
    invalid = "inferwatch_input_invalid_total{feature=photo,model=m,reason=undecodable}"
    assert found[invalid] == 1


def test_null_returns(tmp_path: Path) -> None:
    rows = records(600, x=[{"a": 1}] * 600)
    for row, answer in zip(rows, itertools.cycle([1.0, None, "", float("nan"), 2.0, "N/A"])):
        row["y"] = answer
    for row in rows[::6][:50]:
        row["error"] = "timeout"  # an inference that failed has no answer, and is no null return
    for row in rows[2::6]:
        del row["y"]
    models = f"{FIELDS}    features: {NUMBER}\n    output: {{kind: number, null_words: [n/a]}}\n"
    harness = Harness(tmp_path, models)
    harness.feed(rows)
    harness.finish()
    found = harness.metrics()
    assert found["inferwatch_output_nulls_total{model=m}"] == 400
    assert found["inferwatch_output_null_ratio{model=m,window=1h}"] == pytest.approx(400 / 550)
    assert found["inferwatch_inference_errors_total{model=m,reason=timeout}"] == 50


def test_rerun_on_the_same_data(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    inputs = np.where(rng.random(1_500) < 0.5, -1, rng.integers(0, 600, 1_500))
    answers = np.where(rng.random(1_500) < 0.05, 7.0, inputs * 2.0)
    features = [{"a": int(i), "b": f"k{i % 7}"} for i in inputs]
    rows = records(1_500, x=features)
    for row, answer in zip(rows, answers.tolist(), strict=True):
        row["y"] = answer
    found = run(tmp_path, "{a: {kind: number}, b: {kind: category}}", rows)
    groups = pd.Series(answers).groupby(inputs)
    repeated = groups.size() >= 2
    rerun = found["inferwatch_output_rerun_ratio{model=m,window=1h}"]
    mismatch = found["inferwatch_output_rerun_mismatch_ratio{model=m,window=1h}"]
    assert rerun == pytest.approx(1 - len(repeated) / 1_500, abs=1e-12)
    assert mismatch == pytest.approx((groups.nunique() > 1)[repeated].mean(), abs=1e-12)


def test_variance_of_stochastic_outputs(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    inputs = rng.integers(0, 50, 2_000)
    answers = inputs + rng.normal(0, 0.3, 2_000)
    rows = records(2_000, x=[{"a": int(i)} for i in inputs])
    for row, answer in zip(rows, answers.tolist(), strict=True):
        row["y"] = answer
    found = run(tmp_path, NUMBER, rows)
    groups = pd.Series(answers).groupby(inputs)
    pooled = np.sqrt((groups.var(ddof=1) * (groups.size() - 1)).sum() / (groups.size() - 1).sum())
    spread = found["inferwatch_output_rerun_stddev{model=m,window=1h}"]
    assert spread == pytest.approx(pooled, rel=1e-9)
    assert spread == pytest.approx(0.3, rel=0.05)


def test_times_are_those_of_the_records(tmp_path: Path) -> None:
    found = run(tmp_path, NUMBER, records(10, x=[{"a": 1}] * 10))
    end = datetime.fromtimestamp(
        found["inferwatch_window_end_timestamp_seconds{model=m,window=1h}"], UTC
    )
    assert end == datetime.fromtimestamp(NOW - 1800, UTC)
