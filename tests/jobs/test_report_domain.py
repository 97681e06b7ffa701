"""The domain classifier: what it tells apart, and how rare it says that is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from monitor.jobs.report.domain import tell_apart, threshold
from monitor.jobs.report.frames import Frame
from monitor.jobs.report.task import Column, Domain

DAY = 86_400_000_000
DAYS, ROWS = 7, 100
COLUMNS = [Column("features.a", "a", "number"), Column("features.b", "b", "number")]
Draw = Callable[[np.random.Generator, int, int], Any]


@pytest.fixture(autouse=True, scope="module")
def _on_one_core() -> Iterator[None]:
    """As in the process that makes a report."""
    with threadpool_limits(1):
        yield


def independent(rng: np.random.Generator, rows: int, day: int) -> Any:
    return pd.DataFrame({"a": rng.normal(size=rows), "b": rng.normal(size=rows)})


def together(rng: np.random.Generator, rows: int, day: int) -> Any:
    """Each column as ever, but the two go together."""
    a = rng.normal(size=rows)
    return pd.DataFrame({"a": a, "b": 0.95 * a + np.sqrt(1 - 0.95**2) * rng.normal(size=rows)})


def of_its_day(rng: np.random.Generator, rows: int, day: int) -> Any:
    """Weather: a day has its own, and hardly any other."""
    return independent(rng, rows, day).assign(a=np.sin(day * 7.0) + rng.normal(size=rows) / 50)


def side(draw: Draw, first: int, days: int, seed: int, rows: int = ROWS) -> Frame:
    rng = np.random.default_rng(seed)
    tables = [draw(rng, rows, day) for day in range(first, first + days)]
    time = np.concatenate(
        [d * DAY + rng.integers(0, DAY, rows) for d in range(first, first + days)]
    )
    order = rng.permutation(len(time))
    table = pd.concat(tables, ignore_index=True).iloc[order].reset_index(drop=True)
    return Frame(table, time[order].astype(np.int64))


def told(before: Draw, now: Draw, columns: list[Column] = COLUMNS, alpha: float = 0.0) -> Domain:
    reference = side(before, 0, DAYS, seed=1)
    span = DAYS * DAY, (DAYS + 1) * DAY
    found = tell_apart(reference, side(now, DAYS, 1, 2), columns, *span, 0, alpha)
    assert found is not None
    return found


def test_the_same_cannot_be_told_apart() -> None:
    found = told(independent, independent)
    assert found.auc == pytest.approx(0.5, abs=0.1)
    assert found.spread is not None
    assert (found.spread.of, found.spread.parts) == ("spans", DAYS)
    assert found.spread.as_far > 0


@pytest.fixture(scope="module")
def moved(_on_one_core: None) -> Domain:
    return told(independent, together)


def test_two_columns_that_go_together_all_at_once_are_seen(moved: Domain) -> None:
    found = moved
    assert found.auc > 0.75
    assert found.spread is not None
    assert found.spread.as_far == 0
    assert found.words.endswith("rarer than once in 8 days.")
    assert {name for name, _ in found.columns} == {"a", "b"}


def test_a_day_that_differs_as_every_day_does_is_nothing_unusual() -> None:
    found = told(of_its_day, of_its_day)
    assert found.auc > 0.9
    assert found.spread is not None
    assert found.spread.quantiles["0.5"] > 0.9
    assert found.words.endswith("nothing unusual.")


def test_a_category_a_text_and_a_missing_value_each_tell() -> None:
    def before(rng: np.random.Generator, rows: int, day: int) -> Any:
        words = [" ".join(["w"] * n) for n in rng.integers(1, 4, rows)]
        return pd.DataFrame(
            {"a": rng.normal(size=rows), "b": rng.choice(["x", "y"], rows), "c": words}
        )

    columns = [COLUMNS[0], Column("features.b", "b", "category"), Column("features.c", "c", "text")]
    changes: dict[str, Any] = {
        "a": lambda frame: frame["a"].where(frame["a"] < 0),
        "b": lambda frame: frame["b"].replace("y", "z"),
        "c": lambda frame: frame["c"] + " w",
    }
    for name, change in changes.items():
        now = lambda *given, n=name, c=change: (f := before(*given)).assign(**{n: c(f)})  # noqa: E731
        found = told(before, now, columns)
        assert found.columns[0][0] == name
        assert found.auc > 0.6


def test_a_reference_of_too_few_days_is_drawn_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.jobs.report.domain.PARTS", 6)
    now = side(together, 2, 1, 3)
    found = tell_apart(side(independent, 0, 2, 1, rows=400), now, COLUMNS, 2 * DAY, 3 * DAY, 0)
    assert found is not None
    assert found.spread is not None
    assert (found.spread.of, found.spread.as_far) == ("random rows", 0)
    assert "too few spans of this length" in found.words
    assert found.words.endswith("rarer than once in 7.")


def test_a_few_rows_teach_nothing() -> None:
    few = side(independent, 8, 1, 3, rows=30)
    assert tell_apart(side(independent, 0, 8, 1), few, COLUMNS, 8 * DAY, 9 * DAY, 0) is None
    ignored = [Column("features.a", "a", "number", compared=False)]
    many = side(independent, 8, 1, 3)
    assert tell_apart(side(independent, 0, 8, 1), many, ignored, 8 * DAY, 9 * DAY, 0) is None


def test_it_says_the_same_again(moved: Domain) -> None:
    assert told(independent, together) == moved


def test_the_threshold_is_passed_as_rarely_as_asked() -> None:
    rng = np.random.default_rng(5)
    for parts in (7, 28):
        logits = 0.4 + 0.2 * rng.normal(size=(2_000, parts + 1))
        aucs = 1.0 / (1.0 + np.exp(-logits))
        for alpha in (0.15, 0.015):
            passed = np.mean([one[-1] > threshold(one[:-1].tolist(), alpha) for one in aucs])
            # Made rarer by half, and give or take four standard errors.
            expected = alpha / 1.5
            assert passed == pytest.approx(expected, abs=4 * np.sqrt(expected / 2_000))


def test_a_threshold_is_there_where_days_say_it_and_a_budget_is_stated() -> None:
    found = told(independent, together, alpha=0.02)
    assert found.threshold is not None
    assert 0.5 < found.threshold < found.auc
    quiet = told(of_its_day, of_its_day, alpha=0.02)
    assert quiet.threshold is not None
    assert quiet.auc < quiet.threshold
    assert told(independent, independent).threshold is None


def test_too_few_days_give_no_threshold() -> None:
    now = side(independent, 2, 1, 3)
    few = side(independent, 0, 2, 1, rows=400)
    found = tell_apart(few, now, COLUMNS, 2 * DAY, 3 * DAY, 0, 0.02)
    assert found is not None
    assert found.threshold is None
