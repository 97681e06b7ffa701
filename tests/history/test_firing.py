"""When alerts fire, beside what promtool says of the same rules and series."""

from __future__ import annotations

import doctest
import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from monitor import firing
from monitor.firing import FIRING, INACTIVE, PENDING, Firing, firings, states
from tests.support.real import require

MINUTE = 60.0
INTERVAL = 5
WEEK = 7 * 24 * 60 // INTERVAL
NAMES = {"pending": PENDING, "firing": FIRING}


def row(*given: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    return np.array([given], bool)


def test_the_example_in_the_text_is_true() -> None:
    assert doctest.testmod(firing) == (0, 1)


def test_no_series_and_no_evaluation_have_no_state() -> None:
    assert states(np.zeros((0, 5), bool), MINUTE).shape == (0, 5)
    assert states(np.zeros((3, 0), bool), MINUTE).shape == (3, 0)
    assert not states(np.zeros((3, 5), bool), MINUTE, 60, 60).any()
    with pytest.raises(ValueError, match="one row a series"):
        states(np.zeros(5, bool), MINUTE)


def test_a_result_fires_at_once_where_nothing_is_to_be_waited_for() -> None:
    assert states(row(0, 1, 0, 1, 1), MINUTE).tolist() == [[0, 2, 0, 2, 2]]


def test_an_alert_is_kept_from_the_first_evaluation_without_a_result() -> None:
    found = states(row(1, 0, 0, 0, 1, 0), MINUTE, 0, 2 * MINUTE)
    assert found.tolist() == [[2, 2, 2, 0, 2, 2]]


def test_a_pending_alert_is_not_kept() -> None:
    found = states(row(1, 0, 1, 1, 0, 1), MINUTE, 2 * MINUTE, 10 * MINUTE)
    assert found.tolist() == [[1, 0, 1, 1, 0, 1]]


def test_one_series_has_nothing_to_do_with_the_one_above_it() -> None:
    both = np.array([[0, 0, 1, 1], [0, 1, 0, 1]], bool)
    found = states(both, MINUTE, MINUTE, 10 * MINUTE)
    assert found.tolist() == [[0, 0, 1, 2], [0, 1, 0, 1]]


def test_spans_are_by_series_and_time() -> None:
    found = np.array([[2, 2, 1, 2], [0, 1, 0, 0], [0, 2, 2, 2]], np.int8)
    assert list(firings(found)) == [Firing(0, 0, 1), Firing(0, 3, 3), Firing(2, 1, 3)]


def random_week(seed: int) -> tuple[np.ndarray[Any, np.dtype[np.bool_]], float, float]:
    """Five series of runs of all lengths; `for` and `keep_firing_for` in whole minutes."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(5):
        lengths = rng.geometric(1 / rng.uniform(1, 12), WEEK)
        rows.append(np.repeat(np.arange(WEEK) % 2 == rng.integers(2), lengths)[:WEEK])
    minutes = [0, INTERVAL, 3 * INTERVAL]
    hold, keep = (int(rng.choice([*minutes, int(rng.integers(1, 60))])) for _ in range(2))
    return np.array(rows), hold * MINUTE, keep * MINUTE


@pytest.mark.promtool
@pytest.mark.parametrize("seed", range(12))
def test_a_random_week_is_as_promtool_says(seed: int, tmp_path: Path) -> None:
    active, hold, keep = random_week(seed)
    rule = {"alert": "A", "expr": "x == 1", "for": f"{hold:.0f}s"}
    rule |= {"keep_firing_for": f"{keep:.0f}s"} if keep else {}
    (tmp_path / "rules.yml").write_text(json.dumps({"groups": [{"name": "g", "rules": [rule]}]}))
    found = states(active, INTERVAL * MINUTE, hold, keep)
    if seed:  # of week 0 promtool is told that it is wrong, so that this test can fail
        assert {INACTIVE, FIRING} <= set(found.ravel().tolist())
    else:
        found[2, 1000] = (found[2, 1000] + 1) % 3
    expected = [
        {
            "expr": "ALERTS",
            "eval_time": f"{place * INTERVAL}m",
            "exp_samples": [
                {
                    "labels": f'ALERTS{{alertname="A", alertstate="{name}", s="{series}"}}',
                    "value": 1,
                }
                for series, state in enumerate(found[:, place].tolist())
                for name, number in NAMES.items()
                if state == number
            ],
        }
        for place in range(WEEK)
    ]
    series = [
        {"series": f'x{{s="{number}"}}', "values": " ".join(map(str, values.astype(int).tolist()))}
        for number, values in enumerate(active)
    ]
    interval = f"{INTERVAL}m"
    one = {"interval": interval, "input_series": series, "promql_expr_test": expected}
    tests = {"rule_files": ["rules.yml"], "evaluation_interval": interval, "tests": [one]}
    (tmp_path / "tests.yml").write_text(json.dumps(tests))
    done = subprocess.run(
        [require("promtool"), "test", "rules", "tests.yml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    said = done.stdout + done.stderr
    assert (done.returncode == 0) == (seed != 0), said[:2000]
    if seed == 0:
        assert said.count("expr:") == 1, said[:2000]
