"""`inferwatch init` on differently shaped inputs: what it writes is valid, and reads them."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from collectors.formats import make_format
from monitor.config import read
from monitor.start_config import NothingFound, start_config
from tests.support.records import records

ROWS = 400
START = 1_760_000_000


def _nested(i: int, rng: np.random.Generator) -> Any:
    return {
        "request_id": f"r-{i}",
        "timestamp": f"2026-01-05T12:{i % 60:02}:00Z",
        "model_version": "3",
        "latency_ms": float(rng.exponential(20)),
        "features": {"age": int(rng.integers(18, 90)), "plan": "free" if i % 3 else "paid"},
        "prediction": float(rng.random()),
    }


def _flat(i: int, rng: np.random.Generator) -> Any:
    return {
        "ts": (START + i) * 1000,
        "duration_us": int(rng.integers(100, 9_000)),
        "temp": None if i % 10 == 0 else float(rng.normal(20, 5)),
        "humid": float(rng.uniform(0, 100)),
        "prediction": ["cat", "dog"][i % 2],
    }


def _named_list(i: int, rng: np.random.Generator) -> Any:
    return {
        "time": START + i,
        "feature_names": ["x1", "x2", "x3"],
        "features": rng.normal(0, 1, 3).tolist(),
        "scores": [0.2, 0.8],
        "status": 200,
    }


def _text(i: int, rng: np.random.Generator) -> Any:
    words = rng.choice(["please", "sum", "up", "this", "letter", "now"], 12)
    return {
        "created_at": f"2026-01-05 12:00:{i % 60:02}",
        "input": {"prompt": " ".join(words) + f" {i}", "temperature": 0.7},
        "response": f"Answer number {i} is here",
        "error": None,
        "elapsed_seconds": float(rng.exponential(0.5)),
    }


def _batch(i: int, rng: np.random.Generator) -> Any:
    return [_nested(i * 3 + j, rng) for j in range(3)]


SHAPES: dict[str, Callable[[int, np.random.Generator], Any]] = {
    "nested": _nested,
    "flat": _flat,
    "named list": _named_list,
    "text": _text,
    "batch": _batch,
}


@pytest.mark.parametrize("shape", SHAPES)
def test_json_lines_of_many_shapes(shape: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    values = [SHAPES[shape](i, rng) for i in range(ROWS)]
    file = tmp_path / "log.jsonl"
    file.write_text("".join(json.dumps(value) + "\n" for value in values))
    text = start_config("my-model", (), None, file, 1_000, 5.0)
    config = read(text, tmp_path / "inferwatch.yml", {})
    model = config.models[0]
    assert model.features
    assert not model.needs_discovery
    decoded = make_format("json", model.layout(None)).decode(records(values))
    assert not decoded.rejected
    events = decoded.events
    assert len(events) == ROWS * (3 if shape == "batch" else 1)
    assert events.prediction is not None
    assert (events.prediction.status == 0).all()
    assert not events.invalid
    for name, column in events.features.items():
        assert (column.status == 0).mean() >= 0.85, name
    assert events.time.min() > 1.7e15


def test_csv_with_numbers_as_text(tmp_path: Path) -> None:
    file = tmp_path / "log.csv"
    with file.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["timestamp", "age", "city", "prediction"])
        for i in range(ROWS):
            writer.writerow([START + i, 20 + i * 7919 % 50, ["Rome", "Oslo"][i % 2], i / ROWS])
    text = start_config("csv", (), None, file, 1_000, 5.0)
    model = read(text, tmp_path / "inferwatch.yml", {}).models[0]
    assert model.features is not None
    assert model.features["age"].kind == "number"
    assert model.features["city"].kind == "category"


def test_hostile_names_stay_texts(tmp_path: Path) -> None:
    names = ["a: b", "#c", 'q"uote', "new\nline", "no", "ü", "- x", "{y}", "a.b"]
    file = tmp_path / "log.jsonl"
    row = {"time": START, "features": dict.fromkeys(names, 1.5), "prediction": 1}
    file.write_text((json.dumps(row) + "\n") * 50)
    text = start_config("hostile", (), None, file, 1_000, 5.0)
    model = read(text, tmp_path / "inferwatch.yml", {}).models[0]
    decoded = make_format("json", model.layout(None)).decode(records([row]))
    assert {c.values_at(np.array([0]))[0] for c in decoded.events.features.values()} == {1.5}


def test_nothing_to_go_by_is_said(tmp_path: Path) -> None:
    file = tmp_path / "empty.jsonl"
    file.write_text("not json\n")
    with pytest.raises(NothingFound, match="no JSON object"):
        start_config("m", (), None, file, 10, 1.0)
