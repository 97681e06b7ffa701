"""Millions of damaged records: each accounted for, nothing crashes, and `/metrics` stays clean."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Sequence

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from collectors.layout import Layout
from tests.support.boards import values
from tests.support.harness import NOW, Harness
from tests.support.mutants import items, mutate, real_records
from tests.support.real import require
from tests.torture import Outcome, Stage

NUMBER = 7
FAULT = "fuzz: 10 million records by seeded mutation of real ones, 10 thousand by hypothesis"
BAR = "no crash, no unclean `/metrics`"

BATCH = 5_000
SEEDS = 4_000
NEW_SEEDS = 20  # batches
LOOK = 100  # batches
EXAMPLE = 10

MODEL = """\
  - name: delay
    fields:
      time: timestamp
      request_id: request_id
      version: model_version
      latency: {path: latency_ms, unit: ms}
      error: error
      features: features
      prediction: prediction
    features:
      dep_delay: {kind: number, range: [-120, 3000]}
      sched_hour: {kind: number}
      distance: {kind: number}
      temp: {kind: number}
      pressure: {kind: number}
      carrier: {kind: category}
      origin: {kind: category}
      dest: {kind: text}
      wind_speed: {kind: list}
    output: {kind: number}
    windows: [1d]
"""


class Fuzz:
    """A daemon without a source, and an account of what it was fed."""

    def __init__(self, stage: Stage) -> None:
        self.harness = Harness(stage.folder, MODEL)
        self.records = self.least = self.most = 0
        self._batches = 0
        self.wrong: list[str] = []
        self._most_items = Layout("delay", (), None).max_items

    def feed(self, raws: Sequence[bytes]) -> None:
        """Hand over a batch, and look whether all of it is accounted for."""
        for raw in raws:
            least, most = items(raw, self._most_items)
            self.least += least
            self.most += most
        self.records += len(raws)
        self._batches += 1
        harness = self.harness
        harness.now = NOW + self.records / 100
        harness.feed([*raws], timestamps_ms=[round(harness.now * 1000)] * len(raws))
        harness.app.pipeline.advance(harness.now)
        for model in harness.app.pipeline.models.values():
            sick = [n for n, healthy in model.settled.collection.healthy.items() if not healthy]
            self.wrong += [f"batch {self._batches}: collector {name} failed" for name in sick]
        if self._batches % LOOK == 0:
            self.look()

    def look(self) -> None:
        """Every record and item has one outcome, and the text of the metrics can be read."""
        found = sum(self.outcomes().values())
        if not self.least <= found <= self.most:
            self.wrong.append(f"batch {self._batches}: {found:,} outcomes of {self.fed}")
        for family in text_string_to_metric_families(self.harness.text()):
            assert family.samples

    @property
    def fed(self) -> str:
        """What was fed, in words."""
        unsure = f" to {self.most:,}" if self.most > self.least else ""
        return f"{self.least:,}{unsure} records and items"

    def outcomes(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for (_, outcome), number in values(self.harness.app.board, "records").items():
            found[outcome] = found.get(outcome, 0) + int(str(number).removesuffix(".0"))
        return found

    def promtool(self) -> str:
        """What promtool has to say of the metrics; nothing where they are clean."""
        text = self.harness.text().encode()
        command = [require("promtool"), "check", "metrics"]
        done = subprocess.run(command, check=False, input=text, capture_output=True, timeout=120)
        return (done.stdout + done.stderr).decode(errors="replace").strip()


def run(stage: Stage) -> Outcome:
    fuzz = Fuzz(stage)
    total = stage.pick(10_000_000 // stage.share, 20_000)
    began = time.monotonic()
    crash = ""
    try:
        _by_mutation(fuzz, stage.seed, total)
        rate = fuzz.records / (time.monotonic() - began)
        guessed = _by_hypothesis(fuzz, stage.seed, stage.pick(10_000, 200))
        fuzz.harness.finish()
        fuzz.look()
    except Exception as error:
        crash, rate, guessed = f"CRASH after {fuzz.records:,} records: {error!r}; ", 0.0, 0
    unclean = fuzz.promtool()
    outcomes = fuzz.outcomes()
    kinds = ", ".join(f"{name} {number:,}" for name, number in sorted(outcomes.items()) if number)
    said = "; ".join(fuzz.wrong[:3])
    printed = (
        f"{crash}{said + '; ' if said else ''}{fuzz.fed} fed, "
        f"{sum(outcomes.values()):,} outcomes ({kinds}); promtool: {unclean or 'clean'}; "
        f"{rate:,.0f} records/s, making them included"
    ).replace("|", "/")
    exact = not (crash or fuzz.wrong or unclean)
    ran = (
        f"{total:,} flights of 2013 mutated in bytes and structure, {guessed:,} records by "
        f"hypothesis; seed {stage.seed}"
    )
    return Outcome(exact, within=stage.share == 1, ran=ran, printed=printed)


def _by_mutation(fuzz: Fuzz, start: int, total: int) -> None:
    seeds: list[bytes] = []
    for number in range(total // BATCH):
        rng = np.random.default_rng([start, number])
        if number % NEW_SEEDS == 0:
            seeds = real_records(rng, SEEDS, fuzz.harness.now - 60)
            if number == 0:
                fuzz.feed(seeds)  # a schema is chosen from good rows
        fuzz.feed(mutate(seeds, rng, BATCH))


_words = st.text(st.characters(exclude_categories=()), max_size=8)
_scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), _words, st.just("2013-01-01T00:00:00Z")
)
_keys = st.sampled_from(["timestamp", "model_version", "latency_ms", "error", "prediction", "x"])
_inner = st.sampled_from(["dep_delay", "temp", "carrier", "dest", "wind_speed", "x"])
_plain = st.recursive(
    _scalars,
    lambda kids: st.one_of(st.lists(kids, max_size=3), st.dictionaries(_words, kids, max_size=3)),
    max_leaves=6,
)
_inferences = st.builds(
    lambda record, features: {**record, "features": features},
    st.dictionaries(_keys, _plain, max_size=6),
    st.one_of(st.dictionaries(_inner, _plain, max_size=6), _plain),
)
_documents = st.one_of(_inferences, _inferences, st.lists(_inferences, max_size=3), _plain)
_records = st.one_of(
    _documents.map(lambda value: json.dumps(value).encode()),
    _documents.map(lambda v: json.dumps(v, ensure_ascii=False).encode("utf-8", "surrogatepass")),
    st.binary(max_size=40),
)


def _by_hypothesis(fuzz: Fuzz, start: int, wanted: int) -> int:
    """Feed at least so many records that hypothesis makes; how many it were."""
    before, again = fuzz.records, 0
    while fuzz.records - before < wanted:
        left = wanted - (fuzz.records - before)

        @seed(start + again)
        @settings(
            max_examples=max(left // EXAMPLE, 1),
            phases=[Phase.generate],
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(st.lists(_records, min_size=EXAMPLE, max_size=EXAMPLE))
        def feed(raws: list[bytes]) -> None:
            fuzz.feed(raws)

        feed()
        again += 1
    return fuzz.records - before
