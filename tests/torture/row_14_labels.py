"""Records whose every label value is hostile: as version, as error, as class."""

from __future__ import annotations

import json
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np
import psutil
from prometheus_client.parser import text_string_to_metric_families

from monitor.board import MAX_LABEL
from tests.support.harness import NOW, Harness
from tests.support.real import require
from tests.torture import Outcome, Stage

NUMBER = 14
FAULT = r"1 million hostile label values (`\ud800`, newlines, quotes, a thousand of 1 MiB)"
BAR = "series within the cap; promtool clean"

MIB = 2**20
BATCH = 500
VERSIONS, ERRORS, CLASSES = 20, 50, 100
CAP = (VERSIONS + 1) * (ERRORS + 1 + 2 * (CLASSES + 1) + 100)
"""Series: for each version its errors, its classes in two windows, and what every version has."""

HEAD = """\
source:
  kafka: {bootstrap_servers: ["127.0.0.1:1"], topics: [inferences], max_record_bytes: 4MiB}
state: {dir: state, dead_letters: {max_bytes: 1MiB}}
web: {listen: "127.0.0.1:0"}
models:
"""
MODEL = f"""\
  - name: m
    fields: {{time: t, version: v, error: e, features: x, prediction: y}}
    features: {{c: {{kind: category}}}}
    output: {{kind: category}}
    caps: {{versions: {VERSIONS}, errors: {ERRORS}, classes: {CLASSES}}}
    windows: [1h, 1d]
"""
BITS = (
    *("\ud800", "\udfff\ud800", "\n", "\r\n", '"', '\\"', "\\", "\\n", "{", "}", '",x="', "#", " "),
    *("\x00", "\x1b[31m", "\x7f", "\u0085", "\u2028", "\u2029", "\u202e", "\ufeff", "\ufffd"),
    *("<script>", "${jndi:x}", "%s", "__other__", "+Inf", "NaN", "le", "é", "字", "😀", "\t", "'"),
)


def hostile(rng: np.random.Generator, number: int) -> str:
    """A value that no other has: made of bits, sometimes long, at times alike but for its end."""
    bits = "".join(BITS[n] for n in rng.integers(0, len(BITS), int(rng.integers(1, 8))))
    kind = number % 16
    if kind == 0:
        return f"{'x' * int(rng.integers(100, 3000))}{bits}{number}"
    if kind == 1:
        return f"{bits * 40}{number}"
    return f"{bits}{number}" if kind % 2 else f"{number}{bits}"


def record(second: float, values: Iterator[str], number: int) -> dict[str, Any]:
    """One record of two label values, and hostile where no label is made of it too."""
    fails = number % 3 == 0
    return {
        "t": second,
        "v": next(values),
        "e": next(values) if fails else None,
        "x": {"c": f"c\ud800\n{number}", f'"\n{number}': 1},
        "y": None if fails else next(values),
    }


def promtool(text: str) -> str:
    """What it has to say about metrics."""
    command = [require("promtool"), "check", "metrics"]
    done = subprocess.run(command, input=text.encode(), capture_output=True, check=False)
    return (done.stdout + done.stderr).decode() + ("" if done.returncode == 0 else "failed")


class Found:
    """What a text of metrics says."""

    def __init__(self, text: str) -> None:
        self.series = 0
        self.totals: dict[str, float] = defaultdict(float)
        self.values: dict[str, set[str]] = defaultdict(set)
        together: dict[tuple[str, ...], set[str]] = defaultdict(set)
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                self.series += 1
                self.totals[sample.name] += sample.value
                labels = sample.labels
                for name, value in labels.items():
                    # The monitor's own version has no model, a whole model's verdict no version.
                    if value and (name != "version" or "model" in labels):
                        self.values[name].add(value)
                owner = (sample.name, labels.get("version", ""), labels.get("window", ""))
                for name in ("reason", "class"):
                    together[(*owner, name)].add(labels.get(name, ""))
        self.most = {
            name: max(len(found) for key, found in together.items() if key[3] == name)
            for name in ("reason", "class")
        }

    def within(self) -> bool:
        """Whether every cap holds, and no value is one that a page or a log could stumble over."""
        values = {value for found in self.values.values() for value in found}
        return (
            self.series <= CAP
            and len(self.values["version"]) <= VERSIONS + 1  # and __other__
            and self.most["reason"] <= ERRORS + 1
            and self.most["class"] <= CLASSES + 1
            and max(map(len, values)) <= MAX_LABEL
            and not any(ord(c) < 32 or 0xD800 <= ord(c) < 0xE000 for v in values for c in v)
        )


def run(stage: Stage) -> Outcome:
    """See the module."""
    rng = np.random.default_rng(stage.seed)
    wanted, large = stage.pick(1_000_000, 6_000), stage.pick(1_000, 30)
    every = max(1, wanted // large)
    harness = Harness(stage.folder, MODEL, HEAD)
    process = psutil.Process()
    before = most = process.memory_info().rss
    given = 0

    def values() -> Iterator[str]:
        nonlocal given
        while True:
            value = hostile(rng, given)
            given += 1
            yield f"{'m' * MIB}{given}\ud800" if given % every == 0 else value

    made, fed, errors, said, looks = values(), 0, 0, "", 0
    while given < wanted:
        batch = [record(NOW + fed / 1000, made, fed + n) for n in range(BATCH)]
        errors += sum(one["e"] is not None for one in batch)
        harness.feed([json.dumps(one).encode() for one in batch])
        fed += len(batch)
        most = max(most, process.memory_info().rss)
        if given >= wanted * (looks + 1) // 10:  # windows close, and it is looked at ten times
            looks += 1
            harness.settle()
            harness.finish()
            said += promtool(harness.text())
    found = Found(harness.text())
    totals = found.totals
    right = (
        said == ""
        and found.within()
        and totals["inferwatch_inferences_total"] == fed
        and totals["inferwatch_inference_errors_total"] == errors
        and totals["inferwatch_records_total"] == fed
        and totals["inferwatch_series_dropped_total"] > 0
    )
    return Outcome(
        exact=right,
        within=True,
        ran=f"{given:,} different values in {fed:,} records, {given // every:,} of them of 1 MiB, "
        f"through decoding, windows and the board; caps of {VERSIONS} versions, {ERRORS} errors, "
        f"{CLASSES} classes; seed {stage.seed}",
        printed=f"{found.series:,} series of {CAP:,} at most; {len(found.values['version'])} "
        f"versions, {found.most['reason']} errors and {found.most['class']} classes at most, "
        f"`__other__` among them; all {fed:,} inferences and {errors:,} errors counted; promtool "
        f"{'clean' if not said else said[:100]} at {looks} looks; {(most - before) / MIB:.0f} MiB "
        "more memory",
    )
