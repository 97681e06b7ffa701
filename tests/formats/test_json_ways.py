"""The ways of reading a record agree, and none of them raises, whatever the bytes."""

from __future__ import annotations

import dataclasses
import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.formats.json import JsonFormat
from collectors.formats.parsing import Parser
from collectors.layout import Feature, Layout, Output, OutputKind, Where
from tests.support.reading import decode_tolerantly, layout, same, stamped
from tests.support.records import Value

FEATURES = (
    Feature("number", "number", ("f", "n")),
    Feature("again", "number", ("f", "ü")),
    Feature("category", "category", ("f", "c")),
    Feature("boolean", "boolean", ("f", "b")),
    Feature("text", "text", ("f", "t")),
    Feature("list", "list", ("f", "l")),
    Feature("item", "number", ("f", "l", 1)),
    Feature("image", "image", ("f", "i")),
    Feature("quoted", "category", ("q", 'a"b')),
    Feature("first", "number", ("a", 0)),
    Feature("second", "category", ("a", 1)),
)
KEYS = ["f", "n", "ü", "c", "b", "t", "l", "i", "q", 'a"b', "a", "p", "v", "e", "s", "id", "ms"]


def full(kind: OutputKind) -> Layout:
    """A layout that asks for something at every key."""
    return layout(
        features=FEATURES,
        output=Output(kind, ("p",), null_words=("n/a",)),
        time=Where(path=("time",)),
        time_zone="Europe/Berlin",
        version=Where(path=("v",)),
        request_id=Where(path=("id",)),
        latency=("ms",),
        error=("e",),
        status=("s",),
        resources={"memory_bytes": ("mb",)},
    )


words = st.sampled_from(
    ["", " ", "true", "n/a", "NaN", "1.5", "2026-01-01", "data:image/png;base64,"]
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.integers(-(2**80), 2**80),
    st.floats(),
    words,
    st.text(st.characters(exclude_categories=()), max_size=6),
)
plain = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(st.sampled_from(KEYS), st.text(max_size=3)), inner, max_size=4),
    ),
    max_leaves=8,
)
inner = st.dictionaries(st.sampled_from(KEYS[1:8]), plain, max_size=7)
inferences = st.fixed_dictionaries(
    {},
    optional={
        "f": st.one_of(inner, inner, plain),
        "a": st.one_of(st.lists(plain, max_size=3), plain),
        "q": st.one_of(st.dictionaries(st.just('a"b'), plain), plain),
        "time": scalars,
        **dict.fromkeys(("p", "v", "e", "s", "id", "ms", "mb"), plain),
    },
)
values = st.lists(st.one_of(inferences, inferences, st.lists(st.one_of(inferences, plain))))
kinds = st.sampled_from(["number", "category", "boolean", "scores"])


@settings(max_examples=100, deadline=None)
@given(values, kinds, st.booleans())
def test_every_way_makes_the_same_columns(
    rows: list[Value], kind: OutputKind, ascii_only: bool
) -> None:
    text = [json.dumps(row, ensure_ascii=ascii_only) for row in rows]
    batch = stamped([line.encode("utf-8", "surrogatepass") for line in text])
    quick = JsonFormat(full(kind)).decode(batch)
    assert same(quick, decode_tolerantly(full(kind), batch))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(allow_nan=True), min_size=1))
def test_nan_is_the_same_from_a_literal_and_from_plain_objects(numbers: list[float]) -> None:
    batch = stamped([{"f": {"n": x, "l": [x, x], "c": "NaN"}, "p": x} for x in numbers])
    quick = JsonFormat(full("number")).decode(batch)
    assert same(quick, decode_tolerantly(full("number"), batch))


def check(raw: list[bytes | None]) -> None:
    """Nothing raises, everything is accounted for, and names can be written as UTF-8."""
    made = JsonFormat(full("scores"))
    decoded = made.decode(stamped([*raw]))
    events = decoded.events
    records_seen = set(events.offsets.tolist()) | {r.index for r in decoded.rejected}
    assert records_seen == set(range(len(raw)))
    names = [*events.version.names, *events.error_names, *(events.request_id or [])]
    for column in events.features.values():
        names += getattr(column, "names", ())
    for name in names:
        (name or "").encode()


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(st.none(), st.binary(), st.text().map(str.encode))))
def test_no_bytes_raise(raw: list[bytes | None]) -> None:
    check(raw)


SEEDS = [
    {"f": {"n": 1.5, "ü": None, "c": "é\ud800", "b": True, "t": "text", "l": [1, 2]}, "p": [0.1]},
    {"f": {"n": float("nan"), "l": [float("inf")]}, "p": {"a": 1}, "time": "2026-01-01T00:00:00Z"},
    [{"f": {"n": 1}, "e": {"type": "T"}, "s": 503}, {"v": 3, "id": "x", "ms": 2.5, "a": [1, "b"]}],
]


@pytest.mark.parametrize("seed", range(3))
def test_no_mutation_of_good_records_raises(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    raw: list[bytes | None] = []
    for _ in range(2000):
        text = bytearray(
            json.dumps(chance.choice(SEEDS), ensure_ascii=chance.random() < 0.5).encode(
                "utf-8", "surrogatepass"
            )
        )
        for _ in range(chance.randint(1, 4)):
            place = chance.randrange(len(text))
            if chance.random() < 0.5:
                text[place] = chance.randrange(256)
            elif chance.random() < 0.5:
                del text[place : place + chance.randint(1, 20)]
            else:
                text[place:place] = chance.choice([b"NaN", b"\\ud800", b"[" * 50, b"1" * 400, b'"'])
            text = text or bytearray(b"{")
        raw.append(bytes(text))
    check(raw)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.binary(max_size=30), max_size=5), st.lists(inferences, min_size=1, max_size=3))
def test_bad_records_cost_no_good_one(bad: list[bytes], good: list[dict[str, Any]]) -> None:
    alone = JsonFormat(full("category")).decode(stamped([*good])).events
    bad = [b"\x00" + raw for raw in bad]
    mixed = JsonFormat(full("category")).decode(stamped([*bad, *good, *bad]))
    assert len(mixed.rejected) == 2 * len(bad)
    shifted = dataclasses.replace(mixed.events, offsets=mixed.events.offsets - len(bad))
    assert same(shifted, alone)


def test_which_way_a_record_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clean records, lists, and NaN without escapes never reach the slowest way."""
    taken: list[bytes] = []
    slowest = Parser._tolerant

    def watched(self: Parser, raw: bytes) -> Any:
        taken.append(raw)
        return slowest(self, raw)

    monkeypatch.setattr(Parser, "_tolerant", watched)
    clean = [b'{"f": {"n": 1}}', b'{"f": null}', b'[{"f": {}}]', b'{"f": {"n": NaN}}', b"[{}, {}]"]
    odd = [b'{"f": 1}', b'{"f": {"n": NaN, "t": "\\n"}}', b"[1]", b'{"p": "\xff"}']
    JsonFormat(full("number")).decode(stamped([*clean, *odd]))
    assert taken == odd
