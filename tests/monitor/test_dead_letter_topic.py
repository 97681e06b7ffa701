"""Dead letters in a topic, where the config says so."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer
from confluent_kafka import TopicPartition as Place

from monitor.board import Board
from monitor.config import Config, load
from monitor.dead_letter_topic import ROOM, LetterTopic
from monitor.dead_letters import DeadLetters, make_dead_letters
from monitor.letter import MOST_BYTES
from tests.support.boards import values
from tests.support.kafka import Broker, unique
from tests.support.letters import ROOMY, P, Q, names


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
