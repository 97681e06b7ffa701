"""Malformed records and NaN among good ones: every good one counted, and at nearly full speed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

import msgspec
import numpy as np

from collectors.sources import Records
from tests.support.harness import NOW, Harness
from tests.support.records import records
from tests.torture import Outcome, Stage

NUMBER = 4
FAULT = "10% malformed records, and 20% with NaN, among good ones"
BAR = (
    "all good ones counted; throughput within 10% of clean for the malformed, within 30% for NaN, "
    "in the same run"
)

NUMBERS, CATEGORIES = 15, 5
BATCH = 2_000
MOST_MALFORMED, MOST_NAN = 0.10, 0.30

MODEL = """\
  - name: m
    fields: {{time: t, latency: latency_ms, features: x, prediction: y}}
    features:
{features}    output: {{kind: number}}
    windows: [1h]
"""


@dataclass
class Lane:
    """One kind of traffic with a daemon of its own: what is fed, and how long that takes."""

    harness: Harness
    spoil: Callable[[bytes, int], bytes]
    spent: list[float] = field(default_factory=list)
    spoiled: int = 0

    def feed(self, good: Sequence[bytes], chosen: Sequence[int], first: int) -> None:
        """Hand over a batch with the chosen records spoiled, by the CPU's own clock."""
        values: list[bytes | None] = [*good]
        for index in chosen:
            values[index] = self.spoil(good[index], first + index)
        self.spoiled += len(chosen)
        batch: Records = records(values, topic="inferences", first_offset=first)
        self.harness.now = NOW + sum(self.spent)
        began = time.thread_time()
        self.harness.app.pipeline.handle(batch, self.harness.now)
        self.spent.append(time.thread_time() - began)


def run(stage: Stage) -> Outcome:
    rounds = stage.pick(150, 6)
    lanes = {
        "clean": (Lane(_harness(stage, "clean"), lambda raw, _: raw), 0.0),
        "malformed": (Lane(_harness(stage, "malformed"), _malformed), 0.10),
        "NaN": (Lane(_harness(stage, "nan"), _with_nan), 0.20),
    }
    for number in range(rounds):
        rng = np.random.default_rng([stage.seed, number])
        good = _good(rng, number)
        order = list(lanes.values())
        for lane, share in order[number % 3 :] + order[: number % 3]:  # none is always the first
            chosen = rng.choice(BATCH, round(BATCH * share), replace=False)
            lane.feed(good, sorted(chosen.tolist()), number * BATCH)
    total = rounds * BATCH
    exact = all(
        _counts(lane, total) == _wanted(name, lane, total) for name, (lane, _) in lanes.items()
    )
    speed = {name: BATCH / median(lane.spent[2:]) for name, (lane, _) in lanes.items()}
    lost = {name: 1 - speed[name] / speed["clean"] for name in ("malformed", "NaN")}
    printed = (
        f"all {total * 3 - lanes['malformed'][0].spoiled:,} good records counted: "
        f"{'yes' if exact else 'NO'}; clean {speed['clean']:,.0f} records/s, with malformed "
        f"{speed['malformed']:,.0f} ({-lost['malformed']:+.1%}), with NaN {speed['NaN']:,.0f} "
        f"({-lost['NaN']:+.1%})"
    )
    within = lost["malformed"] <= MOST_MALFORMED and lost["NaN"] <= MOST_NAN
    ran = (
        f"{rounds} batches of {BATCH:,} records of {NUMBERS + CATEGORIES} features for each of the "
        f"three, by turns; medians of CPU time from bytes to summaries; seed {stage.seed}"
    )
    return Outcome(exact, within, ran, printed)


def _harness(stage: Stage, name: str) -> Harness:
    folder = stage.folder / name
    folder.mkdir()
    features = "".join(f"      number_{j}: {{kind: number}}\n" for j in range(NUMBERS))
    features += "".join(f"      category_{j}: {{kind: category}}\n" for j in range(CATEGORIES))
    made = Harness(folder, MODEL.format(features=features))
    made.feed([], number=0)
    return made


def _good(rng: np.random.Generator, number: int) -> list[bytes]:
    numbers = rng.normal(0, 3, (BATCH, NUMBERS)).round(6).tolist()
    categories = rng.integers(0, 20, (BATCH, CATEGORIES)).tolist()
    encode = msgspec.json.Encoder().encode
    made = []
    for i in range(BATCH):
        x: dict[str, object] = {f"number_{j}": value for j, value in enumerate(numbers[i])}
        x |= {f"category_{j}": f"value-{c}" for j, c in enumerate(categories[i])}
        t = NOW - 1_000 + number + i / BATCH
        made.append(encode({"t": t, "latency_ms": 5.0, "x": x, "y": float(i % 97)}))
    return made


def _malformed(raw: bytes, number: int) -> bytes:
    """Cut, of another kind, with a stray byte inside, doubled, or no JSON at all."""
    middle = len(raw) // 2
    ways = (raw[:middle], b"17", raw[:middle] + b"\x00" + raw[middle:], raw + raw, b"\xff\xfe{")
    return ways[number % len(ways)]


def _with_nan(raw: bytes, number: int) -> bytes:
    """As Python's own `json.dumps` writes a NaN."""
    name = b'"number_%d":' % (number % NUMBERS)
    before, _, after = raw.partition(name)
    return before + name + b"NaN" + after[after.index(b",") :]


def _counts(lane: Lane, total: int) -> Mapping[str, float]:
    metrics = lane.harness.metrics()
    found = {
        outcome: metrics.get(f"inferwatch_records_total{{outcome={outcome},topic=inferences}}", 0.0)
        for outcome in ("ok", "malformed")
    }
    found["nan"] = sum(
        value
        for name, value in metrics.items()
        if name.startswith("inferwatch_input_missing_total") and "reason=nan" in name
    )
    others = sum(v for n, v in metrics.items() if n.startswith("inferwatch_records_total"))
    found["other"] = others - found["ok"] - found["malformed"]
    return found


def _wanted(name: str, lane: Lane, total: int) -> Mapping[str, float]:
    malformed = lane.spoiled if name == "malformed" else 0
    nan = lane.spoiled if name == "NaN" else 0
    return {"ok": total - malformed, "malformed": malformed, "nan": nan, "other": 0}
