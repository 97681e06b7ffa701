from __future__ import annotations

import sys
import threading
from collections.abc import Callable

import pytest

from collectors.family import Distribution, Statistic
from monitor.board import MAX_LABEL, OTHER, Board, Caps, Histogram, label
from tests.support.boards import values

M, V = "delay", "v1"


def error(reason: str, rows: int = 1) -> Statistic:
    return Statistic("software.errors", rows, {"reason": reason})


def share(name: str, value: float) -> Statistic:
    return Statistic("output.class_ratio", value, {"class": name})


def mean(feature: str, value: float) -> Statistic:
    return Statistic("input.mean", value, {"feature": feature})


def dropped(board: Board, name: str) -> object:
    return values(board, "series_dropped")[M, name]


class TestCounters:
    def test_increments_add_up_for_each_model_version_and_label(self) -> None:
        board = Board()
        for rows in (2, 3):
            board.add(error("timeout", rows), M, V)
        board.add(error("timeout", 7), M, "v2")
        board.add(error("500", 11), "other", V)
        assert values(board, "software.errors") == {
            (M, V, "timeout"): 5,
            (M, "v2", "timeout"): 7,
            ("other", V, "500"): 11,
        }

    def test_adding_nothing_makes_a_counter_exist_at_zero(self) -> None:
        board = Board()
        board.add(error("timeout", 0), M, V)
        assert values(board, "software.errors") == {(M, V, "timeout"): 0}

    def test_the_order_of_labels_does_not_matter(self) -> None:
        board = Board()
        board.add(Statistic("input.missing", 1, {"feature": "a", "reason": "null"}), M, V)
        board.add(Statistic("input.missing", 1, {"reason": "null", "feature": "a"}), M, V)
        assert values(board, "input.missing") == {(M, V, "a", "null"): 2}

    def test_a_histogram_adds_bucket_by_bucket(self) -> None:
        board = Board()
        board.declare(M, (0.1, 1.0))
        for total in (0.5, 2.0):
            board.add(Statistic("software.latency", Distribution((1, 0, 2), total)), M, V)
        assert values(board, "software.latency") == {
            (M, V): Histogram((0.1, 1.0), (2, 0, 4), 2.5),
        }

    def test_new_buckets_start_the_histogram_again_and_leave_counters_alone(self) -> None:
        board = Board()
        board.declare(M, (0.1, 1.0))
        board.add(Statistic("software.latency", Distribution((1, 0, 2), 0.5)), M, V)
        board.add(Statistic("software.inferences", 3), M, V)
        board.declare(M, (0.1, 1.0))
        assert values(board, "software.latency")
        board.declare(M, (5.0,))
        assert not values(board, "software.latency")
        board.add(Statistic("software.latency", Distribution((4, 0), 0.5)), M, V)
        assert values(board, "software.latency") == {(M, V): Histogram((5.0,), (4, 0), 0.5)}
        assert values(board, "software.inferences") == {(M, V): 3}

    def test_it_may_be_read_while_new_series_come(self) -> None:
        board = Board()
        failures: list[Exception] = []
        done = threading.Event()

        def read() -> None:
            while not done.is_set():
                try:
                    board.series()
                except RuntimeError as error:  # a dictionary that grew under the reader
                    failures.append(error)
                    return

        reader = threading.Thread(target=read)
        before = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)
        try:
            reader.start()
            for number in range(2000):
                board.add(Statistic("software.inferences", 1), M, f"v{number}")
        finally:
            done.set()
            reader.join()
            sys.setswitchinterval(before)
        assert failures == []
        assert len(values(board, "software.inferences")) == 2000


class TestWindows:
    def test_a_window_is_replaced_whole(self) -> None:
        board = Board()
        board.set_window(M, V, "1h", [mean("a", 1.0), mean("b", 2.0)])
        board.set_window(M, V, "1d", [mean("a", 9.0)])
        board.set_window(M, V, "1h", [mean("b", 3.0)])
        assert values(board, "input.mean") == {(M, V, "1h", "b"): 3.0, (M, V, "1d", "a"): 9.0}

    def test_a_window_without_rows_is_removed(self) -> None:
        board = Board()
        board.set_window(M, V, "1h", [mean("a", 1.0)])
        board.drop_window(M, V, "1h")
        board.drop_window(M, V, "1h")
        assert not values(board, "input.mean")

    def test_versions_whose_names_clean_to_the_same_make_one_series(self) -> None:
        board = Board()
        for version in ("v\x00", "v\x01"):
            board.set_window(M, version, "1h", [mean("a", 1.0)])
            board.add(Statistic("software.inferences", 1), M, version)
        assert values(board, "input.mean") == {(M, "v\ufffd", "1h", "a"): 1.0}
        assert values(board, "software.inferences") == {(M, "v\ufffd"): 2}


class TestForget:
    def test_a_version_goes_with_its_counters_and_windows_and_leaves_the_rest(self) -> None:
        board = Board()
        for version in (V, "v2"):
            board.add(Statistic("software.inferences", 1), M, version)
            board.set_window(M, version, "1h", [mean("a", 1.0)])
        board.add(Statistic("late.rows", 4), M, V)
        board.forget(M, V)
        assert values(board, "software.inferences") == {(M, "v2"): 1}
        assert values(board, "input.mean") == {(M, "v2", "1h", "a"): 1.0}
        assert values(board, "late.rows") == {(M,): 4}

    def test_a_version_that_comes_back_starts_at_zero(self) -> None:
        board = Board()
        board.add(Statistic("software.inferences", 5), M, V)
        board.forget(M, V)
        board.add(Statistic("software.inferences", 1), M, V)
        assert values(board, "software.inferences") == {(M, V): 1}

    def test_the_version_without_a_name_does_not_take_the_models_own_counters(self) -> None:
        board = Board()
        board.add(Statistic("late.rows", 4), M)
        board.add(Statistic("software.inferences", 4), M)
        board.forget(M, "")
        assert values(board, "late.rows") == {(M,): 4}
        assert not values(board, "software.inferences")


class TestGroups:
    def test_a_group_is_replaced_whole(self) -> None:
        board = Board()
        up = Statistic("process.up", 1)
        board.replace_group(("process", M), [up, Statistic("process.threads", 8)], M)
        board.replace_group(("process", "b"), [up], "b")
        board.replace_group(("process", M), [Statistic("process.up", 0)], M)
        assert values(board, "process.up") == {(M,): 0, ("b",): 1}
        assert not values(board, "process.threads")

    def test_a_counter_in_a_group_is_set_not_added(self) -> None:
        board = Board()
        for total in (5.0, 6.0):
            board.replace_group(("process", M), [Statistic("process.cpu_seconds", total)], M)
        assert values(board, "process.cpu_seconds") == {(M,): 6.0}

    def test_a_gauge_keeps_its_own_version_label(self) -> None:
        board = Board()
        board.set_gauge(Statistic("build_info", 1, {"version": "0.1.0", "python": "3.11"}))
        assert values(board, "build_info") == {("0.1.0", "3.11"): 1}


class TestGone:
    """What the daemon puts there of two models and two lengths of window."""

    def full(self) -> Board:
        board = Board()
        for model in (M, "other"):
            board.add(Statistic("alarms", 2, {"window": "1h", "reference": "r"}), model)
            about = {"reference": "r", "certainty": "provisional"}
            info = Statistic("calibration.info", 1, about | {"dependence": "ok", "daily": "off"})
            board.replace_group(("calibration", model), [info], model)
            for window in ("1h", "1d"):
                of = {"window": window, "reference": "r"}
                board.set_window(model, V, window, [mean("a", 1.0)])
                limit = Statistic("score.threshold", 9, of | {"rule": "alone"})
                board.replace_group(("scores", model, window), [limit], model)
                alarm = Statistic("alarms_30d", 1, of)
                board.replace_group(("alarm", model, window), [alarm], model)
        return board

    def places(self, board: Board) -> set[tuple[str, str]]:
        """Model and window of all that is there, "" where it is of none."""
        found = set()
        for series in board.series()[1]:
            window = next((label for label in series.labels if label in {"1h", "1d"}), "")
            found.add((series.labels[0], window))
        return found

    def test_a_length_of_window_takes_its_scores_and_alarms_along(self) -> None:
        board = self.full()
        whole = self.places(board)
        assert whole == {(m, w) for m in (M, "other") for w in ("1h", "1d", "")}
        board.drop_length(M, "1d")
        assert self.places(board) == whole - {(M, "1d")}
        assert values(board, "alarms_30d").keys() == {
            (M, "1h", "r"),
            ("other", "1h", "r"),
            ("other", "1d", "r"),
        }

    def test_a_model_takes_all_of_its_own_along(self) -> None:
        board = self.full()
        board.drop_model(M)
        assert {model for model, _ in self.places(board)} == {"other"}


class TestCaps:
    def test_error_reasons_beyond_the_cap_share_one_series_and_are_counted(self) -> None:
        board = Board()
        board.declare(M, caps=Caps(reasons=2))
        for reason in ("a", "b", "c", "d", "a", OTHER):
            board.add(error(reason), M, V)
        assert values(board, "software.errors") == {
            (M, V, "a"): 2,
            (M, V, "b"): 1,
            (M, V, OTHER): 3,
        }
        assert dropped(board, "reason") == 2

    def test_the_cap_is_for_each_version_and_freed_with_it(self) -> None:
        board = Board()
        board.declare(M, caps=Caps(reasons=1))
        board.add(error("a"), M, V)
        board.add(error("b"), M, "v2")
        board.forget(M, V)
        board.add(error("c"), M, V)
        assert values(board, "software.errors") == {(M, V, "c"): 1, (M, "v2", "b"): 1}

    def test_classes_beyond_the_cap_add_up_their_shares(self) -> None:
        board = Board()
        board.declare(M, caps=Caps(classes=2))
        shares = [share("a", 0.4), share("b", 0.3), share("c", 0.15), share("d", 0.1)]
        for _ in range(2):
            board.set_window(M, V, "1h", [*shares, share(OTHER, 0.05)])
        found = values(board, "output.class_ratio")
        assert found == {
            (M, V, "1h", "a"): 0.4,
            (M, V, "1h", "b"): 0.3,
            (M, V, "1h", OTHER): pytest.approx(0.3),
        }
        assert dropped(board, "class") == 4

    def test_every_capped_label_is_counted_from_zero(self) -> None:
        board = Board()
        board.declare(M)
        assert values(board, "series_dropped") == {
            (M, "version"): 0,
            (M, "reason"): 0,
            (M, "class"): 0,
        }
        board.drop(M, "version")
        assert dropped(board, "version") == 1

    def test_hostile_reasons_leave_nothing_behind(self) -> None:
        board = Board()
        board.declare(M, caps=Caps(reasons=3))
        for number in range(500):
            board.add(error(f"x{number}"), M, V)
            board.add(error("y" * 200 + str(number)), M, V)
            board.add(Statistic("software.inferences", 1), M, f"v\x00{number % 2}")
        held = sum(map(len, board._shortcuts.values()))
        assert held <= 4
        assert len(values(board, "software.errors")) == 4


class TestGeneration:
    def test_every_change_changes_it_and_reading_does_not(self) -> None:
        board = Board()
        seen = {board.generation}
        changes: tuple[Callable[[], None], ...] = (
            lambda: board.declare(M),
            lambda: board.add(error("a"), M, V),
            lambda: board.set_window(M, V, "1h", [mean("a", 1.0)]),
            lambda: board.drop_window(M, V, "1h"),
            lambda: board.replace_group(("process", M), [Statistic("process.up", 0)], M),
            lambda: board.set_gauge(Statistic("build_info", 1, {"version": "0", "python": "3"})),
            lambda: board.drop(M, "version"),
            lambda: board.forget(M, V),
        )
        for change in changes:
            change()
            assert board.generation not in seen
            seen.add(board.generation)
        generation, _ = board.series()
        assert board.generation == generation


class TestMistakes:
    def test_an_unknown_statistic_is_named(self) -> None:
        with pytest.raises(KeyError, match=r"software\.wishes"):
            Board().add(Statistic("software.wishes", 1), M, V)

    def test_wrong_labels_are_named(self) -> None:
        board = Board()
        with pytest.raises(ValueError, match=r"software\.errors takes the labels .*reason"):
            board.add(Statistic("software.errors", 1), M, V)
        with pytest.raises(ValueError, match=r"it was given .*colour"):
            board.add(Statistic("software.inferences", 1, {"colour": "red"}), M, V)

    def test_kinds_are_not_mixed_up(self) -> None:
        board = Board()
        with pytest.raises(ValueError, match="is a gauge"):
            board.add(mean("a", 1.0), M, V)
        with pytest.raises(ValueError, match="is a counter"):
            board.set_window(M, V, "1h", [error("a")])
        with pytest.raises(ValueError, match="takes a number"):
            board.add(Statistic("software.inferences", Distribution((1,), 1.0)), M, V)
        with pytest.raises(ValueError, match="takes a distribution"):
            board.add(Statistic("software.latency", 1), M, V)
        with pytest.raises(ValueError, match="takes a number"):
            board.set_gauge(Statistic("process.up", Distribution((1,), 1.0)), M)

    def test_a_refused_window_leaves_the_old_one(self) -> None:
        board = Board()
        board.set_window(M, V, "1h", [mean("a", 1.0)])
        with pytest.raises(ValueError, match="labels"):
            board.set_window(M, V, "1h", [mean("a", 2.0), Statistic("input.mean", 3.0)])
        assert values(board, "input.mean") == {(M, V, "1h", "a"): 1.0}


class TestLabel:
    @pytest.mark.parametrize("value", ["", "late", "Zürich", "到着 遅延", "a\u00a0b", 'say "no"\\'])
    def test_what_prometheus_takes_stays(self, value: str) -> None:
        assert label(value) == value

    @pytest.mark.parametrize("value", ["a\nb", "a\x00b", "a\ud800b", "a\u2028b", "a\x9fb"])
    def test_what_cannot_be_shown_is_replaced(self, value: str) -> None:
        assert label(value) == "a\ufffdb"

    def test_a_long_value_is_cut_and_stays_apart_from_its_like(self) -> None:
        long = "x" * (1024 * 1024)
        cut = {label(long), label(long + "y"), label("x" * MAX_LABEL), label(long + "\ud800")}
        assert len(cut) == 4
        assert {len(value) for value in cut} == {MAX_LABEL}
