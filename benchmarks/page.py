"""How long the pages take: the first view of many models, and of one with a year behind it.

    python -m benchmarks.page [--models 100]

The board is as a daemon has it with two windows, twenty features and a reference for each model.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from collectors.family import Statistic
from monitor import verdicts
from monitor.archive import Archive, Event
from monitor.board import Board
from monitor.config_web import Web
from monitor.server import Exporter
from monitor.web.pages.making import Maker
from monitor.web.pages.routes import YOUNG, Pages
from monitor.web.pages.watched import Watched

HOUR = 3_600_000_000
WINDOWS = (("1h", HOUR), ("1d", 24 * HOUR))
FEATURES = 20
STATISTICS = ("distribution", "shape", "mean", "spread", "missing", "invalid")
END = 1_767_225_600_000_000
TRIES = 15


def fill(board: Board, model: str, *, alarm: bool) -> None:
    """The series of one model."""
    names = [f"feature_{number}" for number in range(FEATURES)]
    for window, _ in WINDOWS:
        shown = [
            Statistic(f"input.{kind}", 0.5, {"feature": name})
            for name in names
            for kind in ("mean", "stddev", "missing_ratio", "invalid_ratio")
        ]
        shown += [Statistic("window.rows", 1_000), Statistic("window.end", END / 1e6)]
        board.set_window(model, "1", window, shown)
        said = dict.fromkeys(("input", "output", "software"), "alarm" if alarm else "ok")
        given = verdicts.statistics(said, window, "0123456789abcdef")  # type: ignore[arg-type]
        board.replace_group(("verdict", model, window), given, model)
        of = {"window": window, "reference": "0123456789abcdef"}
        scores = [
            Statistic("score", 1.0, of | labels | {"version": "", "statistic": kind})
            for name in names
            for kind in STATISTICS
            for labels in ({"subject": "input", "feature": name},)
        ]
        scores.append(Statistic("score.threshold", 13.0, of | {"rule": "alone"}))
        board.replace_group(("scores", model, window), scores, model)
        if alarm:
            cause = of | {"version": "", "subject": "input", "feature": names[0], "rank": "1"}
            sides = ("reference", 0.014), ("now", 0.575)
            found = [
                Statistic("alarm.cause", share, cause | {"change": "missing", "side": side})
                for side, share in sides
            ]
            found.append(Statistic("alarm.since", END / 1e6, of))
            board.replace_group(("alarm", model, window), found, model)


def year(days: int = 365) -> Iterator[Event]:
    """A year of verdicts on one model."""
    scores = {f"input feature_{n} {s}": 1.5 for n in range(FEATURES) for s in STATISTICS}
    detail = {"reference": "r", "verdicts": {"input": "ok"}, "score": 3.0, "alone": 13.0}
    for number in range(days * 24):
        end = END - number * HOUR
        yield Event(end, end, "verdict", "model-0", "1h", detail | {"scores": scores})
        if number % 24 == 0:
            yield Event(end, end, "verdict", "model-0", "1d", detail | {"scores": scores})


def timed(url: str, clock: list[float]) -> tuple[float, float, int]:
    """Milliseconds of the first answer, and of the middle one of those that are made anew."""
    found = []
    with httpx.Client() as client:
        for _ in range(TRIES):
            clock[0] += YOUNG
            began = time.perf_counter()
            answer = client.get(url)
            found.append((time.perf_counter() - began) * 1000)
            assert answer.status_code == 200  # noqa: S101
    return found[0], statistics.median(found), len(answer.content)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=100)
    number: int = parser.parse_args().models
    board, clock = Board(), [0.0]
    models = [Watched(f"model-{n}", "UTC", WINDOWS, True, None, 20) for n in range(number)]
    for place, model in enumerate(models):
        fill(board, model.name, alarm=place % 10 == 0)
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder)
        Archive(state / "archive").store(1, [], list(year()))
        maker = Maker(board, state, lambda: models, lambda _: None, lambda: True, lambda: clock[0])
        address = ("127.0.0.1", 0)
        web = Web.model_validate({"listen": "127.0.0.1:0"})
        pages = Pages(maker, lambda: clock[0])
        exporter = Exporter(board, address, lambda: True, lambda: clock[0], web=web, pages=pages)
        exporter.start()
        try:
            series = len(board.series()[1])
            print(f"{number} models, {series:,} series; a year of one model's verdicts")
            print(f"{'page':46} {'first':>9} {'median':>9} {'size':>9}")
            month, all_of_it = (f"/models/model-0?days={d}&until={END // 10**6}" for d in (35, 366))
            for path in ("/", "/api/v1/models", month, all_of_it):
                first, middle, size = timed(exporter.url + path, clock)
                print(f"{path:46} {first:6.0f} ms {middle:6.0f} ms {size / 1024:5.0f} KiB")
        finally:
            exporter.stop()


if __name__ == "__main__":
    main()
