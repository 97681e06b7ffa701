"""Everything of an inference beside features and answer: version, latency, errors, resources."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from collectors.events import Events, Status
from collectors.formats.assembly import MAX_ERROR
from collectors.formats.columns import MAX_NAME
from collectors.formats.json import JsonFormat
from collectors.layout import Feature, LatencyUnit, Output, Where
from tests.support.reading import NOON_MS, decode, layout, stamped
from tests.support.records import Value


def versions(events: Events) -> list[Any]:
    assert not events.version.status.any()
    return events.version.values_at(np.arange(len(events)))


def errors(*rows: dict[str, Any], **changes: Any) -> list[str | None]:
    """Each row's error by the fields `error` and `status`."""
    events = decode(rows, error=("error",), status=("status",), **changes).events
    return [None if code < 0 else events.error_names[code] for code in events.error]


def test_what_the_config_does_not_map_is_not_there() -> None:
    events = decode([{"prediction": 1, "latency_ms": 3}]).events
    assert events.request_id is None
    assert events.prediction is None
    assert events.features == events.resources == {}
    assert versions(events) == [""]
    assert events.error.tolist() == [-1]
    assert events.latency.status.tolist() == [Status.ABSENT]
    assert events.time.tolist() == [NOON_MS * 1000]


def test_version_by_path() -> None:
    values: list[Any] = ["v1", 2, None, "", 3.5, True, [1], "v1"]
    rows: list[Value] = [*[{"v": value} for value in values], {}]
    events = decode(rows, version=Where(path=("v",))).events
    assert versions(events) == ["v1", "2", "", "", "3.5", "true", "", "v1", ""]
    assert events.version.names.count("") == 1
    assert events.invalid == {("version", "type"): 1}


def test_version_and_request_id_by_header_key_and_topic() -> None:
    headers = [[("v", b"1"), ("v", b"2")], [("w", b"1")], [("v", b"\xff")]]
    batch = stamped([{}, [{}, {}], {}], headers=headers, keys=[b"k1", None, b""], topic="t2")
    by_header = layout(version=Where(header="v"), request_id=Where(key=True))
    events = JsonFormat(by_header).decode(batch).events
    assert versions(events) == ["2", "", "", "\ufffd"]
    assert events.request_id == ["k1", None, None, None]
    by_topic = layout(version=Where(topics={"t1": "old", "t2": "new"}))
    assert versions(JsonFormat(by_topic).decode(batch).events) == ["new"] * 4
    elsewhere = layout(version=Where(topics={"t1": "old"}))
    assert versions(JsonFormat(elsewhere).decode(batch).events) == [""] * 4


def test_a_header_without_a_value_is_absent() -> None:
    batch = stamped([{}], headers=[[("v", None)]])
    assert versions(JsonFormat(layout(version=Where(header="v"))).decode(batch).events) == [""]


def test_time_by_header() -> None:
    headers = [[("t", b"2026-01-01T00:00:00Z")], [("t", b"1767225600")], [("t", b"?")]]
    batch = stamped([{}] * 3, headers=headers)
    events = JsonFormat(layout(time=Where(header="t"))).decode(batch).events
    assert (events.time // 10**6).tolist() == [1_767_225_600, 1_767_225_600, NOON_MS // 1000]
    assert events.invalid == {("time", "type"): 1}


def test_request_ids_are_text_and_bounded() -> None:
    rows: list[Value] = [
        {"id": "a"},
        {"id": 7},
        {"id": None},
        {"id": ""},
        {},
        {"id": [1]},
        {"id": "x" * 999},
    ]
    found = decode(rows, request_id=Where(path=("id",))).events.request_id
    assert found is not None
    assert found[:6] == ["a", "7", None, None, None, None]
    assert len(found[6] or "") == MAX_NAME


@pytest.mark.parametrize(("unit", "given"), [("s", 1.5), ("ms", 1500), ("us", "1500000")])
def test_latency_in_every_unit(unit: LatencyUnit, given: Any) -> None:
    events = decode([{"l": given}], latency=("l",), latency_unit=unit).events
    assert events.latency.values.tolist() == [1.5]
    assert events.latency.status.tolist() == [Status.OK]


def test_latency_that_is_none_is_absent_and_counted() -> None:
    values = [0, -1, "fast", float("inf"), True, None, "", float("nan"), -2]
    events = decode([{"l": value} for value in values], latency=("l",)).events
    assert events.latency.status.tolist() == [Status.OK] + [Status.ABSENT] * 8
    assert np.isnan(events.latency.values[1:]).all()
    assert events.invalid == {
        ("latency", "range"): 2,
        ("latency", "type"): 2,
        ("latency", "nonfinite"): 1,
    }


def test_resources() -> None:
    paths = {"memory_bytes": ("m", "rss"), "cpu_seconds": ("cpu",)}
    rows: list[Value] = [
        {"m": {"rss": 1024}, "cpu": "0.5"},
        {"m": 3, "cpu": -1},
        {"m": {"rss": "big"}},
    ]
    events = decode(rows, resources=paths).events
    assert list(events.resources) == list(paths)
    assert events.resources["memory_bytes"].values_at(np.arange(3)) == [1024, None, None]
    assert events.resources["cpu_seconds"].values_at(np.arange(3)) == [0.5, None, None]
    assert events.invalid == {("cpu_seconds", "range"): 1, ("memory_bytes", "type"): 1}


@pytest.mark.parametrize("value", [None, False, 0, 0.0, "", "  ", {}, [], float("nan")])
def test_what_says_that_there_was_no_error(value: Any) -> None:
    assert errors({"error": value}, {}) == [None, None]


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("Timeout", "Timeout"),
        ("two\n lines ", "two lines"),
        (True, "error"),
        (7, "7"),
        (1.5, "1.5"),
        (float("inf"), "error"),
        ([1], "error"),
        ({"type": "T", "code": 3, "name": "N", "message": "M"}, "T"),
        ({"code": 3, "name": "N"}, "3"),
        ({"type": None, "name": "N", "message": "M"}, "N"),
        ({"type": {}, "message": "M"}, "M"),
        ({"detail": "?"}, "error"),
        ({"code": 0}, "error"),
    ],
)
def test_names_of_errors(value: Any, name: str) -> None:
    assert errors({"error": value}, {}) == [name, None]


@pytest.mark.parametrize("value", ["x" * 5000, 10**300])
def test_names_of_errors_are_bounded(value: Any) -> None:
    (name,) = errors({"error": value})
    assert name is not None
    assert len(name) == MAX_ERROR
    assert name.endswith("…")


def test_statuses_of_400_and_above_are_errors() -> None:
    rows: list[dict[str, Any]] = [{"status": s} for s in (200, 399, 400, "503", 404.0, None, -1)]
    expected = [None, None, "http_400", "http_503", "http_404", None, None]
    assert errors(*rows, {"status": 500, "error": "Oom"}, {"status": 500, "error": None}) == [
        *expected,
        "Oom",
        "http_500",
    ]
    events = decode([{"status": "OK"}, {"status": 500}], status=("status",)).events
    assert events.invalid == {("status", "type"): 1}
    assert events.error.tolist() == [-1, 0]


def test_one_place_may_serve_several_fields() -> None:
    made = layout(
        features=(
            Feature("all", "list", ("values",)),
            Feature("first", "number", ("values", 0)),
            Feature("deep", "number", ("values", 1, "a.b")),
        ),
        output=Output("number", ("values", 0)),
        latency=("values", 0),
    )
    events = JsonFormat(made).decode(stamped([{"values": [4, {"a.b": 5}]}])).events
    assert events.features["all"].values_at(np.array([0])) == [2]
    assert events.features["first"].values_at(np.array([0])) == [4]
    assert events.features["deep"].values_at(np.array([0])) == [5]
    assert events.latency.values.tolist() == [0.004]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"output": Output()}, "kind of the output has to be settled"),
        ({"time_zone": "Mars/Olympus"}, "time zone 'Mars/Olympus' is unknown"),
        ({"time_zone": "../etc/passwd"}, "is unknown"),
        ({"error": ("a",) * 65}, "65 steps; 64 at most"),
    ],
)
def test_layouts_that_cannot_be_read_by(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        JsonFormat(layout(**changes))
