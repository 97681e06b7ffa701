"""From a model's config to its layout: what the config says wins, the rest is what was found."""

from __future__ import annotations

from pathlib import Path

import pytest

from collectors.discover import discover
from collectors.layout import Feature, Where
from monitor.config import Config, read
from monitor.config_model import ModelConfig

SOURCE = "source: {kafka: {bootstrap_servers: ['h:1'], topics: [t]%s}}\n"
ROWS = [
    {
        "ts": 1_760_000_000 + i,
        "latency_us": 1_500,
        "features": {"age": i * 7919 % 61, "plan": "ab"[i % 2], "row": i},
        "prediction": i / 50,
    }
    for i in range(50)
]


def config(model: str, source: str = "") -> Config:
    return read(f"{SOURCE % source}models:\n  - {{name: m, {model}}}\n", Path("/etc/c.yml"), {})


def model(text: str) -> ModelConfig:
    return config(text).models[0]


def test_the_least_that_works_finds_everything_in_the_rows() -> None:
    least = model("")
    assert least.needs_discovery
    layout = least.layout(discover(ROWS, least.hints()))
    assert layout.time == Where(path=("ts",))
    assert (layout.latency, layout.latency_unit) == (("latency_us",), "us")
    assert layout.features == (
        Feature("age", "number", ("features", "age")),
        Feature("plan", "category", ("features", "plan")),
    )
    assert layout.output is not None
    assert (layout.output.kind, layout.output.path) == ("number", ("prediction",))


def test_without_a_discovery_an_open_config_has_no_layout() -> None:
    with pytest.raises(ValueError, match="leaves fields open"):
        model("").layout(None)


def test_given_fields_are_all_there_is() -> None:
    given = model("fields: {time: ts, prediction: prediction, features: features}")
    layout = given.layout(discover(ROWS, given.hints()))
    assert layout.latency is None
    assert [one.name for one in layout.features] == ["age", "plan"]


def test_declared_features_win_over_found_ones() -> None:
    text = "fields: {features: features}, features: {age: {range: [0, 9]}, row: {}, plan: {}}"
    declared = model(text)
    assert declared.needs_discovery
    layout = declared.layout(discover(ROWS, declared.hints()))
    assert layout.features == (
        Feature("age", "number", ("features", "age"), range=(0.0, 9.0)),
        Feature("row", "number", ("features", "row")),
        Feature("plan", "category", ("features", "plan")),
    )


def test_declared_features_are_found_where_the_rows_have_them() -> None:
    declared = model("features: {plan: {}}")
    layout = declared.layout(discover(ROWS, declared.hints()))
    assert layout.features == (Feature("plan", "category", ("features", "plan")),)


def test_a_whole_config_needs_no_discovery() -> None:
    whole = model(
        "fields: {request_id: {key: true}, version: {topics: {t: '2'}},"
        " latency: {path: took, unit: s}, time: {path: at, timezone: Europe/Berlin},"
        " features: {path: row, names: [a, b]}, prediction: y, error: e, status: s,"
        " cpu_seconds: c}, features: {a: {kind: number}, b: {categories: [1, true, x]},"
        " c: {kind: text, path: 'deep[0].text', private: true}},"
        " output: {kind: scores, classes: [cat, dog], null_words: [none]}"
    )
    assert not whole.needs_discovery
    layout = whole.layout(None)
    assert layout.request_id == Where(key=True)
    assert layout.version == Where(topics={"t": "2"})
    assert (layout.latency, layout.latency_unit) == (("took",), "s")
    assert (layout.time, layout.time_zone) == (Where(path=("at",)), "Europe/Berlin")
    assert layout.features == (
        Feature("a", "number", ("row", 0)),
        Feature("b", "category", ("row", 1), categories=("1", "true", "x")),
        Feature("c", "text", ("deep", 0, "text"), private=True),
    )
    assert (layout.error, layout.status, layout.resources) == (
        ("e",),
        ("s",),
        {"cpu_seconds": ("c",)},
    )
    assert layout.output is not None
    assert (layout.output.classes, layout.output.null_words) == (("cat", "dog"), ("none",))


def test_a_list_of_paths_names_the_features() -> None:
    listed = model("fields: {features: [age, 'home.income']}")
    layout = listed.layout(discover([{"age": 1.5, "home": {"income": "x"}}] * 3, listed.hints()))
    assert layout.features == (
        Feature("age", "number", ("age",)),
        Feature("home.income", "category", ("home", "income")),
    )


def test_classes_make_whole_numbers_categories() -> None:
    classed = model("fields: {prediction: y}, output: {classes: [0, 1]}")
    layout = classed.layout(discover([{"y": i % 2} for i in range(30)], classed.hints()))
    assert layout.output is not None
    assert (layout.output.kind, layout.output.classes) == ("category", ("0", "1"))


def test_the_layout_repeats_the_limits() -> None:
    limited = config("fields: {}, images: {max_bytes: 1KiB}", ", max_record_bytes: 2KiB").models[0]
    layout = limited.layout(None)
    assert (layout.max_record_bytes, layout.image_limits.max_bytes) == (2_048, 1_024)


def test_durations_and_windows_are_seconds() -> None:
    timed = model("windows: [5m, 1h], lateness: 90s")
    assert timed.named_windows() == (("5m", 300.0), ("1h", 3_600.0))
    assert (timed.lateness, timed.keep_late, timed.idle_timeout) == (90.0, 86_400.0, 60.0)


def test_relative_files_begin_at_the_config() -> None:
    text = f"{SOURCE % ''}models: [{{name: m}}]\nstate: {{dir: kept}}\n"
    assert str(read(text, Path("/etc/c.yml"), {}).state.dir) == "/etc/kept"


def test_a_password_from_the_environment_never_shows() -> None:
    security = (
        ", security: {protocol: SASL_SSL, mechanism: PLAIN, username: me, password: '${PASSWORD}'}"
    )
    text = f"{SOURCE % security}models: [{{name: m}}]\n"
    whole = read(text, Path("/etc/c.yml"), {"PASSWORD": "hunter2"})
    assert whole.source.kafka is not None
    assert whole.source.kafka.security.read_password() == "hunter2"
    assert "hunter2" not in f"{whole!r} {whole}"
