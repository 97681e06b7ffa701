"""Real records, damaged by seed in every way that we know of, millions of them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence

import msgspec
import numpy as np
import pandas as pd

from monitor.demo.flights import FEATURES, read_flights

TOKENS: tuple[bytes, ...] = (
    *(
        b"NaN",
        b"Infinity",
        b"-Infinity",
        b"1e999",
        b"-1e999",
        b"1e-999",
        b"-0",
        b"01",
        b"1.",
        b".5",
    ),
    *(b"null", b"true", b"{}", b"[]", b'""', b'" "', b"0x10", b"+1", b"'a'", b"undefined"),
    *(b'"\\ud800"', b'"\\udfff\\ud800"', b'"\\u0000"', b'"\\uZZZZ"', b'"\xed\xa0\x80"', b'"\xff"'),
    *(
        b'"\n"',
        b'"\\"',
        b'"\x1b[31m"',
        b'"\xe2\x80\xae"',
        b'"a\\nb\\"} 1\\n"',
        b"\x00",
        b"\xef\xbb\xbf",
    ),
    *(b"9" * 5_000, b"-" + b"9" * 400, b"0." + b"1" * 2_000, b"1" * 19, b"18446744073709551616"),
    *(
        b"[" * 2_000,
        b"[" * 2_000 + b"]" * 2_000,
        b'{"a":' * 300 + b"1" + b"}" * 300,
        b"[" * 150 + b"]" * 150,
    ),
    *(
        b'"' + b"x" * 3_000 + b'"',
        b'"1970-01-01T00:00:00Z"',
        b'"9999-12-31T23:59:59Z"',
        b"1e300",
        b"-1",
    ),
    *(b'"0000-00-00"', b'"NaN"', b'"true"', b'{"message": ["a"]}', b'[[1, "a"], NaN]', b"/* */ 1"),
)
"""What is put in the place of values."""

_OPENERS = (
    b"",
    b"\x00",
    b"\x00\x00\x00\x00\x01",
    b"Obj\x01",
    b"\xef\xbb\xbf",
    b" \n\t",
    b"\xff\xfe",
)


def real_records(rng: np.random.Generator, count: int, first: float) -> list[bytes]:
    """Flights that left in 2013, as their model's log would show them now.

    Times begin at `first` (epoch, s), a hundredth of a second apart; some failed.
    """
    flights = _flights().iloc[rng.integers(0, len(_flights()), count)]
    values = flights[[*FEATURES, "arr_delay"]].astype(object)
    rows = values.where(values.notna(), None).to_numpy().tolist()
    stamps = pd.to_datetime(first + np.arange(count) / 100, unit="s", utc=True)
    times = stamps.strftime("%Y-%m-%dT%H:%M:%S.%fZ").tolist()
    latencies = rng.exponential(2.0, count).tolist()
    failed = (rng.random(count) < 0.03).tolist()
    encode = msgspec.json.Encoder().encode
    return [
        encode(
            {
                "request_id": request_id,
                "timestamp": when,
                "model_version": "2013.1",
                "latency_ms": latency,
                "error": "timeout" if fails else None,
                "features": dict(zip(FEATURES, row, strict=False)),
                "prediction": row[-1],
            }
        )
        for request_id, when, latency, fails, row in zip(
            flights["request_id"].tolist(), times, latencies, failed, rows, strict=True
        )
    ]


_cache: list[pd.DataFrame] = []


def _flights() -> pd.DataFrame:
    if not _cache:
        _cache.append(read_flights())
    return _cache[0]


Way = Callable[[bytes, bytes, float, float, bytes], bytes]
"""A record, another one, two places in it from 0 to 1, and a token: what becomes of them."""


def _kept(raw: bytes, other: bytes, a: float, b: float, token: bytes) -> bytes:
    return raw


def _cut(raw: bytes, other: bytes, a: float, b: float, token: bytes) -> bytes:
    return raw[: int(a * len(raw))]


def _holed(raw: bytes, other: bytes, a: float, b: float, token: bytes) -> bytes:
    at = int(a * len(raw))
    return raw[:at] + raw[at + int(b * b * 60) + 1 :]


def _stuffed(raw: bytes, other: bytes, a: float, b: float, token: bytes) -> bytes:
    at = int(a * len(raw))
    return raw[:at] + token + raw[at:]


def _swapped(raw: bytes, other: bytes, a: float, b: float, token: bytes) -> bytes:
    first, second = sorted((int(a * len(raw)), int(b * len(raw))))
    return raw[:first] + raw[second:] + raw[first:second]


def _spliced(raw: bytes, other: bytes, a: float, b: float, token: bytes) -> bytes:
    return raw[: int(a * len(raw))] + other[int(b * len(other)) :]


def _other_value(raw: bytes, other: bytes, a: float, b: float, token: bytes) -> bytes:
    """One value is the token; the structure around it stays."""
    colon = raw.find(b":", int(a * len(raw) * 0.95))
    if colon < 0:
        return raw
    ends = [end for end in (raw.find(b",", colon), raw.find(b"}", colon)) if end > 0]
    return raw[: colon + 1] + token + raw[min(ends, default=len(raw)) :]


def _doubled_keys(raw: bytes, other: bytes, a: float, b: float, token: bytes) -> bytes:
    return raw[:-1] + b"," + _other_value(other, raw, a, b, token)[1:]


def _listed(raw: bytes, other: bytes, a: float, b: float, token: bytes) -> bytes:
    items = (raw, other, _other_value(raw, other, a, b, token), token, b"{}")
    return b"[" + b",".join(items[: int(b * 6)]) + b"]"


def _wrapped(raw: bytes, other: bytes, a: float, b: float, token: bytes) -> bytes:
    return b'{"features":' + raw + b',"prediction":' + token + b"}"


def _opened(raw: bytes, other: bytes, a: float, b: float, token: bytes) -> bytes:
    return _OPENERS[int(a * len(_OPENERS))] + raw


def _token_alone(raw: bytes, other: bytes, a: float, b: float, token: bytes) -> bytes:
    return token


WAYS: tuple[Way, ...] = (
    *(_kept, _kept, _cut, _holed, _stuffed, _swapped, _spliced, _other_value, _other_value),
    *(_other_value, _doubled_keys, _listed, _wrapped, _opened, _token_alone),
)


def mutate(seeds: Sequence[bytes], rng: np.random.Generator, count: int) -> list[bytes]:
    """So many records: seeds in one of the ways each, and of a third some bytes changed as well."""
    picks, others = rng.integers(0, len(seeds), (2, count)).tolist()
    ways = rng.integers(0, len(WAYS), count).tolist()
    tokens = rng.integers(0, len(TOKENS), count).tolist()
    a, b = rng.random((2, count)).tolist()
    made = [
        WAYS[ways[i]](seeds[picks[i]], seeds[others[i]], a[i], b[i], TOKENS[tokens[i]])
        for i in range(count)
    ]
    flipped = np.flatnonzero(rng.random(count) < 1 / 3).tolist()
    for index, raw in zip(flipped, flip([made[i] for i in flipped], rng), strict=True):
        made[index] = raw
    return made


def flip(raws: Sequence[bytes], rng: np.random.Generator) -> list[bytes]:
    """Up to four bytes of each are changed: some to any other, some by one bit."""
    sizes = np.array([len(raw) for raw in raws])
    ends = np.cumsum(sizes)
    buffer = np.frombuffer(bytearray(b"".join(raws)), dtype=np.uint8)
    times = np.where(sizes > 0, rng.integers(1, 5, len(raws)), 0)
    places = np.repeat(ends - sizes, times) + (
        rng.random(int(times.sum())) * np.repeat(sizes, times)
    ).astype(np.int64)
    one_bit = np.uint8(1) << rng.integers(0, 8, len(places)).astype(np.uint8)
    anything = rng.integers(0, 256, len(places)).astype(np.uint8)
    buffer[places] = np.where(rng.random(len(places)) < 0.5, buffer[places] ^ one_bit, anything)
    whole = buffer.tobytes()
    return [
        whole[end - size : end] for end, size in zip(ends.tolist(), sizes.tolist(), strict=True)
    ]


def items(raw: bytes, most: int) -> tuple[int, int]:
    """How many inferences a record holds as Python's own reader has it: at least, and at most.

    The two differ where a list is damaged within brackets so deep that nobody has to look at them.
    """
    text = raw.decode("utf-8", "replace").removeprefix("\ufeff")
    if not text.lstrip().startswith("["):
        return 1, 1
    least = _length(text, most)
    first, last = text.find("[" * _DEEP), text.rfind("]" * _DEEP)
    if not 0 <= first < last:
        return least, least
    return least, max(least, _length(f"{text[:first]}null{text[last + _DEEP :]}", most))


_DEEP = 50


def _length(text: str, most: int) -> int:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(30_000)
    try:
        found = json.loads(text, strict=False, parse_int=len)
    except ValueError:
        return 1
    finally:
        sys.setrecursionlimit(before)
    return len(found) if isinstance(found, list) and 0 < len(found) <= most else 1
