"""The log of switches: what was added is there, in order, and nobody changed it."""

from __future__ import annotations

import hashlib
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import disk
from monitor.switch.log import LARGEST, MENDED, START, Chain, Entry, Log, Tampered, parse, read
from tests.support.faults import FailingOs

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


def written(path: Path, number: int = 5) -> Log:
    log = Log(path, 0.0)
    for place in range(number):
        log.add(
            "approved", f"s{place}", {"who": "ada", "why": "line\nbreak \u2028 ü"}, float(place)
        )
    return log


def bytes_of(path: Path, number: int = 5) -> bytes:
    written(path, number).close()
    return path.read_bytes()


class TestWriting:
    def test_what_was_added_is_read_again(self, tmp_path: Path) -> None:
        log = written(tmp_path / "log")
        log.close()
        again = Log(tmp_path / "log", 9.0)
        assert again.entries == log.entries
        assert again.head == log.head != START
        again.close()

    def test_a_line_is_json_and_its_hash_can_be_made_by_anyone(self, tmp_path: Path) -> None:
        before = START
        for line in bytes_of(tmp_path / "log").splitlines():
            one = json.loads(line)
            said = [one[key] for key in ("number", "before", "at", "kind", "switch", "body")]
            text = json.dumps(said, sort_keys=True, separators=(",", ":"))
            assert one["before"] == before
            before = one["hash"]
            assert before == hashlib.sha256(text.encode()).hexdigest()

    def test_only_its_owner_may_read_it(self, tmp_path: Path) -> None:
        bytes_of(tmp_path / "log")
        assert (tmp_path / "log").stat().st_mode & 0o777 == 0o600

    def test_a_second_process_is_kept_out(self, tmp_path: Path) -> None:
        log = written(tmp_path / "log")
        code = (
            "import sys; from pathlib import Path; from monitor.switch.log import Log; "
            "Log(Path(sys.argv[1]), 0.0)"
        )
        ended = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "log")],
            check=False,
            capture_output=True,
            text=True,
        )
        assert "in use by another process" in ended.stderr
        log.close()

    def test_a_line_that_is_too_long_is_refused_and_costs_nothing(self, tmp_path: Path) -> None:
        log = written(tmp_path / "log", 1)
        with pytest.raises(ValueError, match="takes 65,536 at most"):
            log.add("proposed", "", {"why": "x" * LARGEST}, 1.0)
        log.add("approved", "a", {}, 2.0)
        log.close()
        assert len(read(tmp_path / "log").entries) == 2

    @given(bodies=st.lists(st.dictionaries(st.text(max_size=5), PLAIN, max_size=3), max_size=4))
    def test_any_plain_values_come_back(
        self, tmp_path_factory: pytest.TempPathFactory, bodies: list[dict[str, object]]
    ) -> None:
        path = tmp_path_factory.mktemp("any") / "log"
        log = Log(path, 0.0)
        for body in bodies:
            log.add("k", "s", body, 1.5)
        log.close()
        assert [entry.body for entry in read(path).entries] == bodies

    def test_where_there_is_no_file_the_chain_is_empty(self, tmp_path: Path) -> None:
        assert read(tmp_path / "none") == Chain()
        assert not (tmp_path / "none").exists()


class TestTorn:
    def test_wherever_a_crash_cuts_the_last_line_the_others_are_there(self, tmp_path: Path) -> None:
        data = bytes_of(tmp_path / "log", 3)
        ends = [place + 1 for place, byte in enumerate(data) if byte == 10]
        for size in range(ends[1], ends[2]):
            chain = parse(data[:size])
            assert len(chain.entries) == 2
            assert chain.torn == data[ends[1] : size]
            assert parse(data[:size] + b"\0" * 50).entries == chain.entries

    def test_it_is_removed_and_the_log_says_so(self, tmp_path: Path) -> None:
        path = tmp_path / "log"
        data = bytes_of(path)
        path.write_bytes(data[:-7])
        log = Log(path, 77.0)
        last = log.entries[-1]
        torn = data.splitlines(keepends=True)[-1][:-7]
        assert (last.kind, last.at) == (MENDED, 77.0)
        assert last.body == {"bytes": len(torn), "sha256": hashlib.sha256(torn).hexdigest()}
        log.add("approved", "x", {}, 78.0)
        log.close()
        assert [entry.kind for entry in read(path).entries][-2:] == [MENDED, "approved"]

    def test_another_line_without_an_end_is_no_torn_one(self, tmp_path: Path) -> None:
        data = bytes_of(tmp_path / "log", 3)
        first, second, third = data.splitlines(keepends=True)
        for rest in (b"x", b'{"number":7', second[:-3], third[:-1] + b" " * LARGEST):
            with pytest.raises(Tampered, match=r"line 3: the last line has no end"):
                parse(first + second + rest)


class TestTampering:
    def test_any_byte_that_is_changed_shows_with_its_line(self, tmp_path: Path) -> None:
        data = bytes_of(tmp_path / "log", 3)
        ends = [place for place, byte in enumerate(data) if byte == 10]
        draw = random.Random(8)  # noqa: S311
        for place in range(len(data)):
            changed = bytearray(data)
            changed[place] = draw.choice([byte for byte in range(256) if byte != data[place]])
            if place == ends[-1]:
                continue  # the end of the last line: it has none then, and that is a torn one
            with pytest.raises(Tampered) as caught:
                parse(bytes(changed))
            line = 1 + sum(end < place for end in ends)
            assert caught.value.line in {line, line + 1}

    def test_lines_removed_doubled_or_in_another_order_show(self, tmp_path: Path) -> None:
        lines = bytes_of(tmp_path / "log").splitlines(keepends=True)
        for order in ([1, 2, 3, 4], [0, 2, 3, 4], [0, 1, 1, 2, 3, 4], [0, 2, 1, 3, 4]):
            with pytest.raises(Tampered, match=r"does not follow|its hash"):
                parse(b"".join(lines[place] for place in order))

    def test_a_tail_that_was_cut_shows_against_a_head_that_was_told(self, tmp_path: Path) -> None:
        data = bytes_of(tmp_path / "log")
        told = parse(data).head
        shorter = parse(b"".join(data.splitlines(keepends=True)[:-1]))
        assert parse(data).has(told)
        assert not shorter.has(told)
        assert shorter.has(shorter.head)
        assert shorter.has(START)

    def test_a_history_written_anew_shows_against_it_too(self, tmp_path: Path) -> None:
        told = parse(bytes_of(tmp_path / "log")).head
        log = Log(tmp_path / "other", 0.0)
        for _ in range(9):
            log.add("approved", "s", {"who": "eve"}, 1.0)
        log.close()
        assert not read(tmp_path / "other").has(told)

    def test_nothing_is_added_to_a_log_that_was_changed(self, tmp_path: Path) -> None:
        path = tmp_path / "log"
        changed = bytes_of(path).replace(b"ada", b"eve", 1)
        path.write_bytes(changed)
        with pytest.raises(Tampered, match="line 1"):
            Log(path, 0.0)
        assert path.read_bytes() == changed

    def test_a_whole_chain_of_another_shape_is_none(self) -> None:
        wrong = Entry(0, START, 5, "approved", "s", {})  # a time that is no float
        with pytest.raises(Tampered, match="line 1: is no line of this log"):
            parse(wrong.line())

    @pytest.mark.parametrize("line", [b"[]", b"null", b"{}", b"\xff", b"[" * 90_000, b""])
    def test_what_is_no_line_is_named(self, line: bytes) -> None:
        with pytest.raises(Tampered, match="line 1: is no line of this log"):
            parse(line + b"\n")


class TestFailingDisk:
    def test_a_write_that_fails_leaves_the_log_as_it_was(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        log = written(tmp_path / "log", 2)
        failing = FailingOs(1, 1)
        monkeypatch.setattr(disk, "os", failing)
        with pytest.raises(OSError, match="No space left"):
            log.add("intent", "s", {}, 3.0)
        assert failing.failed == 1
        log.add("approved", "s", {}, 4.0)
        log.close()
        assert [entry.at for entry in read(tmp_path / "log").entries] == [0.0, 1.0, 4.0]

    def test_after_an_fsync_that_fails_nothing_is_written_until_it_is_read_again(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        log = written(tmp_path / "log", 2)
        monkeypatch.setattr(disk, "os", FailingOs(2, 1))
        for _ in range(2):
            with pytest.raises(OSError, match=r"No space left|an earlier write failed"):
                log.add("intent", "s", {}, 3.0)
        log.close()
        again = Log(tmp_path / "log", 5.0)
        again.add("approved", "s", {}, 6.0)
        again.close()
