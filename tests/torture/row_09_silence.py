"""Silence: of everything, of one partition that has more to say, of one that never says a word."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
import numpy as np

from collectors.sources import CaughtUp, Partition
from tests.support.daemon import Daemon, counted
from tests.support.harness import NOW, Harness
from tests.support.kafka import unique
from tests.support.traffic import Pump, Sender
from tests.torture import Outcome, Stage

NUMBER = 9
FAULT = "all traffic stops; one partition stalls with a backlog; one is empty for ever"
BAR = "`no_data` after its time, no drift verdict; the stalled one waited for; the empty one not"

HOUR = 3_600.0
TICK = 0.25  # of the clock; exact in binary, so that instants are exact
LOOK = 10.0  # between confirmations of the partitions' ends; shorter than these last
CONFIRMED_FOR = 15.0
DAYS = 30

MODEL = """\
  - name: m
    fields: {{time: t, features: x, prediction: y}}
    features: {{a: {{kind: number}}}}
    output: {{kind: number}}
    windows: [1h, 1d]
    lateness: {lateness}s
    idle_timeout: {idle}s
"""
REAL = """\
source:
  kafka: {bootstrap_servers: ["ADDRESS"], topics: [TOPIC], start: earliest}
state: {dir: state, checkpoint_interval: 1s}
web: {listen: "LISTEN"}
models:
  - name: m
    fields: {time: t, features: x, prediction: y}
    features: {a: {kind: number}}
    output: {kind: number}
    windows: [10s, 1m]
    lateness: 1s
    idle_timeout: 2s
"""


@dataclass
class Play:
    """A daemon whose clock and partitions are moved by hand, and what was wrong."""

    harness: Harness
    problems: list[str]
    looks: int = 0
    fed: int = 0

    def rows(self, number: int, *times: float) -> None:
        """Rows of one partition."""
        self.fed += len(times)
        self.harness.feed([{"t": t, "x": {"a": 1.0}, "y": 2.0} for t in times], number)

    def confirm(self, *numbers: int) -> None:
        """These partitions are at their end, as was just asked."""
        for number in numbers:
            place = Partition("inferences", number)
            at = self.harness.app.pipeline.positions[place]
            self.harness.app.pipeline.handle(CaughtUp(place, at), self.harness.now)

    def move(self, to: float) -> None:
        """The clock is there, and the daemon looks twice: for rows, for silence after."""
        self.harness.now = to
        for _ in range(2):
            self.harness.app.pipeline.advance(to)

    def verdicts(self, window: str = "1h") -> set[str]:
        """What is said of the newest window, by any subject."""
        found = self.harness.metrics()
        self.looks += 1
        named = {
            name.partition("verdict=")[2].partition(",")[0]
            for name, value in found.items()
            if name.startswith("inferwatch_verdict{") and f"window={window}" in name and value
        }
        return {name.rstrip("}") for name in named}

    def check(self, what: str, got: object, wanted: object) -> None:
        """Note a difference."""
        if got != wanted:
            at = self.harness.now - NOW
            self.problems.append(f"{what}: {got}, not {wanted} (at +{at} s)")


def play(stage: Stage, name: str, lateness: int, idle: int) -> Play:
    """Begin with a schema that stands, and nothing counted."""
    folder = stage.folder / name
    folder.mkdir()
    harness = Harness(folder, MODEL.format(lateness=lateness, idle=idle))
    return Play(harness, [])


def silent(stage: Stage, trial: int) -> Play:
    """Partitions that fall silent one after another, beside one that is empty for ever."""
    rng = np.random.default_rng([stage.seed, trial])
    lateness = int(rng.choice([1, 60, 300, 1_800]))
    idle = int(rng.choice([1, 30, 60, 600, 3 * 3_600]))
    one = play(stage, f"silent-{trial}", lateness, idle)
    many = int(rng.integers(1, 4))
    ends = NOW + np.sort(rng.integers(0, round(2_700 / TICK), many)) * TICK
    quiet = {number: float(end) for number, end in enumerate(ends)}
    quiet[many] = NOW + int(rng.integers(0, 600)) * TICK  # empty for ever
    for number in range(many):
        one.rows(number, NOW - 1.0)
    one.harness.feed([], number=many)
    one.harness.settle()
    last = max(quiet[number] for number in range(many))
    pane = math.floor(last / HOUR) * HOUR
    due = max(max(quiet.values()) + idle, pane + 2 * HOUR + lateness)
    looks = {*np.arange(one.harness.now + LOOK, due + 60, LOOK).tolist(), *quiet.values()}
    looks |= {due - TICK, due}
    sampled = set(rng.choice(sorted(looks), 8).tolist()) | {due - TICK, due, max(looks)}
    for now in sorted(looks):
        if now <= one.harness.now:
            continue
        for number, since in quiet.items():
            if since <= now and number < many and since > one.harness.now:
                one.rows(number, since)
        one.harness.now = now
        one.confirm(*(number for number, since in quiet.items() if since <= now))
        one.move(now)
        if now in sampled:
            one.check("no_data", "no_data" in one.verdicts(), now >= due)
            one.check("drift", one.verdicts() & {"ok", "alarm"}, set())
    one.check("a day with rows", one.verdicts("1d"), {"no_reference"})
    one.check("rows published", sum(pane.rows for pane in one.harness.panes), one.fed)
    _again(one, many, lateness, idle)
    return one


def _again(one: Play, many: int, lateness: int, idle: int) -> None:
    """Traffic comes back: its pane is closed in its time, and the silence is over."""
    came = math.ceil(one.harness.now) + 60.0
    one.harness.now = came
    one.rows(0, came)
    pane = math.floor(came / HOUR) * HOUR
    due = max(came + idle, pane + HOUR + lateness)
    published = len(one.harness.panes)
    for now in sorted({*np.arange(came, due, LOOK).tolist(), due - TICK, due}):
        one.harness.now = now
        one.confirm(*range(many + 1))
        one.move(now)
        if now < due:
            one.check("too early", len(one.harness.panes), published)
    one.check("the next pane", [pane.rows for pane in one.harness.panes[published:]], [1])
    newest = math.floor((due - lateness) / HOUR) * HOUR == pane + HOUR
    one.check("after silence", one.verdicts(), {"no_reference" if newest else "no_data"})


def stalled(stage: Stage) -> Play:
    """One partition stalls with a backlog, for a month; beside it one is silent, one empty."""
    one = play(stage, "stalled", lateness=60, idle=60)
    one.rows(0, *(NOW - 60.0 + i for i in range(30)))
    one.rows(1, NOW - 1.0)
    one.harness.feed([], number=2)
    one.harness.settle()
    for hour in range(1, DAYS * 24):
        now = NOW + hour * HOUR
        one.rows(1, now)  # one that is not stalled does not close the stalled one's panes
        for second in (0.0, 10.0, 70.0):
            one.harness.now = now + second
            one.confirm(1, 2)
            one.move(now + second)
    one.check("while it stalls", (len(one.harness.panes), one.verdicts()), (0, set()))
    late = [NOW + i * 300.0 for i in range(DAYS * 24 * 12 - 12)]
    for first in range(0, len(late), 500):
        one.rows(0, *late[first : first + 500])
        one.move(one.harness.now + TICK)
        # Its own watermark says how far panes close, and nothing else.
        edge = math.floor((late[min(first + 500, len(late)) - 1] - 60) / HOUR) * HOUR
        ends = {pane.end / 1e6 for pane in one.harness.panes}
        one.check("closed", max(ends, default=0.0), edge if edge > NOW else 0.0)
    one.confirm(0, 1, 2)
    for _ in range(8):
        one.move(one.harness.now + LOOK)
        one.confirm(0, 1, 2)
    one.check("no revision", {pane.revision for pane in one.harness.panes}, {0})
    one.harness.finish()
    one.check("rows published", sum(pane.rows for pane in one.harness.panes), one.fed)
    return one


def unconfirmed(stage: Stage, age: float) -> Play:
    """A confirmation grows stale: nobody answers, so that nobody knows whether there is more.

    `age` is how old it is when the pane may close.
    """
    one = play(stage, f"unconfirmed-{age}", lateness=1, idle=5)
    one.rows(0, NOW)
    one.harness.settle()
    due = NOW + HOUR / 2 + 1.0
    for now in (due - age - 5.0, due - age):
        one.harness.now = now
        one.confirm(0)
    one.move(due - TICK)
    one.check("before its time", len(one.harness.panes), 0)
    one.move(due)
    closed = int(age <= CONFIRMED_FOR)
    one.check("while it is fresh", len(one.harness.panes), closed)
    for days in (1.0, float(DAYS)):
        one.move(due + days * 86_400)
        one.check("once it is stale", len(one.harness.panes), closed)
        one.check("once it is stale", "no_data" in one.verdicts(), False)
    one.confirm(0)
    one.move(one.harness.now)
    one.check("confirmed again", one.verdicts(), {"no_data"})
    return one


def more_to_come(stage: Stage) -> Play:
    """An idle partition has records again: it is waited for until its end is confirmed anew."""
    one = play(stage, "more", lateness=1, idle=5)
    one.rows(0, NOW)
    one.rows(1, NOW)
    one.harness.settle()
    end = NOW + HOUR / 2
    for now in np.arange(end - 60.0, end, LOOK).tolist():
        one.harness.now = now
        one.confirm(0, 1)
        one.move(now)
    one.harness.now = end - 1.0
    one.rows(0, NOW + 1.0)  # and that was not its end
    for now in (end + 1.0, end + 6.0, end + 60.0, end + HOUR):
        one.harness.now = now
        one.confirm(1)
        one.move(now)
        one.check("not at its end", len(one.harness.panes), 0)
    one.confirm(0)
    one.move(one.harness.now + 5.0 - TICK)
    one.check("not idle yet", len(one.harness.panes), 0)
    one.move(one.harness.now + TICK)
    one.check("idle", [pane.rows for pane in one.harness.panes], [3])
    return one


def real(stage: Stage) -> tuple[list[str], str]:
    """The same with Kafka, two partitions with traffic and one without, and panes of 10 s."""
    broker, topic = stage.broker(), unique("silence")
    broker.create(topic, partitions=3)
    folder = stage.folder / "real"
    folder.mkdir()
    config = REAL.replace("ADDRESS", broker.address).replace("TOPIC", topic)
    sender, problems = Sender(broker.address, topic), list[str]()
    with Daemon(folder, config) as daemon:
        daemon.start()
        pump = Pump(sender, _rows(), rate=100)
        pump.start()
        daemon.until(lambda found: _verdict(found) == "no_reference", 90)
        daemon.until(lambda found: counted(found) >= 2_500, 90)
        pump.stop()
        sender.flush()
        last = time.time()
        pane = math.floor(last / 10) * 10
        due = max(last + 2, pane + 21)
        daemon.until(lambda found: _verdict(found) == "no_data", 120)
        after = time.time() - due
        if after < -1:  # the last row is a little older than `last`
            problems.append(f"no_data {-after:.2f} s too early")
        found = daemon.metrics()
        drift = [n for n, v in found.items() if "verdict=ok" in n or "verdict=alarm" in n if v]
        problems += [f"a drift verdict: {name}" for name in drift]
        if counted(found) != sender.sent:
            problems.append(f"{counted(found):,.0f} records of {sender.sent:,}")
        daemon.stop()
    return problems, f"; real Kafka: no_data {after:+.1f} s from its instant, panes of 10 s"


def _rows() -> Iterator[tuple[int, bytes]]:
    number = 0
    while True:
        number += 1
        yield number % 2, msgspec.json.encode({"t": time.time(), "x": {"a": 1.0}, "y": 2.0})


def _verdict(found: dict[str, float]) -> str | None:
    for name, value in found.items():
        if name.startswith("inferwatch_verdict{") and "window=10s" in name and value:
            return name.partition("verdict=")[2].split(",")[0].rstrip("}")
    return None


def run(stage: Stage) -> Outcome:
    """See the module."""
    trials = stage.pick(200, 6)
    plays = [silent(stage, trial) for trial in range(trials)]
    plays += [stalled(stage), more_to_come(stage)]
    plays += [unconfirmed(stage, age) for age in (1.0, CONFIRMED_FOR, CONFIRMED_FOR + TICK)]
    problems = [problem for one in plays for problem in one.problems]
    said = ""
    if stage.full:
        more, said = real(stage)
        problems += more
    looks = sum(one.looks for one in plays)
    wrong = f" ({'; '.join(problems[:3])})" if problems else ""
    return Outcome(
        exact=not problems,
        within=not problems,
        ran=f"{trials} silences of one to three partitions beside an empty one, lateness of 1 s to "
        f"30 min, idle timeout of 1 s to 3 h, by an injected clock; a stall of {DAYS} days; a "
        f"stale confirmation; seed {stage.seed}",
        printed=f"{looks:,} verdicts looked at, to a quarter of a second: {len(problems)} "
        f"wrong{wrong}{said}",
    )
