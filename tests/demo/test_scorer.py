from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec
import pandas as pd
import pytest

from monitor.demo.flights import FEATURES, first_days, first_weeks
from monitor.demo.model import fit
from monitor.demo.scorer import (
    AHEAD,
    CHUNK,
    MEMORY_EVERY,
    Pace,
    main,
    obey,
    replay,
    score,
    written_first,
)

SOON = 10.0
A_MOMENT = 0.05


class _Log:
    """Keeps what is written; nothing of it is ever sent."""

    def __init__(self) -> None:
        self.records: list[bytes] = []
        self.finished = False
        self.full, self.beyond = threading.Event(), threading.Event()

    def write(self, records: list[bytes]) -> None:
        self.records += records
        if len(self.records) >= AHEAD:
            self.full.set()
        if len(self.records) > AHEAD:
            self.beyond.set()

    def finish(self) -> None:
        self.finished = True


class _Out(io.StringIO):
    """Knows when it was told that all is done."""

    def __init__(self) -> None:
        super().__init__()
        self.done = threading.Event()

    def write(self, text: str) -> int:
        written = super().write(text)
        if text.startswith("done"):
            self.done.set()
        return written


def _lets_through(pace: Pace, records: int, within: float) -> bool:
    passed = threading.Event()

    def wait() -> None:
        if pace.wait_for(records):
            passed.set()

    threading.Thread(target=wait, daemon=True).start()
    return passed.wait(within)


def test_each_flight_becomes_one_record_in_event_order(flights: pd.DataFrame) -> None:
    some = first_days(flights, 2)
    model = fit(first_weeks(flights))
    asked = []

    def memory() -> int:
        asked.append(1)
        return 1_000 + len(asked)

    records = [msgspec.json.decode(record) for record in score(some, model, memory)]
    assert [record["request_id"] for record in records] == some["request_id"].tolist()
    times = [datetime.fromisoformat(record["timestamp"]) for record in records]
    assert times == some["time"].dt.to_pydatetime().tolist()
    assert len(asked) == -(-len(some) // MEMORY_EVERY)
    assert records[-1]["memory_bytes"] == 1_000 + len(asked)
    for record, cancelled in zip(records, some["dep_delay"].isna(), strict=True):
        assert tuple(record["features"]) == FEATURES
        assert record["prediction"] == model.predict(record["features"])
        assert (record["prediction"] is None) == cancelled
        assert 0 < record["latency_ms"] < 1_000
        assert 0 <= record["cpu_seconds"] < 1
    assert records[0]["model"] == "arrival-delay"


def test_missing_values_are_null_in_the_record(flights: pd.DataFrame) -> None:
    some = flights[flights["pressure"].isna() & flights["dep_delay"].isna()].head(1)
    (record,) = score(some, fit(first_weeks(flights)), lambda: 1)
    features = msgspec.json.decode(record)["features"]
    assert features["pressure"] is None
    assert features["dep_delay"] is None
    assert b"NaN" not in record


def test_what_is_written_first_is_what_is_logged(flights: pd.DataFrame, tmp_path: Path) -> None:
    some = first_days(flights, 2)
    path = tmp_path / "first.jsonl"
    records = written_first(score(some, fit(first_weeks(flights)), lambda: 1), 900, path)
    lines = path.read_bytes().splitlines()  # it is there before any record is given
    logged = list(records)
    assert lines == logged[:900]
    assert len(logged) == len(some)


def test_the_pace_lets_through_what_is_within_reach() -> None:
    pace = Pace(ahead=10)
    assert _lets_through(pace, 10, SOON)
    pace.consumed(5)
    assert _lets_through(pace, 15, SOON)
    pace.consumed(3)  # older news than the last
    assert _lets_through(pace, 15, SOON)


def test_the_pace_holds_back_what_is_not() -> None:
    pace = Pace(ahead=10)
    assert not _lets_through(pace, 11, A_MOMENT)
    pace.consumed(1)
    assert _lets_through(pace, 11, SOON)
    assert not _lets_through(pace, 12, A_MOMENT)


def test_one_who_waits_is_let_through_by_the_news() -> None:
    pace = Pace(ahead=10)
    passed: list[bool] = []
    waiting = threading.Thread(target=lambda: passed.append(pace.wait_for(11)), daemon=True)
    waiting.start()
    waiting.join(A_MOMENT)
    assert passed == []
    pace.consumed(1)
    waiting.join(SOON)
    assert passed == [True]


def test_the_end_of_input_ends_the_wait() -> None:
    pace = Pace(ahead=10)
    obey(["consumed 4\n", "nonsense\n", "consumed x\n", "consumed -1\n", "\n"], pace)
    assert not _lets_through(pace, 1, A_MOMENT)
    waiting = threading.Thread(target=pace.wait_for_end, daemon=True)
    waiting.start()
    waiting.join(SOON)
    assert not waiting.is_alive()


def _records() -> Iterator[bytes]:
    return (b"%d" % n for n in range(AHEAD + 3 * CHUNK))


def _replay(pace: Pace) -> tuple[_Log, _Out, threading.Thread]:
    log, out = _Log(), _Out()
    arguments = (_records(), AHEAD + 3 * CHUNK, log, pace, out)
    thread = threading.Thread(target=replay, args=arguments, daemon=True)
    thread.start()
    return log, out, thread


def test_a_replay_stops_where_the_reader_left_off() -> None:
    pace = Pace(AHEAD)
    log, out, thread = _replay(pace)
    assert log.full.wait(SOON)
    assert not log.beyond.wait(A_MOMENT)
    pace.end()
    thread.join(SOON)
    assert not thread.is_alive()
    assert len(log.records) == AHEAD
    assert not out.done.is_set()


def test_a_replay_says_how_far_it_is_and_stays_up() -> None:
    pace = Pace(AHEAD)
    pace.consumed(AHEAD)
    total = AHEAD + 3 * CHUNK
    log, out, thread = _replay(pace)
    assert out.done.wait(SOON)
    thread.join(A_MOMENT)
    assert thread.is_alive()
    lines = out.getvalue().splitlines()
    assert lines[:2] == [f"produced 0 of {total}", f"produced 2000 of {total}"]
    assert lines[-2:] == [f"produced {total} of {total}", f"done {total}"]
    assert log.finished
    assert log.records == list(_records())
    pace.end()
    thread.join(SOON)
    assert not thread.is_alive()


@pytest.mark.parametrize("days", ["0", "-1", "x"])
def test_days_are_checked(days: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--bootstrap-servers", "127.0.0.1:1", "--topic", "t", "--days", days])
    assert ended.value.code == 2
    assert "--days" in capsys.readouterr().err
