"""Our writer of the text against prometheus_client's own."""

from __future__ import annotations

import math
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.family import Distribution, Statistic
from monitor.board import Board
from monitor.web.lines import Lines
from tests.support.boards import small_board
from tests.support.exposition import by_prometheus_client

FORMATS: tuple[Literal["text", "openmetrics"], ...] = ("text", "openmetrics")
NUMBERS = (0.0, -0.0, 1e6, 1e7, 123456789.25, 1e300, 5e-324, math.inf, -math.inf, math.nan, -1e9)


@pytest.mark.parametrize("format", FORMATS)
class TestTheSameBytes:
    def test_of_every_metric(self, format: Literal["text", "openmetrics"]) -> None:
        board = small_board()
        expected = by_prometheus_client(board, format)
        lines = Lines(format)
        assert lines.encode(board.series()[1]) == expected
        assert lines.encode(board.series()[1]) == expected
        assert len(expected.splitlines()) > 100

    def test_of_nothing(self, format: Literal["text", "openmetrics"]) -> None:
        assert Lines(format).encode([]) == by_prometheus_client(Board(), format)

    @given(
        labels=st.lists(st.text(max_size=200), min_size=1, max_size=5),
        value=st.floats() | st.sampled_from(NUMBERS),
    )
    def test_of_any_label_and_number(
        self, format: Literal["text", "openmetrics"], labels: list[str], value: float
    ) -> None:
        board = Board()
        lines = Lines(format)
        for text in labels:
            board.set_window(text, text, "1h", [Statistic("input.mean", value, {"feature": text})])
            board.add(Statistic("software.errors", 1, {"reason": text}), text, "v1")
            assert lines.encode(board.series()[1]) == by_prometheus_client(board, format)

    def test_after_series_went_and_bounds_changed(
        self, format: Literal["text", "openmetrics"]
    ) -> None:
        board, lines = Board(), Lines(format)
        for bounds in ((0.1, 1.0), (0.5, 1.0), (0.5,)):
            board.declare("delay", bounds)
            counts = tuple(range(1, len(bounds) + 2))
            board.add(Statistic("software.latency", Distribution(counts, 7.5)), "delay", "v1")
            board.set_window("delay", "v1", f"{len(bounds)}h", [Statistic("window.rows", 5)])
            assert lines.encode(board.series()[1]) == by_prometheus_client(board, format)
        board.forget("delay", "v1")
        assert lines.encode(board.series()[1]) == by_prometheus_client(board, format)


def test_what_is_gone_is_not_kept() -> None:
    board, lines = Board(), Lines("text")
    for number in range(50):
        board.set_window(
            "delay", "v1", "1h", [Statistic("input.mean", 1, {"feature": str(number)})]
        )
        lines.encode(board.series()[1])
    assert len(lines._begun) == len(board.series()[1])
