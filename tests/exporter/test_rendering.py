from __future__ import annotations

import gzip
import subprocess
import threading
from collections.abc import Iterable
from pathlib import Path

import pytest
from prometheus_client import Metric as Family
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse_text

from collectors.family import Distribution, Statistic
from monitor.board import Board
from monitor.exporter import AHEAD_FOR, AHEAD_SHARE, Snapshot, negotiate
from monitor.metrics import METRICS
from tests.support.boards import small_board
from tests.support.exposition import IN_DAYS, in_base_units
from tests.support.real import require

GOLDEN = Path(__file__).with_name("golden.txt")
OPENMETRICS = "application/openmetrics-text; version=1.0.0"
HOSTILE = ("\ud800", "a\nb", 'say "hi"', "back\\slash", "{}=,#", "x" * 2**20, "\x00", "\u202e", " ")


Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def openmetrics(body: bytes) -> Samples:
    return samples(parse_openmetrics(body.decode()))  # type: ignore[no-untyped-call]


def samples(families: Iterable[Family]) -> Samples:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def promtool(text: bytes) -> tuple[int, str]:
    done = subprocess.run(
        [require("promtool"), "check", "metrics"], input=text, capture_output=True, check=False
    )
    return done.returncode, (done.stdout + done.stderr).decode()


def hostile_board() -> Board:
    board = Board()
    for value in HOSTILE:
        board.add(Statistic("software.errors", 1, {"reason": value}), value, value)
        missing = Statistic("input.missing_ratio", 0.5, {"feature": value})
        board.set_window(value, value, "1h", [missing])
    return board


class Countdown(Board):
    """A board that counts how often it is read."""

    reads = 0

    def series(self):  # type: ignore[no-untyped-def]
        self.reads += 1
        return super().series()


class TestText:
    def test_golden(self) -> None:
        body = Snapshot(small_board()).get(0.0).body
        assert body.decode() == GOLDEN.read_text("utf-8")

    def test_every_metric_of_the_table_is_in_the_golden_text(self) -> None:
        golden = GOLDEN.read_text("utf-8")
        assert [m.name for m in METRICS if f"# TYPE {m.name} {m.kind}\n" not in golden] == []

    @pytest.mark.promtool
    def test_promtool_has_nothing_to_say(self) -> None:
        assert promtool(in_base_units(GOLDEN.read_bytes())) == (0, "")

    @pytest.mark.promtool
    def test_promtool_would_have_all_times_in_seconds(self) -> None:
        objection = f'{IN_DAYS.decode()} use base unit "seconds" instead of "days"'
        assert promtool(GOLDEN.read_bytes())[1].strip() == objection

    @pytest.mark.promtool
    def test_promtool_would_say_something(self) -> None:
        assert promtool(b"# TYPE things gauge\nthings_total 1\n")[0] != 0

    def test_both_formats_say_the_same(self) -> None:
        snapshot = Snapshot(small_board())
        text = samples(parse_text(snapshot.get(0.0).body.decode()))
        rendering = snapshot.get(0.0, OPENMETRICS)
        assert rendering.body.endswith(b"# EOF\n")
        assert openmetrics(rendering.body) == text
        assert len(text) > len(METRICS)

    def test_buckets_are_cumulative(self) -> None:
        board = Board()
        board.declare("delay", (0.1, 1.0))
        board.add(Statistic("software.latency", Distribution((1, 2, 3), 7.5)), "delay", "v1")
        body = Snapshot(board).get(0.0).body.decode()
        name = "inferwatch_inference_latency_seconds"
        labels = 'model="delay",version="v1"'
        assert [line for line in body.splitlines() if line.startswith(name)] == [
            f'{name}_bucket{{le="0.1",{labels}}} 1.0',
            f'{name}_bucket{{le="1.0",{labels}}} 3.0',
            f'{name}_bucket{{le="+Inf",{labels}}} 6.0',
            f"{name}_count{{{labels}}} 6.0",
            f"{name}_sum{{{labels}}} 7.5",
        ]

    def test_an_empty_board_renders(self) -> None:
        snapshot = Snapshot(Board())
        assert snapshot.get(0.0).body == b""
        assert snapshot.get(0.0, OPENMETRICS).body == b"# EOF\n"


class TestHostileLabels:
    @pytest.mark.promtool
    def test_promtool_reads_them(self) -> None:
        assert promtool(Snapshot(hostile_board()).get(0.0).body) == (0, "")

    def test_every_series_arrives_in_both_formats(self) -> None:
        snapshot = Snapshot(hostile_board())
        text = snapshot.get(0.0).body
        assert len(text) < 8000
        found = samples(parse_text(text.decode()))
        errors = {labels for name, labels in found if name == "inferwatch_inference_errors_total"}
        # The lone surrogate and the zero byte can be shown in one way only.
        assert len(errors) == len(HOSTILE) - 1
        assert 'say "hi"' in {dict(labels)["reason"] for labels in errors}
        assert openmetrics(snapshot.get(0.0, OPENMETRICS).body) == found


class TestNegotiation:
    @pytest.mark.parametrize(
        ("accept", "format"),
        [
            ("", "text"),
            ("*/*", "text"),
            ("text/html", "text"),
            ("text/plain;version=0.0.4;q=0.5,*/*;q=0.1", "text"),
            ("text/plain;version=1.0.0;escaping=allow-utf-8", "text"),
            ("application/openmetrics-text", "openmetrics"),
            ("application/openmetrics-text; version=0.0.1", "text"),
            ("application/openmetrics-text;version=1.0.0,text/plain;q=0.5", "openmetrics"),
            ("application/openmetrics-text;version=2.0.0;escaping=values", "openmetrics"),
            ("application/openmetrics-text; version=ham", "text"),
            ("application/openmetrics-text; version=1\r\nX: y", "text"),
            ("," * 100_000, "text"),
        ],
    )
    def test_openmetrics_only_where_it_is_asked_for(self, accept: str, format: str) -> None:
        assert negotiate(accept) == format

    def test_the_content_type_is_never_what_the_client_wrote(self) -> None:
        snapshot = Snapshot(small_board())
        asked = "application/openmetrics-text; version=7.7.7; escaping=values"
        answered = "application/openmetrics-text; version=1.0.0; charset=utf-8"
        assert snapshot.get(0.0, asked).content_type == answered
        assert snapshot.get(0.0).content_type == "text/plain; version=0.0.4; charset=utf-8"


class TestSnapshot:
    def test_renders_at_most_once_a_second(self) -> None:
        board = Countdown()
        snapshot = Snapshot(board)
        first = snapshot.get(100.0)
        board.add(Statistic("late.rows", 1), "delay")
        assert snapshot.get(100.9) is first
        assert board.reads == 1
        assert b"inferwatch_late_rows_total" in snapshot.get(101.0).body

    def test_renders_only_after_a_change(self) -> None:
        board = Countdown()
        snapshot = Snapshot(board)
        first = snapshot.get(100.0)
        assert snapshot.get(9999.0) is first
        assert board.reads == 1

    def test_a_clock_set_back_does_not_freeze_it(self) -> None:
        board = Board()
        snapshot = Snapshot(board)
        snapshot.get(1e9)
        board.add(Statistic("late.rows", 1), "delay")
        assert snapshot.get(5.0).body

    def test_the_compressed_one_is_the_same(self) -> None:
        rendering = Snapshot(small_board()).get(0.0)
        assert gzip.decompress(rendering.gzipped) == rendering.body
        assert len(rendering.gzipped) < len(rendering.body) / 3

    def test_while_one_renders_others_get_what_there_was(self) -> None:
        rendering, may_end = threading.Event(), threading.Event()

        class Slow(Board):
            slow = False

            def series(self):  # type: ignore[no-untyped-def]
                if self.slow:
                    rendering.set()
                    assert may_end.wait(30)
                return super().series()

        board = Slow()
        snapshot = Snapshot(board)
        before = snapshot.get(0.0)
        board.add(Statistic("late.rows", 1), "delay")
        board.slow = True
        slow = threading.Thread(target=snapshot.get, args=(10.0,))
        slow.start()
        assert rendering.wait(30)
        assert snapshot.get(10.0) is before
        may_end.set()
        slow.join(30)
        assert snapshot.get(10.0) is not before

    def test_after_a_failure_the_next_one_tries_again(self) -> None:
        class Broken(Board):
            broken = True

            def series(self):  # type: ignore[no-untyped-def]
                if self.broken:
                    raise MemoryError
                return super().series()

        board = Broken()
        snapshot = Snapshot(board)
        with pytest.raises(MemoryError):
            snapshot.get(0.0)
        board.broken = False
        assert snapshot.get(0.0).body == b""


class TestAhead:
    """Renderings that are there before they are asked for."""

    def changed(self, board: Board) -> None:
        board.add(Statistic("late.rows", 1), "delay")

    def test_nothing_before_the_first_scrape(self) -> None:
        board = Countdown()
        Snapshot(board).refresh(100.0)
        assert board.reads == 0

    def test_only_the_format_that_was_asked_for_and_only_after_a_change(self) -> None:
        board = Countdown()
        snapshot = Snapshot(board)
        first = snapshot.get(100.0)
        snapshot.refresh(101.0)
        assert board.reads == 1
        self.changed(board)
        snapshot.refresh(102.0)
        assert board.reads == 2
        ahead = snapshot.ready(102.9, "text")
        assert ahead is not None
        assert ahead is not first
        assert b"inferwatch_late_rows_total" in ahead.body
        assert snapshot.ready(102.9, "openmetrics") is None

    def test_it_ends_when_nobody_scrapes_any_more(self) -> None:
        board = Countdown()
        snapshot = Snapshot(board)
        snapshot.get(100.0)
        for now, reads in ((100.0 + AHEAD_FOR - 1, 2), (100.0 + AHEAD_FOR, 2)):
            self.changed(board)
            snapshot.refresh(now)
            assert board.reads == reads
        assert b'total{model="delay"} 2.0' in snapshot.get(1000.0).body

    def test_it_does_not_render_what_another_thread_renders(self) -> None:
        board = Countdown()
        snapshot = Snapshot(board)
        snapshot.get(100.0)
        self.changed(board)
        with snapshot._turns["text"]:
            snapshot.refresh(102.0)
        assert board.reads == 1

    def test_it_goes_on_until_it_is_stopped(self) -> None:
        rendered = threading.Semaphore(0)

        class Seen(Board):
            def series(self):  # type: ignore[no-untyped-def]
                rendered.release()
                return super().series()

        board, stop = Seen(), threading.Event()
        snapshot = Snapshot(board, interval=0.01)
        thread = threading.Thread(target=snapshot.keep_ahead, args=(stop, lambda: 100.0))
        thread.start()
        try:
            snapshot.get(100.0)
            assert rendered.acquire(timeout=30)
            for _ in range(3):
                self.changed(board)
                assert rendered.acquire(timeout=30)
        finally:
            stop.set()
            thread.join(30)
        assert not thread.is_alive()

    def test_a_large_text_is_made_less_often(self, monkeypatch: pytest.MonkeyPatch) -> None:
        waits: list[float] = []

        class Stop(threading.Event):
            def wait(self, timeout: float | None = None) -> bool:
                waits.append(timeout or 0.0)
                return len(waits) > 3

        spent = iter([0.0, 0.001, 10.0, 10.5, 20.0, 20.0])
        monkeypatch.setattr("monitor.exporter.time.thread_time", lambda: next(spent))
        Snapshot(Board()).keep_ahead(Stop(), lambda: 100.0)
        assert waits == [1.0, 1.0, 0.5 / AHEAD_SHARE, 1.0]
