"""Clocks that are wrong in every way: what is accepted is the oracle's, and the watermark holds."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from collectors.sources import CaughtUp, Partition
from tests.support.archives import read
from tests.support.harness import NOW
from tests.support.records import records
from tests.support.scripted import Hand
from tests.torture import Outcome, Stage
from tests.torture.times_daemon import daemon

NUMBER = 13
FAULT = "skewed, late, 1970, year 1, 9999, unreadable, and clocks that go backwards"
BAR = "watermark unharmed; counted"

HOUR, LATENESS, KEEP_LATE, MAX_FUTURE, DAY = 3_600, 300, 3 * 3_600, 300, 86_400
SECOND = 1_000_000
NEVER = -(2**62)
SKEWS = (0.0, -5 * HOUR, 240.0, -26 * HOUR)
"""Of the clocks that write each partition, in seconds."""

YEAR_1 = -62_135_596_800
LAST_OF_9999 = 253_402_300_799

ODD: tuple[tuple[Any, int | None], ...] = (
    (0, 0),
    (0.0, 0),
    ("1970-01-01T00:00:00Z", 0),
    (1, SECOND),
    (-1, -SECOND),
    (YEAR_1, YEAR_1 * SECOND),
    ("0001-01-01T00:00:00Z", YEAR_1 * SECOND),
    ("1969-12-31 23:00", -HOUR * SECOND),
    (LAST_OF_9999, LAST_OF_9999 * SECOND),
    (LAST_OF_9999 * 1_000, LAST_OF_9999 * SECOND),
    (LAST_OF_9999 * SECOND, LAST_OF_9999 * SECOND),
    ("9999-12-31T23:59:59.999999Z", LAST_OF_9999 * SECOND + 999_999),
    ("9999-12-31T23:59:59-23:00", None),
    ("0001-01-01T00:00:00+01:00", None),
    (10**30, None),
    (1e300, None),
    (-1e300, None),
    (2**63, 2**63 // 1_000),  # ns, of the year 2262
    (2**70, None),
    ("tomorrow", None),
    ("2023-13-45T00:00:00Z", None),
    ("10000-01-01T00:00:00Z", None),
    (True, None),
    ({"s": 1}, None),
    ([1_700_000_000], None),
    ("", None),
    (None, None),
)
"""What is in the record, and the time that it is, in us; None: none, the broker's is taken."""


@dataclass(slots=True)
class Row:
    """One record as it is made: its value, the broker's time (ms), and what it is."""

    value: dict[str, Any]
    stamp: int
    time: int | None
    version: str


@dataclass(slots=True)
class Expected:
    """The rule of acceptance, applied to one record after another, and what comes of it."""

    outcomes: Counter[str] = field(default_factory=Counter)
    panes: Counter[tuple[str, int]] = field(default_factory=Counter)
    newest: dict[int, int] = field(default_factory=lambda: defaultdict(lambda: NEVER))

    def add(self, number: int, row: Row, now: float) -> None:
        """The next record of a partition's log."""
        stamp = row.stamp * 1_000
        dated = 0 <= stamp < (LAST_OF_9999 + 1) * SECOND
        time = row.time if row.time is not None else stamp if dated else None
        if time is None:
            self.outcomes["no_time"] += 1
            return
        wall = round(now * SECOND) + DAY * SECOND
        limit = stamp + MAX_FUTURE * SECOND if dated and stamp <= wall else wall
        pane = time // (HOUR * SECOND) * (HOUR * SECOND)
        if time > limit:
            self.outcomes["future"] += 1
            return
        mark = self.newest[number] - LATENESS * SECOND
        if pane + (HOUR + KEEP_LATE) * SECOND <= mark:
            self.outcomes["late"] += 1
        else:
            self.outcomes["ok"] += 1
            self.panes[row.version, pane] += 1
        self.newest[number] = max(self.newest[number], time)


def make(rng: np.random.Generator, number: int, many: int, start: float) -> list[Row]:
    """The log of one partition over ten hours: its clock's time, and nearly half of it wrong."""
    rows = []
    back = 0.0
    for i in range(many):
        wall = start + i / many * 10 * HOUR
        kind = rng.random()
        if i % 97 == 96:  # its clock is set back, and forth again
            back = float(rng.uniform(0, 6 * HOUR)) if back == 0 else 0.0
        time: float = round(wall + SKEWS[number] - back, 3)
        raw: Any = time
        exact: int | None = round(time * SECOND)
        if kind < 0.15:
            raw, exact = ODD[int(rng.integers(len(ODD)))]
        elif kind < 0.25:
            raw = round(wall - float(rng.uniform(0, 30 * HOUR)), 3)
            exact = round(raw * SECOND)
        elif kind < 0.30:
            raw = round(wall + float(rng.uniform(-600, 900)), 3)
            exact = round(raw * SECOND)
        elif kind < 0.35 and exact is not None:
            raw = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=exact)).isoformat()
        rows.append(_row(rng, raw, exact, _stamp(rng, wall)))
    return rows


def _row(rng: np.random.Generator, raw: Any, exact: int | None, stamp: int) -> Row:
    version = "1" if rng.random() < 0.5 else "2"
    value = {"t": raw, "v": version, "x": {"a": float(rng.normal())}, "y": 1.0}
    return Row(value, stamp, exact, version)


def _stamp(rng: np.random.Generator, wall: float) -> int:
    """The broker's time of a record: most often right, else not there, of 1970, or of 2200."""
    kind = rng.random()
    if kind < 0.9:
        return round(wall * 1000)
    if kind < 0.94:
        return -1
    return int(rng.choice([0, 7_258_118_400_000, LAST_OF_9999 * 1_000 + 1_000]))


def flood(stage: Stage, trial: int) -> Iterator[str]:
    """One trial; what was wrong."""
    rng = np.random.default_rng([stage.seed, trial])
    start, many = NOW - 10 * HOUR, 1_500
    logs = [make(rng, number, many, start) for number in range(len(SKEWS))]
    folder = stage.folder / f"flood-{trial}"
    folder.mkdir()
    wanted, hand = Expected(), Hand()
    hand.assign(len(logs))
    with daemon(folder, hand) as one:
        one.now = start
        places = [0] * len(logs)
        while open_ := [n for n, at in enumerate(places) if at < many]:
            number = int(rng.choice(open_))
            first, size = places[number], int(rng.integers(1, 120))
            some = logs[number][first : first + size]
            places[number] += len(some)
            one.now = max(one.now, start + places[number] / many * 10 * HOUR)
            for row in some:
                wanted.add(number, row, one.now)
            stamps = [row.stamp for row in some]
            values = [row.value for row in some]
            hand.give(records(values, "inferences", number, first, timestamps_ms=stamps))
            one.turn()
        yield from _same("outcomes", one.outcomes(), wanted.outcomes)
        state = one.app.pipeline.state()["models"]["m"]["clock"]["newest"]
        marks = {number: newest for _, number, newest in state}
        yield from _same("watermarks", marks, dict(wanted.newest))
        yield from _goes_on(one, hand, wanted, [many] * len(logs))
        one.app.pipeline.finish(one.now)
        yield from _same("outcomes at the end", one.outcomes(), wanted.outcomes)
    archived = {key: pane["rows"] for key, pane in read(folder / "state").items()}
    yield from _same("panes", archived, dict(wanted.panes))


def _goes_on(one: Any, hand: Hand, wanted: Expected, offsets: list[int]) -> Iterator[str]:
    """After the flood, two hours of ordinary traffic: all counted, and panes close as ever."""
    first = one.now
    for step in range(1, 121):
        one.now = first + step * 60
        for number in range(len(offsets)):
            at = one.now - 1.0
            value = {"t": at, "v": "3", "x": {"a": 1.0}, "y": 1.0}
            row = Row(value, round(one.now * 1000), round(at * SECOND), "3")
            wanted.add(number, row, one.now)
            hand.give(records([value], "inferences", number, offsets[number], [row.stamp]))
            offsets[number] += 1
        one.turn()
    ends = one.ends()
    due = (one.now - 1.0 - LATENESS) // HOUR * HOUR
    yield from _same("the newest pane's end", max(ends), due)


def _same(what: str, got: Any, wanted: Any) -> Iterator[str]:
    if got != wanted:
        yield f"{what}: {got!s:.300}, not {wanted!s:.300}"


def wall_clock(stage: Stage, jump: float) -> Iterator[str]:
    """The machine's own clock jumps away and back: what is due is still done."""
    folder = stage.folder / f"wall{jump:+.0f}"
    folder.mkdir()
    hand, talks, rests = Hand(), Partition("inferences", 0), Partition("inferences", 1)
    hand.assign(2)
    with daemon(folder, hand) as one:
        one.now = NOW

        def row(number: int, at: float) -> None:
            value = {"t": at, "v": "1", "x": {"a": 1.0}, "y": 1.0}
            offset = one.app.pipeline.positions.get(Partition("inferences", number), 0)
            hand.give(records([value], "inferences", number, offset))

        def minutes(many: float, *rows: float) -> None:
            for at in rows or [NOW] * round(many * 6):
                one.now += 10
                row(0, at)
                hand.give(CaughtUp(rests, one.app.pipeline.positions.get(rests, 0)))
                one.turn()
                one.app.keeper.wait(0.01)

        # Some pane has closed before, so that there may be revisions.
        minutes(1, *(NOW - HOUR for _ in range(6)))
        minutes(1)
        minutes(1, *(NOW - HOUR for _ in range(6)))
        one.now += jump
        row(1, NOW)  # and its end is first confirmed while the clock is wrong
        minutes(2)
        one.now -= jump
        before = len(one.panes)
        minutes(1, NOW - HOUR, *(NOW for _ in range(6)))
        what = f"clock by {jump:+,.0f} s and back"
        if len(one.panes) == before:
            yield f"{what}: a closed pane is revised, and that is not published"
        position = one.app.pipeline.positions[talks]
        for _ in range(100):
            one.now += 1
            one.turn()
            saved = one.metric("inferwatch_checkpoint_timestamp_seconds")
            fresh = one.now - 30 <= saved <= one.now
            if fresh and hand.committed.get(talks, 0) >= position - 5:
                break
            one.app.keeper.wait(0.05)
        else:
            yield (
                f"{what}: the last checkpoint is of {saved - one.now:+,.0f} s from now, and offset "
                f"{hand.committed.get(talks)} is committed, of {position}"
            )
        # They fall silent, and the pane is closed in its time all the same.
        end = (NOW // HOUR + 1) * HOUR
        while one.now < end + LATENESS + 60:
            one.now += 10
            places = one.app.pipeline.positions
            hand.give(*(CaughtUp(place, places[place]) for place in (talks, rests)))
            one.turn()
        if end not in one.ends():
            yield f"{what}: the pane of silent partitions stays open"


def wall_clock_at_rest(stage: Stage, jump: float) -> Iterator[str]:
    """The same while nothing is sent: the panes of the time that never was hide no later one."""
    folder = stage.folder / f"rest{jump:+.0f}"
    folder.mkdir()
    hand, place = Hand(), Partition("inferences", 0)
    hand.assign(1)
    with daemon(folder, hand) as one:
        one.now = NOW - HOUR

        def turns(many: int, *rows: float) -> None:
            for at in rows or [None] * many:
                one.now += 10
                offset = one.app.pipeline.positions.get(place, 0)
                if at is None:
                    hand.give(CaughtUp(place, offset))
                else:
                    value = {"t": at, "v": "1", "x": {"a": 1.0}, "y": 1.0}
                    hand.give(records([value], "inferences", 0, offset))
                one.turn()
                one.app.keeper.wait(0.01)

        turns(0, *(one.now for _ in range(6)))
        turns(360)
        one.now += jump
        turns(10)
        one.now -= jump
        turns(0, one.now, one.now)
        begun, what = one.now, f"clock by {jump:+,.0f} s and back at rest"
        turns(720)
        sizes = [(pane.rows, pane.revision) for pane in one.panes]
        yield from _same(f"{what}: panes as rows and revision", sizes, [(6, 0), (2, 0)])
        verdicts = {name: value for name, value in one.metrics().items() if "window=6h" in name}
        rested = verdicts["inferwatch_verdict{model=m,subject=input,verdict=no_data,window=6h}"]
        yield from _same(f"{what}: no_data of the newest six hours", rested, 0.0)
        # What comes late for a pane that was closed before is a revision of it, as ever.
        turns(0, NOW - HOUR)
        turns(12)
        late = [(pane.rows, pane.revision) for pane in one.panes if pane.end / 1e6 <= begun]
        yield from _same(f"{what}: with a late row", late[-1:], [(7, 1)])


def run(stage: Stage) -> Outcome:
    """See the module."""
    trials = stage.pick(200, 5)
    problems = [said for trial in range(trials) for said in flood(stage, trial)]
    jumps = (-DAY, DAY, -40 * 365 * DAY, 7_900 * 365 * DAY)
    problems += [said for jump in jumps for said in wall_clock(stage, float(jump))]
    problems += [said for jump in jumps for said in wall_clock_at_rest(stage, float(jump))]
    wrong = f" ({'; '.join(problems[:3])})" if problems else ""
    return Outcome(
        exact=not problems,
        within=not problems,
        ran=f"{trials} floods of 6,000 records in {len(SKEWS)} partitions, clocks hours apart, "
        f"{len(ODD)} odd times, batches of 1 to 119, two ordinary hours after each; the machine's "
        f"clock by {len(jumps)} jumps and back; seed {stage.seed}",
        printed=f"outcomes, watermarks and panes equal to the rule's, record by record: "
        f"{len(problems)} wrong{wrong}",
    )
