"""Records that are given up early are those that no other way of reading would have saved."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.formats.json import JsonFormat
from collectors.formats.parsing import Parser
from collectors.layout import Feature, Layout, Output
from tests.support.reading import decode_tolerantly, layout, same, stamped

SEEDS = [
    '{"f": {"n": 1.5e-3, "c": "é\\n\\u00e9", "l": [1, [2, {}]]}, "p": -0.1, "v": true}',
    '{"f": {"n": NaN, "c": "\\ud800", "l": [Infinity]}, "p": 1e999, "other": {"a": [nul]}}',
    '\ufeff{"f": {"n": 1}, "p": 12345678901234567890123, "v": "a\x01b"} ',
    '[{"f": {"n": 1}}, {"f": {"c": "x"}}, 3]',
    '{"f": {}, "deep": ' + "[" * 60 + "]" * 60 + "}",
]
TAILS = [" ", "\n", "\x00", "}", "]", "{}", "NaN", ",", '"', "x", "\ufeff", "//", " \t{"]


def asked() -> Layout:
    kinds = (("n", "number"), ("c", "category"), ("l", "list"))
    return layout(
        features=tuple(Feature(name, kind, ("f", name)) for name, kind in kinds),  # type: ignore[arg-type]
        output=Output("number", ("p",)),
    )


def both_agree(raw: list[bytes]) -> None:
    batch = stamped([*raw])
    assert same(JsonFormat(asked()).decode(batch), decode_tolerantly(asked(), batch))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_record_cut_anywhere(seed: str) -> None:
    whole = seed.encode()
    both_agree([whole[:end] for end in range(len(whole) + 1)])


@pytest.mark.parametrize("seed", SEEDS)
def test_a_record_with_something_behind_it(seed: str) -> None:
    both_agree([(seed + tail).encode() for tail in [*TAILS, *SEEDS]])


@given(
    seed=st.sampled_from(SEEDS),
    chance=st.randoms(use_true_random=False),
    edits=st.integers(1, 4),
)
def test_a_record_that_is_damaged_anyhow(seed: str, chance: random.Random, edits: int) -> None:
    raw = bytearray(seed.encode())
    for _ in range(edits):
        place = chance.randrange(len(raw) or 1)
        new = chance.choice(
            [b"", b"NaN", b"\xff", b"\x00", b'"', b"\\", b"{", b"]", b"1", b"\\ud800"]
        )
        raw[place : place + chance.randrange(12)] = new
    both_agree([bytes(raw)])


def test_cut_and_doubled_records_are_given_up_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[bytes] = []
    monkeypatch.setattr(Parser, "_rewritten", lambda self, raw, listed: tried.append(raw))
    good = json.dumps({"f": {"n": 1}}).encode()
    made = JsonFormat(asked()).decode(stamped([good[:-1], good * 2, good]))
    assert [one.reason for one in made.rejected] == ["malformed", "malformed"]
    assert tried == []
