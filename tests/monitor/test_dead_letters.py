"""Dead letters: kept once, bounded, and never in the way."""

from __future__ import annotations

import base64
import errno
import json
import logging
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer
from confluent_kafka import TopicPartition as Place
from hypothesis import given
from hypothesis import strategies as st

from collectors.sources import Partition
from monitor.board import Board
from monitor.config import Config, load
from monitor.dead_letter_topic import ROOM, LetterTopic
from monitor.dead_letters import PER_SECOND, DeadLetters, make_dead_letters
from monitor.letter import MOST_BYTES
from tests.support.boards import values
from tests.support.kafka import Broker, unique

P, Q = Partition("t", 0), Partition("t", 1)
ROOMY = 1 << 30


class Letters:
    """Dead letters with a count, and a clock that leaves room for any number of them."""

    def __init__(self, folder: Path, max_bytes: int = ROOMY) -> None:
        self.counts: Counter[str] = Counter()
        self.place = DeadLetters(folder, max_bytes, self._count)
        self.now = 0.0

    def _count(self, outcome: str, number: int) -> None:
        self.counts[outcome] += number

    def add(
        self, offset: int, partition: Partition = P, item: int = -1, value: bytes = b"x"
    ) -> None:
        self.now += 1
        self.place.add(partition, offset, item, "malformed", value, self.now)


def read(folder: Path) -> list[dict[str, Any]]:
    """Every letter in the files, the oldest first."""
    files = [folder / "dead-letters.1.jsonl", folder / "dead-letters.jsonl"]
    return [json.loads(x) for f in files if f.exists() for x in f.read_bytes().splitlines()]


def names(folder: Path) -> list[tuple[int, int, int]]:
    return [(one["partition"], one["offset"], one["item"]) for one in read(folder)]


def test_a_letter_holds_the_record_as_it_came_and_where_from(tmp_path: Path) -> None:
    letters = Letters(tmp_path / "not" / "there")
    value = bytes(range(256)) * 2
    letters.add(17, Partition("t", 3), 2, value)
    letters.place.add(P, 18, -1, "tombstone", None, 9.0)
    first, second = read(tmp_path / "not" / "there")
    assert base64.b64decode(first.pop("value")) == value
    assert first == {
        **{"topic": "t", "partition": 3, "offset": 17, "item": 2, "reason": "malformed"},
        "bytes": 512,
    }
    assert second["value"] is second["bytes"] is None


def test_a_long_record_is_cut_and_its_size_said(tmp_path: Path) -> None:
    letters = Letters(tmp_path)
    letters.add(0, value=b"y" * (MOST_BYTES + 1))
    (letter,) = read(tmp_path)
    assert len(base64.b64decode(letter["value"])) == MOST_BYTES
    assert letter["bytes"] == MOST_BYTES + 1


def test_what_is_read_again_is_not_kept_twice(tmp_path: Path) -> None:
    before = Letters(tmp_path)
    for offset in range(20):
        before.add(offset)
        before.add(offset, Q, item=3)
    after = Letters(tmp_path)  # the first one was killed; its checkpoint was of these offsets
    after.place.resume({P: 5, Q: 30})
    for offset in range(5, 30):
        after.add(offset)
    after.add(30, Q, item=3)
    after.add(30, Q, item=4)
    found = names(tmp_path)
    assert sorted(found) == sorted(
        [(0, offset, -1) for offset in range(30)]
        + [(1, offset, 3) for offset in range(20)]
        + [(1, 30, 3), (1, 30, 4)]
    )
    # Live counters count what is read again, as Prometheus expects of them.
    assert after.counts == {"kept": 27, "dropped": 0, "failed": 0}


def test_letters_of_the_older_file_are_known_too(tmp_path: Path) -> None:
    before = Letters(tmp_path, max_bytes=2_000)
    for offset in range(15):
        before.add(offset)
    assert (tmp_path / "dead-letters.1.jsonl").exists()
    kept = names(tmp_path)
    after = Letters(tmp_path, max_bytes=ROOMY)
    after.place.resume({P: kept[0][1]})
    for offset in range(kept[0][1], 15):
        after.add(offset)
    assert names(tmp_path) == kept


def test_a_second_reading_goes_on_from_where_it_is_told(tmp_path: Path) -> None:
    letters = Letters(tmp_path)
    for _ in range(3):  # a reload, or a partition that is assigned again
        letters.place.resume({P: 0})
        for offset in range(10):
            letters.add(offset)
    assert names(tmp_path) == [(0, offset, -1) for offset in range(10)]


@given(
    crashes=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 30), st.integers(0, 200))),
    bad=st.sets(st.integers(0, 59)),
)
def test_any_crashes_leave_each_letter_once(
    crashes: list[tuple[int, int, int]], bad: set[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("letters")
    position = 0
    for until, back, torn in [*crashes, (60, 0, 0)]:
        letters = Letters(folder)
        letters.place.resume({P: position})
        for offset in range(position, max(until, position)):
            if offset in bad:
                letters.add(offset)
        file = folder / "dead-letters.jsonl"
        whole = file.read_bytes() if file.exists() else b""
        if torn and whole.endswith(b"\n"):  # the last append went only so far
            last = whole.rstrip(b"\n").rfind(b"\n") + 1
            # What is torn was written after the checkpoint, else it would have been synced.
            at = json.loads(whole[last:])["offset"]
            if at >= position:
                file.write_bytes(whole[: last + torn % (len(whole) - last)])
                position = min(at, max(until - back, position))
                continue
        position = max(until - back, position)
    assert sorted(names(folder)) == [(0, offset, -1) for offset in sorted(bad)]


@pytest.mark.parametrize(
    "damage",
    [
        b'{"topic":"t","parti',
        b'{"topic":"t","partition":0,"offset":9,"item":-1,"reason":"malformed"',
        b"\x00" * 5_000,
        b"\x00" * 5_000 + b"\n",
        b"\n",
        b'{"topic": 1}\n[]\n',
        b"x" * 1_000_000,
    ],
    ids=["cut", "almost whole", "zeros", "a line of zeros", "empty", "other JSON", "long"],
)
def test_a_damaged_end_is_cut_off(tmp_path: Path, damage: bytes) -> None:
    Letters(tmp_path).add(0)
    file = tmp_path / "dead-letters.jsonl"
    whole = file.read_bytes()
    file.write_bytes(whole + damage)
    letters = Letters(tmp_path)
    letters.place.resume({P: 0})
    letters.add(0)
    letters.add(9)
    assert names(tmp_path) == [(0, 0, -1), (0, 9, -1)]


def test_a_letter_that_lacks_but_its_end_is_kept_again(tmp_path: Path) -> None:
    Letters(tmp_path).add(7)
    file = tmp_path / "dead-letters.jsonl"
    file.write_bytes(file.read_bytes().rstrip(b"\n"))
    letters = Letters(tmp_path)
    letters.place.resume({P: 7})
    letters.add(7)
    assert names(tmp_path) == [(0, 7, -1)]


def test_a_file_of_damage_alone_begins_anew(tmp_path: Path) -> None:
    (tmp_path / "dead-letters.jsonl").write_bytes(b"\x00" * 300_000)
    Letters(tmp_path).add(1)
    assert names(tmp_path) == [(0, 1, -1)]


def test_the_files_never_pass_their_bound_and_the_oldest_go_first(tmp_path: Path) -> None:
    letters = Letters(tmp_path, max_bytes=10_000)
    for offset in range(500):
        letters.add(offset, value=b"z" * (offset % 90))
        assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= 10_000
    kept = [name[1] for name in names(tmp_path)]
    assert kept == list(range(kept[0], 500))
    assert len(kept) > 30


def test_a_letter_without_room_is_dropped_and_counted(tmp_path: Path) -> None:
    letters = Letters(tmp_path, max_bytes=1_000)
    letters.add(0, value=b"z" * 1_000)
    letters.add(1)
    assert names(tmp_path) == [(0, 1, -1)]
    assert letters.counts == {"kept": 1, "dropped": 1, "failed": 0}


def test_beyond_the_rate_letters_are_dropped_and_counted(tmp_path: Path) -> None:
    letters = Letters(tmp_path)
    for now in (0.0, 0.0, 0.5):
        for offset in range(PER_SECOND):
            letters.place.add(P, offset, -1, "malformed", b"", now)
    assert letters.counts == {"kept": 1.5 * PER_SECOND, "dropped": 1.5 * PER_SECOND, "failed": 0}
    assert len(read(tmp_path)) == 1.5 * PER_SECOND


def test_a_full_disk_costs_letters_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    letters = Letters(tmp_path)
    letters.add(0)
    plain = Path.open

    def full(path: Path, mode: str = "r", *rest: Any, **more: Any) -> Any:
        if mode == "ab":
            with plain(path, mode) as file:
                file.write(b'{"topic":"t","pa')  # so much found room
            raise OSError(errno.ENOSPC, "No space left on device")
        return plain(path, mode, *rest, **more)

    with monkeypatch.context() as broken:
        broken.setattr(Path, "open", full)
        letters.add(1)
        letters.add(2)
    letters.add(3)
    assert names(tmp_path) == [(0, 0, -1), (0, 3, -1)]
    assert letters.counts == {"kept": 2, "dropped": 0, "failed": 2}
    said = [record.getMessage() for record in caplog.records]
    assert said.count("dead letters are not kept") == 1
    assert said[-1] == "dead letters are kept again"


@pytest.mark.parametrize("error", [errno.EROFS, errno.EACCES, errno.EIO])
def test_a_place_that_cannot_be_written_or_read_never_raises(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    Letters(tmp_path).add(0)

    def refuse(*args: Any, **more: Any) -> Any:
        raise OSError(error, "no")

    letters = Letters(tmp_path)
    monkeypatch.setattr(Path, "open", refuse)
    monkeypatch.setattr("os.open", refuse)
    letters.place.resume({P: 0})
    letters.add(0)
    letters.place.sync()
    letters.place.close()
    assert letters.counts == {"kept": 0, "dropped": 0, "failed": 1}


def test_a_file_in_the_way_of_the_folder_never_raises(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    letters = Letters(tmp_path / "state")
    letters.place.resume({P: 0})
    letters.add(0)
    assert letters.counts["failed"] == 1


def test_the_path_of_a_file_may_be_no_unicode(tmp_path: Path) -> None:
    letters = Letters(tmp_path)
    letters.add(0, Partition("logs/\udcff.jsonl", 0))
    (letter,) = read(tmp_path)
    assert letter["topic"] == "logs/\\udcff.jsonl"


def configured(folder: Path, address: str, *, to: str | None) -> Config:
    letters = "" if to is None else f"dead_letters: {{topic: {to}}}"
    (folder / "inferwatch.yml").write_text(
        f"""\
source: {{kafka: {{bootstrap_servers: ["{address}"], topics: [inferences]}}}}
models: [{{name: m}}]
state: {{dir: state, {letters}}}
"""
    )
    return load(folder / "inferwatch.yml")


def outcomes(board: Board) -> dict[str, float]:
    return {key[0]: float(str(n)) for key, n in values(board, "dead_letters").items()}


def test_the_config_says_where_and_the_board_what_became_of_them(tmp_path: Path) -> None:
    board = Board()
    letters = make_dead_letters(configured(tmp_path, "127.0.0.1:1", to=None), board)
    assert outcomes(board) == {"kept": 0, "dropped": 0, "failed": 0}
    letters.add(P, 0, -1, "malformed", b"x", 0.0)
    assert outcomes(board) == {"kept": 1, "dropped": 0, "failed": 0}
    assert names(tmp_path / "state") == [(0, 0, -1)]


class Stuck:
    """A producer of a Kafka that does not answer until it is let."""

    def __init__(self) -> None:
        self.let = threading.Event()
        self.sent: list[bytes] = []

    def send(self, topic: str, key: bytes, value: bytes, headers: Any) -> Any:
        self.let.wait(30)
        self.sent.append(key)
        return self

    def get(self) -> None:
        """As a future of what was sent."""

    def close(self, timeout: float) -> None:
        """Nothing to give back."""


@pytest.fixture
def counting() -> tuple[Counter[str], Callable[[str, int], None]]:
    counts: Counter[str] = Counter()
    lock = threading.Lock()

    def count(outcome: str, number: int) -> None:
        with lock:
            counts[outcome] += number

    return counts, count


def test_a_topic_that_does_not_answer_blocks_nobody_and_its_room_is_bounded(
    tmp_path: Path, counting: tuple[Counter[str], Callable[[str, int], None]]
) -> None:
    counts, count = counting
    producer = Stuck()
    topic = LetterTopic("letters", lambda: producer, count)
    letters = DeadLetters(tmp_path, ROOMY, count, topic)
    many = 3 * ROOM
    for offset in range(many):
        letters.add(P, offset, -1, "malformed", b"x", float(offset))
    dropped = counts["dropped"]
    assert many - 2 * ROOM <= dropped <= many - ROOM
    producer.let.set()
    letters.close()
    assert counts == {"kept": many - dropped, "dropped": dropped, "failed": 0}
    sent = [int(key.split(b"/")[2]) for key in producer.sent]
    assert sent == sorted(set(sent))
    assert len(sent) == many - dropped
    assert not list(tmp_path.iterdir())


@pytest.mark.kafka
def test_letters_go_to_a_topic(
    broker: Broker, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    topic, board = unique("letters"), Board()
    letters = make_dead_letters(configured(tmp_path, broker.address, to=topic), board)
    long = b"y" * (MOST_BYTES + 1)
    for offset, value in enumerate([b"\xff{", b"", None, long]):
        letters.add(P, offset, -1, "malformed", value, 0.0)
    letters.add(Q, 7, 3, "no_time", b"{}", 0.0)

    def said() -> list[str]:
        return [r.getMessage() for r in caplog.records if r.name.startswith("monitor.")]

    for _ in range(20):
        letters.sync()
        if said():  # the topic is not there yet: tried again
            break
    assert outcomes(board) == {"kept": 0, "dropped": 0, "failed": 0}
    broker.create(topic)
    for _ in range(20):
        letters.sync()
        if outcomes(board)["kept"] == 5:
            break
    assert outcomes(board) == {"kept": 5, "dropped": 0, "failed": 0}
    letters.close()
    again = ["dead letters cannot be written: tried again", "dead letters are written again"]
    assert said() == again
    found = consume(broker, topic, 5)
    assert [message.key() for message in found] == [
        *(b"t/0/0/-1", b"t/0/1/-1", b"t/0/2/-1", b"t/0/3/-1", b"t/1/7/3")
    ]
    assert [message.value() for message in found] == [b"\xff{", b"", None, long[:-1], b"{}"]
    assert dict(found[4].headers()) == {
        **{"reason": b"no_time", "topic": b"t", "partition": b"1", "offset": b"7"},
        **{"item": b"3", "bytes": b"2"},
    }
    assert not (tmp_path / "state").exists()


def consume(broker: Broker, topic: str, wanted: int) -> list[Any]:
    consumer = Consumer({"bootstrap.servers": broker.address, "group.id": unique()})
    consumer.assign([Place(topic, 0, 0)])
    found: list[Any] = consumer.consume(wanted, 20)
    consumer.close()
    return found
