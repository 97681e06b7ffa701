from __future__ import annotations

import io

from monitor.progress import Progress


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_file_gets_a_line_each_tenth() -> None:
    out = io.StringIO()
    progress = Progress("flights", 1_000, out)
    for done in range(0, 1_001, 5):
        progress.show(done)
    lines = out.getvalue().splitlines()
    assert lines[:2] == ["flights: 0 of 1,000 (0%)", "flights: 100 of 1,000 (10%)"]
    assert len(lines) == 11
    assert lines[-1] == "flights: 1,000 of 1,000 (100%)"


def test_a_terminal_gets_one_bar_that_ends_its_line() -> None:
    out = _Terminal()
    progress = Progress("flights", 200, out)
    for done in range(201):
        progress.show(done)
    drawn = out.getvalue()
    assert drawn.count("\r") == 101
    assert drawn.count("\n") == 1
    assert drawn.endswith("100%\n")
    assert max(map(len, drawn.split("\r"))) <= 80


def test_more_than_all_is_all() -> None:
    out = io.StringIO()
    Progress("flights", 10, out).show(11)
    assert "(100%)" in out.getvalue()


def test_nothing_to_do_is_no_error() -> None:
    out = io.StringIO()
    Progress("flights", 0, out).show(0)
    assert out.getvalue()
