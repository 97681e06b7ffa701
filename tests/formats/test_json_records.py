"""Which records are inferences, which are not and why, and where each came from."""

from __future__ import annotations

import dataclasses
import gzip
from typing import Any

import numpy as np
import pytest
import zstandard

from collectors.events import Status
from collectors.formats import REASONS, Rejected
from collectors.formats.json import JsonFormat
from collectors.layout import Output, Where
from collectors.sources import NO_TIMESTAMP, Partition
from tests.support.reading import NOON_MS, decode, feature, layout, stamped
from tests.support.records import Value, records

GOOD = {"features": {"x": 1.5}}


def reasons(*values: Any, **changes: Any) -> list[str]:
    """Why each value is rejected, a good record before and after it staying whole."""
    decoded = decode([GOOD, *values, GOOD], kinds={"x": "number"}, **changes)
    assert decoded.events.features["x"].values_at(np.array([0, -1])) == [1.5, 1.5]
    assert all(rejected.reason in REASONS for rejected in decoded.rejected)
    return [rejected.reason for rejected in decoded.rejected]


def one(raw: bytes) -> Any:
    """Value and status of the feature x of one record that is to be kept."""
    decoded = decode([GOOD, raw, GOOD], kinds={"x": "number"})
    assert len(decoded.events) == 3
    column = decoded.events.features["x"]
    return column.values_at(np.array([1]))[0], Status(column.status[1])


def test_rows_keep_the_order_and_the_place_of_their_records() -> None:
    batch = stamped([{"x": 1}, b"no", {"x": 2}], topic="t", partition=3, first_offset=70)
    decoded = JsonFormat(layout()).decode(batch)
    assert decoded.events.partition == Partition("t", 3)
    assert decoded.events.offsets.tolist() == [70, 72]
    assert decoded.events.items.tolist() == [0, 0]
    assert decoded.events.broker_time.tolist() == [NOON_MS * 1000] * 2
    assert decoded.rejected == [Rejected(1, -1, "malformed")]


def test_a_list_is_as_many_inferences_as_it_has_objects() -> None:
    raw = b'[{"features": {"x": 1}}, 7, {"features": {"x": "2"}}, null]'
    decoded = decode([GOOD, raw, GOOD], kinds={"x": "number"})
    events = decoded.events
    assert events.features["x"].values_at(np.arange(4)) == [1.5, 1, 2, 1.5]
    assert events.offsets.tolist() == [0, 1, 1, 2]
    assert events.items.tolist() == [0, 0, 2, 0]
    assert events.record_items.tolist() == [1, 4, 0, 1]
    size = len(b'{"features": {"x": 1.5}}')
    assert events.record_bytes.tolist() == [size, len(raw), 0, size]
    assert decoded.rejected == [Rejected(1, 1, "malformed"), Rejected(1, 3, "malformed")]


def test_a_plain_list_is_read_too() -> None:
    decoded = decode([[GOOD, GOOD], [GOOD]], kinds={"x": "number"})
    assert decoded.events.items.tolist() == [0, 1, 0]
    assert decoded.events.record_items.tolist() == [2, 0, 1]


def test_the_volume_of_a_list_is_on_the_first_row_that_is_kept() -> None:
    form = JsonFormat(layout(time=Where(path=("t",))))
    decoded = form.decode(records([[{"t": None}, {"t": "2026-01-01"}, {"t": 0}]]))
    assert decoded.rejected == [Rejected(0, 0, "no_time")]
    assert decoded.events.record_items.tolist() == [3, 0]
    assert decoded.events.items.tolist() == [1, 2]


def test_lists_that_are_empty_or_too_long_are_refused_whole() -> None:
    assert reasons([], [GOOD] * 4, b"[" + b"1," * 9 + b"1]", max_items=3) == [
        "empty",
        "too_large",
        "too_large",
    ]
    assert reasons([GOOD] * 3, max_items=3) == []


def test_a_tombstone_is_no_inference() -> None:
    assert reasons(None) == ["tombstone"]


def test_no_records_are_no_events() -> None:
    made = layout(
        {"x": "number", "c": "category"}, output=Output("scores"), time=Where(path=("t",))
    )
    decoded = JsonFormat(made).decode(stamped([]))
    assert len(decoded.events) == 0
    assert len(decoded.events.features["x"].status) == 0
    assert decoded.rejected == []


def test_other_wire_formats_are_unsupported_and_the_rest_is_malformed() -> None:
    assert reasons(b"\x00\x00\x00\x00\x07payload", b"Obj\x01\x04") == ["unsupported"] * 2
    compressed = [gzip.compress(b"{}"), zstandard.compress(b"{}")]
    assert reasons(*compressed) == ["malformed"] * 2
    wrong = [b"3", b'"x"', b"null", b"{", b'{"features": {"x": 1', b"{} {}", b"\xff\xfe{", b"[1"]
    assert reasons(*wrong) == ["malformed"] * len(wrong)


def test_a_byte_order_mark_and_white_space_are_no_mistakes() -> None:
    assert one(b'\xef\xbb\xbf{"features": {"x": 3}}') == (3.0, Status.OK)
    assert one(b' \n\t{"features": {"x": 3}}\r\n') == (3.0, Status.OK)
    assert one(b" " * 100 + b'{"features": {"x": NaN}}') == (None, Status.NAN)


# What follows has one test for each line of the list of bad input.


@pytest.mark.parametrize("literal", ["NaN", " NaN", "NaN\n"])
def test_nan(literal: str) -> None:
    assert one(b'{"features": {"x":%s}}' % literal.encode()) == (None, Status.NAN)


@pytest.mark.parametrize("literal", ["Infinity", "-Infinity"])
def test_infinity(literal: str) -> None:
    assert one(b'{"features": {"x":%s}}' % literal.encode()) == (None, Status.NONFINITE)


def test_nan_costs_one_value_and_leaves_words_in_strings_alone() -> None:
    raw = b'{"a": NaN, "features": {"x": 2, "c": "a, NaN, b", "d": [NaN, -Infinity]}}'
    decoded = decode([raw], kinds={"x": "number", "c": "category", "d": "list"})
    features = decoded.events.features
    assert features["x"].values_at(np.array([0])) == [2.0]
    assert features["c"].values_at(np.array([0])) == ["a, NaN, b"]
    assert features["d"].values_at(np.array([0])) == [2]


@pytest.mark.parametrize("word", ["-NaN", "1NaN", "NaN1", "nan", "xInfinity", "+Infinity"])
def test_what_only_looks_like_nan_is_malformed(word: str) -> None:
    assert reasons(b'{"features": {"x": %s}}' % word.encode()) == ["malformed"]


def test_the_literals_that_stand_for_nan_are_no_way_in() -> None:
    value, status = one(b'{"y": NaN, "features": {"x": 1e-49990071}}')
    assert (value, status) == (0.0, Status.OK)


def test_numbers_beyond_float() -> None:
    assert one(b'{"features": {"x": 1e999}}') == (None, Status.NONFINITE)
    assert one(b'{"features": {"x": "1e999"}}') == (None, Status.NONFINITE)


@pytest.mark.parametrize("digits", [400, 4299, 4301, 5000])
def test_integers_of_5000_digits(digits: int) -> None:
    number = b"1" * digits
    assert one(b'{"features": {"x": %s}}' % number) == (None, Status.NONFINITE)
    assert one(b'{"features": {"x": -%s}}' % number) == (None, Status.NONFINITE)
    assert one(b'{"features": {"x": "%s"}}' % number) == (None, Status.NONFINITE)
    assert one(b'{"z": %s, "features": {"x": 3}}' % number) == (3.0, Status.OK)
    fields: dict[str, Any] = {
        "kinds": {"c": "category", "b": "boolean", "l": "list"},
        "output": Output("scores", ("c",)),
        "error": ("c",),
        "version": Where(path=("c",)),
        "request_id": Where(path=("c",)),
        "time": Where(path=("c",)),
    }
    raw = b'{"c": N, "features": {"c": N, "b": N, "l": [N]}}'.replace(b"N", number)
    decoded = decode([raw], **fields)
    assert decoded.events.features["c"].status.tolist() == [Status.NONFINITE]
    assert decoded.events.invalid == {("time", "type"): 1, ("version", "nonfinite"): 1}


@pytest.mark.parametrize("depth", [150, 990, 2_000, 100_000])
def test_nesting_costs_one_value(depth: int) -> None:
    for deep in (b"[" * depth + b"]" * depth, b'{"a":' * depth + b"1" + b"}" * depth):
        assert one(b'{"features": {"x": 3}, "y": %s}' % deep) == (3.0, Status.OK)
        assert one(b'{"features": {"x": %s}}' % deep) == (None, Status.TYPE)
        raw = b'{"features": {"x": %s, "t": "[{\\"}"}}' % deep
        for kind in ("list", "category", "text", "boolean"):
            column = decode([raw], kinds={"x": kind}).events.features["x"]
            assert column.status.tolist() == [Status.TYPE]
        assert reasons(b'{"features": {"x": %s}' % deep) == ["malformed"]
    assert reasons(b"[" * depth) == ["malformed"]


def test_lone_surrogates() -> None:
    raw = b'{"v": "a\\ud800", "features": {"c": "\\ud83d\\ude00\\udc00", "t": "\\\\ud800"}}'
    decoded = decode(
        [raw, raw.replace(b"\\ude00", b"x")],
        kinds={"c": "category", "t": "text"},
        version=Where(path=("v",)),
        error=("v",),
        request_id=Where(path=("v",)),
    )
    events = decoded.events
    assert events.features["c"].values_at(np.array([0, 1])) == ["😀\ufffd", "\ufffdx\ufffd"]
    assert events.features["t"].values_at(np.array([0])) == ["\\ud800"]
    assert events.version.names == events.error_names == ("a\ufffd",)
    assert events.request_id == ["a\ufffd"] * 2


def test_bytes_that_are_no_utf8_cost_one_value() -> None:
    raw = b'{"features": {"x": 3, "c": "caf\xe9", "d": "\xed\xa0\x80"}}'
    events = decode([raw], kinds={"x": "number", "c": "category", "d": "text"}).events
    assert events.features["x"].values_at(np.array([0])) == [3]
    assert events.features["c"].values_at(np.array([0])) == ["caf\ufffd"]
    events.features["d"].values_at(np.array([0]))[0].encode()


def test_control_characters_in_strings_are_let_through() -> None:
    assert one(b'{"features": {"x": 3, "c": "a\tb\x00"}}') == (3.0, Status.OK)


def test_duplicate_keys_take_the_last() -> None:
    assert one(b'{"features": {"x": 1, "x": 2}}') == (2.0, Status.OK)
    assert one(b'{"features": {"x": 1}, "features": {"x": 2, "y": NaN}}') == (2.0, Status.OK)
    assert one(b'{"features": {"x": 1}, "features": {}}') == (None, Status.ABSENT)


def test_empty_records() -> None:
    assert reasons(b"", b"  \n", b" " * 1000) == ["empty"] * 3
    assert one(b"{}") == (None, Status.ABSENT)


def test_records_of_512_mib_are_never_looked_at() -> None:
    form = JsonFormat(layout())
    seen: list[int] = []
    quick = form.parser.quick

    def watched(raw: Any) -> Any:
        seen.append(len(raw))
        return quick(raw)

    form.parser.quick = watched
    huge = b" " * (512 * 1024 * 1024)
    batch = stamped([b"{}", huge, b"{}", b" {}"])
    batch = dataclasses.replace(batch, oversized={3: 512 * 1024 * 1024})
    decoded = form.decode(batch)
    assert seen == [2, 2]
    assert decoded.rejected == [Rejected(1, -1, "too_large"), Rejected(3, -1, "too_large")]


def test_the_limit_of_bytes_is_the_largest_that_passes() -> None:
    raw = b'{"features": {"x": 1}}'
    assert reasons(raw + b" ", max_record_bytes=len(b'{"features": {"x": 1.5}}')) == []
    assert reasons(raw + b"   ", max_record_bytes=len(raw) + 2) == ["too_large"]


@pytest.mark.parametrize("features", ["null", "7", '"x"', "[]", "true", '[{"x": 1}]'])
def test_wrong_types_around_a_value_leave_it_absent(features: str) -> None:
    assert one(b'{"features": %s}' % features.encode()) == (None, Status.ABSENT)


@pytest.mark.parametrize("value", [True, [1], {"a": 1}, "one", "1_000", "0x10", "٣", "1,5"])
def test_wrong_types_cost_one_value(value: Any) -> None:
    column = feature("number", 1, value, 2)
    assert column.status.tolist() == [Status.OK, Status.TYPE, Status.OK]
    assert column.values_at(np.arange(3)) == [1, None, 2]


def test_times_in_1970_and_9999_are_read_as_they_are() -> None:
    times = [0, 1, 253_402_300_799, "1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z"]
    events = decode([{"t": t} for t in times], time=Where(path=("t",))).events
    assert [time // 10**6 for time in events.time.tolist()] == [
        0,
        1,
        253_402_300_799,
        0,
        253_402_300_799,
    ]


def test_a_time_that_cannot_be_read_falls_back_to_the_brokers() -> None:
    values = ["yesterday", True, float("nan"), 1e300, [], None, "", "2026-01-01T13:00Z"]
    decoded = decode([{"t": t} for t in values] + [{}], time=Where(path=("t",)))
    late = (NOON_MS + 3_600_000) * 1000
    assert decoded.events.time.tolist() == [NOON_MS * 1000] * 7 + [late, NOON_MS * 1000]
    assert decoded.events.invalid == {("time", "type"): 5}


def test_no_time_at_all_is_no_inference() -> None:
    values: list[Value] = [{"t": "2026-01-01"}, {"t": "soon"}, {}, [{}, {"t": 5}]]
    form = JsonFormat(layout({"x": "number"}, time=Where(path=("t",))))
    decoded = form.decode(records(values))
    assert decoded.rejected == [
        Rejected(1, -1, "no_time"),
        Rejected(2, -1, "no_time"),
        Rejected(3, 0, "no_time"),
    ]
    assert decoded.events.offsets.tolist() == [0, 3]
    assert decoded.events.items.tolist() == [0, 1]
    assert decoded.events.broker_time.tolist() == [-1, -1]
    assert len(decoded.events.features["x"].status) == 2
    assert decoded.events.invalid == {}


def test_a_brokers_timestamp_out_of_all_years_is_none() -> None:
    year_10000 = 253_402_300_800_000
    batch = records([{}] * 5, timestamps_ms=[2**63 - 1, -5, NO_TIMESTAMP, year_10000, 0])
    decoded = JsonFormat(layout()).decode(batch)
    assert [r.reason for r in decoded.rejected] == ["no_time"] * 4
    assert decoded.events.time.tolist() == [0]
