"""Dead letters: kept once, as they came, and bounded."""

from __future__ import annotations

import base64
from pathlib import Path

from collectors.sources import Partition
from monitor.dead_letters import PER_SECOND
from monitor.letter import MOST_BYTES
from tests.support.letters import ROOMY, Letters, P, Q, names, read


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


def test_the_path_of_a_file_may_be_no_unicode(tmp_path: Path) -> None:
    letters = Letters(tmp_path)
    letters.add(0, Partition("logs/\udcff.jsonl", 0))
    (letter,) = read(tmp_path)
    assert letter["topic"] == "logs/\\udcff.jsonl"
