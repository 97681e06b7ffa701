"""What every pane has to be: one reading of a topic, with pandas, and nothing of the daemon's.

It knows the format of the records that `tests.support.traffic` makes, the rules of acceptance (a
row is accepted if its pane's end and `KEEP_LATE` lie past the watermark of its own partition), and
the formula of the cells. It shares no code with the summaries.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

PANE, LATENESS, KEEP_LATE, MAX_FUTURE = 3_600, 300, 3 * 3_600, 300
RANGE = (-50.0, 150.0)
Keys = tuple[str, int]


def read(address: str, topic: str, starts: dict[int, int] | None = None) -> pd.DataFrame:
    """Every record of the topic that is an inference, in the order of its partition's log.

    `starts` leaves out what lies before these offsets.
    """
    consumer = Consumer(
        {"bootstrap.servers": address, "group.id": "oracle", "enable.auto.commit": False}
    )
    rows: list[dict[str, Any]] = []
    frames: list[pd.DataFrame] = []  # a row takes ten times less room there than as a dict
    try:
        partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
        ends = {}
        for number in partitions:
            place = TopicPartition(topic, number)
            ends[number] = consumer.get_watermark_offsets(place, timeout=10)[1]
        begin = starts or {}
        places = [TopicPartition(topic, n, begin.get(n, OFFSET_BEGINNING)) for n in partitions]
        consumer.assign(places)
        left = {n for n, end in ends.items() if end > begin.get(n, 0)}
        while left:
            messages = consumer.consume(10_000, timeout=10)
            assert messages, f"nothing more comes, and {left} are not at their end"
            if len(rows) > 100_000:
                frames.append(pd.DataFrame(rows))
                rows = []
            for message in messages:
                assert message.error() is None, message.error()
                number, offset = message.partition(), message.offset()
                row = _row(message.value())
                if row is not None:
                    stamp = message.timestamp()[1]
                    rows.append(row | {"p": number, "o": offset, "stamp": stamp / 1000})
                if offset + 1 >= ends[number]:
                    left.discard(number)
    finally:
        consumer.close()
    everything = pd.concat([*frames, pd.DataFrame(rows)], ignore_index=True)
    return everything.sort_values(["p", "o"], ignore_index=True)


def accepted(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows that count, with the start of their pane in seconds."""
    rows = rows.assign(pane=np.floor(rows["t"] / PANE).astype(np.int64) * PANE)
    future = rows["t"] > rows["stamp"] + MAX_FUTURE
    kept = []
    for _, log in rows.assign(future=future).groupby("p"):
        times = log["t"].where(~log["future"], -np.inf)
        before = times.cummax().shift(fill_value=-np.inf)
        late = log["pane"] + PANE + KEEP_LATE <= before - LATENESS
        kept.append(log[~late & ~log["future"]])
    return pd.concat(kept, ignore_index=True)


def panes(rows: pd.DataFrame) -> dict[str, pd.Series[Any]]:
    """Every statistic of every pane, by version and start; a statistic's name has its labels."""
    return statistics(rows, ["v", "pane"], PANE)


def statistics(rows: pd.DataFrame, keys: list[str], seconds: int) -> dict[str, pd.Series[Any]]:
    """Every statistic of the groups of rows that have equal `keys`."""
    by = rows.groupby(keys)
    found: dict[str, Any] = {
        "rows": by.size(),
        "software.throughput": by.size() / seconds,
        "software.error_ratio": by["failed"].mean(),
        "input.bytes_mean": by["bytes"].mean(),
        "input.items_mean": by.size() / by.size(),
    }
    a, c = rows["a"], rows["c"]
    gone = rows["a_missing"] | c.isna()
    group = [rows[key] for key in keys]
    found["input.missing_ratio feature=a"] = rows["a_missing"].groupby(group).mean()
    found["input.missing_ratio feature=c"] = c.isna().groupby(group).mean()
    found["input.rows_with_missing_ratio"] = gone.groupby(group).mean()
    present = ~rows["a_missing"]
    wrong = present & (a.isna() | (a < RANGE[0]) | (a > RANGE[1]))
    found["input.invalid_ratio feature=a"] = (
        wrong.astype(int).groupby(group).sum() / present.astype(int).groupby(group).sum()
    )
    found["input.mean feature=a"] = by["a"].mean()
    found["input.stddev feature=a"] = by["a"].std(ddof=0)
    answered = rows[~rows["failed"]]
    again = [answered[key] for key in keys]
    found["output.null_ratio"] = answered["y"].isna().groupby(again).mean()
    found["output.mean"] = answered.groupby(keys)["y"].mean()
    found["output.stddev"] = answered.groupby(keys)["y"].std(ddof=0)
    found |= _reruns(answered, keys)
    return found


def cells(values: pd.Series[Any], center: float, exponent: int) -> dict[int, int]:
    """How many values lie in each cell of a grid: the design's formula, with struct-like steps."""
    z = (values.to_numpy(np.float64) - center) / 2.0**exponent
    bits = np.frombuffer((np.abs(z) + 1.0).astype("<f4").tobytes(), dtype="<u4")
    magnitude = (bits // 2**17).astype(np.int64) - 127 * 64
    found, counts = np.unique(np.where(z < 0, -magnitude, magnitude), return_counts=True)
    return dict(zip(found.tolist(), counts.tolist(), strict=True))


def archived_rows(state: Path, model: str = "m") -> int:
    """Rows of all panes of an archive."""
    return sum(int(frame["rows"].iloc[0]) for _, frame in archived(state, model))


def archived(state: Path, model: str = "m") -> Iterator[tuple[Keys, pd.DataFrame]]:
    """The last revision of every pane of an archive, as pandas reads its file."""
    newest: dict[str, tuple[int, Path]] = {}
    for path in (state / "archive" / "panes" / f"model={model}").glob("*/*.parquet"):
        stem, _, revision = path.stem.rpartition("-r")
        if int(revision) >= newest.get(stem, (-1, path))[0]:
            newest[stem] = (int(revision), path)
    for _, path in newest.values():
        frame = pd.read_parquet(path)
        first = frame.iloc[0]
        yield (first["version"], int(first["start"].timestamp())), frame


def _row(value: bytes | None) -> dict[str, Any] | None:
    try:
        record = json.loads(value or b"")
    except ValueError:
        return None
    if not isinstance(record, dict):
        return None
    a, y, x = record["x"].get("a"), record["y"], record["x"]
    missing = a is None or (isinstance(a, float) and np.isnan(a))
    return {
        "t": record["t"],
        "v": record["v"],
        "l": record["l"],
        "failed": record["e"] is not None,
        "a": np.nan if missing or not isinstance(a, int | float) else float(a),
        "a_missing": missing,
        "c": x.get("c"),
        "y": np.nan if y is None else float(y),
        "input": json.dumps([x.get("a"), x.get("c")]),
        "bytes": len(value or b""),
    }


def _reruns(answered: pd.DataFrame, keys: list[str]) -> dict[str, Any]:
    """Share of rows whose input came before, share of those inputs with two answers, and spread."""
    answers = answered["y"].map(repr)  # an answer that is missing is one too
    by_input = answered.assign(answer=answers).groupby([*keys, "input"])
    each = pd.DataFrame({"n": by_input.size(), "answers": by_input["answer"].nunique()})
    each["squares"] = by_input["y"].apply(lambda y: float(((y - y.mean()) ** 2).sum()))
    each["free"] = (by_input["y"].count() - 1).clip(lower=0)
    groups = each.groupby(level=list(range(len(keys))))
    repeated = each[each["n"] >= 2]
    of = repeated.groupby(level=list(range(len(keys))))
    spread = of["squares"].sum() / of["free"].sum()
    return {
        "output.rerun_ratio": 1 - groups.size() / groups["n"].sum(),
        "output.rerun_mismatch_ratio": (repeated["answers"] > 1)
        .groupby(level=list(range(len(keys))))
        .mean(),
        "output.rerun_stddev": np.sqrt(spread),
    }
