"""What sample records seem to mean, over the shapes in which people log."""

from __future__ import annotations

import base64
import math
import random
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.discover import MAX_FEATURES, discover
from collectors.discovery import Discovery, FoundFeature, Hints

ROWS = 100
START = 1_760_000_000
R = random.Random(7)  # noqa: S311


def features(found: Discovery) -> dict[str, FoundFeature]:
    return {one.name: one for one in found.features}


def kinds(found: Discovery) -> dict[str, str]:
    return {one.name: one.kind for one in found.features}


def paths(found: Discovery) -> dict[str, tuple[str | int, ...]]:
    return {name: place.path for name, place in found.places.items()}


def of_values(values: Sequence[Any], name: str = "x") -> FoundFeature:
    """The one feature of records that hold these values."""
    (one,) = discover([{"features": {name: value}} for value in values]).features
    return one


def test_nested_record() -> None:
    found = discover(
        [
            {
                "requestId": f"r{i}",
                "timestamp": f"2013-01-01T10:{i % 60:02}:00Z",
                "model_version": "1",
                "latency_ms": 3.5,
                "error": None,
                "status_code": 200,
                "memory_bytes": 1e9,
                "features": {"delay": R.random(), "weather": {"wind": R.random()}, "up": i % 2 > 0},
                "prediction": R.random(),
            }
            for i in range(ROWS)
        ]
    )
    assert paths(found) == {
        "prediction": ("prediction",),
        "time": ("timestamp",),
        "latency": ("latency_ms",),
        "status": ("status_code",),
        "error": ("error",),
        "version": ("model_version",),
        "request_id": ("requestId",),
        "memory_bytes": ("memory_bytes",),
    }
    assert found.features_at == ("features",)
    assert kinds(found) == {"delay": "number", "weather.wind": "number", "up": "boolean"}
    assert features(found)["weather.wind"].path == ("features", "weather", "wind")
    assert (found.latency_unit, found.output_kind, found.unused) == ("ms", "number", ())


def test_flat_record_of_strings_as_csv_gives_them() -> None:
    found = discover(
        [
            {"ts": str(START + i), "age": str(R.random()), "city": "AB"[i % 2], "pred": "1.5"}
            for i in range(ROWS)
        ]
    )
    assert found.features_at is None
    assert paths(found) == {"prediction": ("pred",), "time": ("ts",)}
    assert kinds(found) == {"age": "number", "city": "category"}
    assert found.output_kind == "number"


def test_list_of_features_with_names_in_the_record() -> None:
    rows = [
        {"time": START + i, "feature_names": ["a", "b"], "features": [1, 2.5], "scores": [0.1, 0.9]}
        for i in range(ROWS)
    ]
    found = discover(rows)
    assert {one.name: one.path for one in found.features} == {
        "a": ("features", 0),
        "b": ("features", 1),
    }
    assert found.output_kind == "scores"


def test_a_list_without_names_is_numbered_and_a_long_one_is_one_value() -> None:
    assert list(features(discover([{"features": [1.0, 2.0]}] * 5))) == ["0", "1"]
    (embedding,) = discover([{"features": [0.5] * 768}] * 5).features
    assert (embedding.name, embedding.kind, embedding.path) == ("features", "list", ("features",))


def test_lists_of_several_lengths_are_one_value() -> None:
    (one,) = discover([{"features": [1.0] * (1 + i % 3)} for i in range(30)]).features
    assert one.kind == "list"


def test_named_tensors() -> None:
    found = discover(
        [
            {
                "id": f"x{i}",
                "inputs": [
                    {"name": "age", "shape": [1], "datatype": "FP32", "data": [R.random()]},
                    {"name": "pair", "shape": [2], "datatype": "FP32", "data": [1, R.random()]},
                ],
                "outputs": [{"name": "y", "shape": [1], "datatype": "FP32", "data": [0.5]}],
            }
            for i in range(ROWS)
        ]
    )
    assert {one.name: one.path for one in found.features} == {
        "age": ("inputs", 0, "data", 0),
        "pair.0": ("inputs", 1, "data", 0),
        "pair.1": ("inputs", 1, "data", 1),
    }
    assert paths(found)["prediction"] == ("outputs", 0, "data", 0)


def test_chat_completion() -> None:
    found = discover(
        [
            {
                "id": f"c{i}",
                "created": START + i,
                "model": "large-2025",
                "messages": [{"role": "user", "content": f"Please tell me about number {i}"}],
                "choices": [{"index": 0, "message": {"role": "model", "content": f"It is {i}"}}],
            }
            for i in range(ROWS)
        ]
    )
    assert kinds(found) == {"0.role": "category", "0.content": "text"}
    assert paths(found)["prediction"] == ("choices", 0, "message", "content")
    assert paths(found)["version"] == ("model",)
    assert found.output_kind == "category"


def test_a_model_without_a_digit_is_no_version() -> None:
    assert "version" not in discover([{"model": "arrival-delay", "prediction": 1}] * 30).places


def test_items_of_lists_are_rows_and_what_is_no_object_is_passed() -> None:
    assert discover([[{"a": 1}, {"a": 2}], {"a": 3}, "text", None, 4, [5]]).rows == 3


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2.5, None, 3], "number"),
        (["1", "2.5", ""], "number"),
        (["1", "2", "none"], "category"),
        ([1] * 95 + ["?"] * 5, "number"),
        ([True, False, None], "boolean"),
        (["true", "False"], "boolean"),
        (["AA", "UA"] * 20, "category"),
        ([f"word number {i} of this long line" for i in range(40)], "text"),
        ([[1, 2], [3]], "list"),
        (["data:image/png;base64,iVBORw0KGgo="] * 3, "image"),
        ([base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(60)).decode()] * 3, "image"),
        ([base64.b64encode(b"\xff\xd8\xff\xe0" + bytes(60)).decode()] * 3, "image"),
        ([base64.b64encode(b"RIFF\x24\x01\x02\x00WEBPVP8 " + bytes(40)).decode()] * 3, "image"),
    ],
    ids=range(13),
)
def test_kinds(values: list[Any], kind: str) -> None:
    assert of_values(values).kind == kind


def test_what_is_told_of_a_number_and_of_a_category() -> None:
    one = of_values([3, None, "", math.nan, -2, 7.5, 1, 1])
    assert (one.low, one.high, one.missing, one.distinct) == (-2, 7.5, 3 / 8, 4)
    other = of_values(["b", "a", "b", None])
    assert (other.categories, other.missing) == (("b", "a"), 0.25)


def test_few_integer_ids_are_names() -> None:
    assert of_values([i % 7 for i in range(60)], "store_id").kind == "category"
    assert of_values([i % 7 for i in range(60)], "floors").kind == "number"


@pytest.mark.parametrize(
    ("name", "values", "reason"),
    [
        ("row", list(range(50)), "ever growing"),
        ("uuid", [f"{i:032x}" for i in range(50)], "identifier"),
        ("key", [f"K-{i * 7919 % 1000}" for i in range(50)], "identifier"),
        ("user_id", [i * 7919 % 1009 for i in range(60)], "identifier"),
        ("seen", [f"2026-01-{1 + i % 28:02}T00:00:00Z" for i in range(50)], "a time"),
        ("hour", [i % 24 for i in range(72)], None),
        ("age", [i * 7919 % 101 for i in range(60)], None),
        ("row", list(range(5)), None),
    ],
)
def test_ids_and_ever_growing_columns_are_left_out(
    name: str, values: list[Any], reason: str | None
) -> None:
    left_out = of_values(values, name).left_out
    assert left_out is None if reason is None else left_out and reason in left_out


@pytest.mark.parametrize(
    ("key", "value", "unit"),
    [
        ("latencyMs", 3, "ms"),
        ("latency_us", 900, "us"),
        ("duration_seconds", 40.5, "s"),
        ("latency", 0.25, "s"),
        ("latency", 35.5, "ms"),
        ("latency", 40_000, "us"),
    ],
)
def test_latency_unit(key: str, value: float, unit: str) -> None:
    found = discover([{key: value, "prediction": 1}] * 30)
    assert (paths(found)["latency"], found.latency_unit) == ((key,), unit)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("ts", START),
        ("ts", START * 1000),
        ("ts", START * 10**6 + 1),
        ("ts", str(START * 10**9)),
        ("@timestamp", "2026-01-05T12:00:00+02:00"),
        ("anything", "2026-01-05 12:00:00.123"),
    ],
)
def test_time_by_name_and_by_value(key: str, value: object) -> None:
    assert paths(discover([{key: value, "prediction": 0.5}] * 30))["time"] == (key,)


@pytest.mark.parametrize("value", ["soon", 17, "2026-13-45T00:00:00Z", True, None])
def test_a_name_alone_makes_no_time(value: object) -> None:
    assert "time" not in discover([{"timestamp": value, "prediction": 0.5}] * 30).places


def test_how_far_a_prediction_was_off_is_no_error() -> None:
    assert "error" not in discover([{"error": 0.25, "prediction": 1.5}] * 30).places


def test_hints_are_taken_as_they_are() -> None:
    rows = [{"when": START + i, "row": {"a": R.random(), "b": "x"}, "y": 1.5} for i in range(30)]
    hints = Hints(fields={"time": ("when",), "prediction": ("y",)}, features_at=("row",))
    found = discover(rows, hints)
    assert paths(found) == {"time": ("when",), "prediction": ("y",)}
    assert kinds(found) == {"a": "number", "b": "category"}
    assert found.output_kind == "number"
    named = discover(rows, Hints(fields={}, feature_paths={"first": ("row", "a")}))
    assert kinds(named) == {"first": "number"}
    assert named.places == {}


def test_features_are_bounded() -> None:
    found = discover([{"features": {f"f{i}": 0.5 for i in range(MAX_FEATURES + 5)}}])
    assert len(found.features) == MAX_FEATURES
    assert any("more than" in note for note in found.notes)


def test_keys_that_no_config_can_name_are_passed() -> None:
    row = {"features": {"": 1, " ": 1, "\ud800": 1, "k" * 500: 1, "good": 1}}
    assert list(features(discover([row] * 3))) == ["good"]


def test_it_survives_being_written_down() -> None:
    found = discover([{"time": START, "features": {"a": [1]}, "prediction": "x"}] * 30)
    assert msgspec.json.decode(msgspec.json.encode(found), type=Discovery) == found


KEYS = st.sampled_from(
    ["features", "inputs", "data", "name", "time", "latency", "prediction", "error", "id", "a", ""]
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["2026-01-01", "2026-01-01T00:00:00Z", "1e999", 10**400, "/9j/", 200, START])
)
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=300, deadline=None)
@given(st.lists(ANYTHING | st.dictionaries(KEYS, ANYTHING, max_size=5), max_size=6))
def test_no_sample_makes_it_raise(samples: list[Any]) -> None:
    found = discover(samples)
    assert all(0 <= one.missing <= 1 for one in found.features)


def test_deep_samples_do_not_make_it_raise() -> None:
    lists: Any = 1
    objects: Any = 1
    for _ in range(3_000):
        lists, objects = [lists], {"a": objects}
    assert discover([{"features": lists}, {"features": objects}, lists]).rows == 2
