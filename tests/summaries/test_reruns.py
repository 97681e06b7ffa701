"""Reruns against a plain pandas groupby over all the data."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from collectors.hashing import mix
from collectors.summaries.reruns import RerunSummary


def oracle(inputs: np.ndarray, answers: np.ndarray) -> tuple[float, float | None, float | None]:
    frame = pd.DataFrame({"input": inputs, "answer": answers})
    groups = frame.groupby("input")["answer"]
    size = groups.size()
    ratio = 1 - len(size) / len(frame)
    repeated = size[size >= 2].index
    # A null answer is an answer: two inputs answered once null and once not do not match.
    kinds = frame.fillna({"answer": np.inf}).groupby("input")["answer"].nunique()
    mismatch = float((kinds[repeated] > 1).mean()) if len(repeated) else None
    numeric = groups.count()
    squares = groups.var(ddof=0) * numeric
    many = numeric[numeric >= 2].index
    pooled = float(np.sqrt(squares[many].sum() / (numeric[many] - 1).sum())) if len(many) else None
    return ratio, mismatch, pooled


def summarise(inputs: np.ndarray, answers: np.ndarray, k: int, batch: int = 997) -> RerunSummary:
    summary = RerunSummary("s", k)
    hashes = mix(inputs.astype(np.uint64))
    outcomes = np.where(np.isnan(answers), np.inf, answers + 0.0).view(np.uint64)
    for start in range(0, len(inputs), batch):
        part = slice(start, start + batch)
        summary.observe(hashes[part], outcomes[part], answers[part])
    return summary


def traffic(case: str, rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    if case == "all distinct":
        return np.arange(n), rng.normal(0, 1, n)
    inputs = rng.integers(0, 700, n)
    answers = inputs * 10.0 + 1e6
    if case == "noisy":
        answers = answers + rng.normal(0, 0.5, n) * (inputs % 3 == 0)
    if case == "health check":
        inputs = np.where(rng.random(n) < 0.5, 0, rng.integers(1, 900, n))
        answers = inputs.astype(float)
    if case == "some null":
        answers = np.where(rng.random(n) < 0.1, np.nan, answers)
    return inputs, answers


CASES = ["all distinct", "deterministic", "noisy", "health check", "some null"]


@pytest.mark.parametrize("case", CASES)
def test_up_to_k_distinct_inputs_all_is_exact(case: str) -> None:
    inputs, answers = traffic(case, np.random.default_rng(5), 3_000)
    summary = summarise(inputs, answers, k=4_096)
    ratio, mismatch, pooled = oracle(inputs, answers)
    assert summary.exact
    assert summary.rerun_ratio() == pytest.approx(ratio, abs=1e-15)
    assert summary.mismatch_ratio() == mismatch
    if pooled is None:
        assert summary.stddev() is None
    else:
        assert summary.stddev() == pytest.approx(pooled, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("health_check", [False, True])
def test_beyond_k_the_error_is_about_one_over_root_k(health_check: bool) -> None:
    k, errors = 512, []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        inputs = rng.integers(seed << 40, (seed << 40) + 30_000, 20_000)
        if health_check:
            inputs = np.where(rng.random(20_000) < 0.5, 1, inputs)
        summary = summarise(inputs, inputs.astype(float), k)
        assert not summary.exact
        errors.append(summary.distinct() / len(np.unique(inputs)) - 1)
    assert np.sqrt(np.mean(np.square(errors))) <= 1.5 / np.sqrt(k)
    assert abs(np.mean(errors)) <= 3 / np.sqrt(k * len(errors))


def test_beyond_k_the_kept_inputs_are_exact() -> None:
    inputs, answers = traffic("noisy", np.random.default_rng(9), 20_000)
    few, all_of_them = summarise(inputs, answers, k=64), summarise(inputs, answers, k=4_096)
    for kept, whole in zip(few.groups(), all_of_them.groups(), strict=True):
        np.testing.assert_allclose(kept.astype(float), whole[:64].astype(float), rtol=1e-9)


def test_equal_answers_far_from_zero_have_no_spread() -> None:
    inputs = np.zeros(1_000)
    summary = summarise(inputs, np.full(1_000, 1e9 + 0.1), k=16, batch=7)
    assert summary.stddev() == pytest.approx(0.0, abs=1e-6)
    assert summary.mismatch_ratio() == 0.0


def observed(summary: RerunSummary, inputs: list[int], answers: list[float]) -> None:
    numbers = np.array(answers)
    summary.observe(np.array(inputs, np.uint64), numbers.view(np.uint64), numbers)


def test_one_input_more_than_k_is_noticed_before_and_after_k_are_kept() -> None:
    at_once = RerunSummary("s", 2)
    observed(at_once, [1, 2, 3], [0.0, 0.0, 0.0])
    assert not at_once.exact
    later = RerunSummary("s", 2)
    observed(later, [1, 2], [0.0, 0.0])
    before = later.exact
    observed(later, [3], [0.0])
    assert (before, later.exact) == (True, False)
    empty = RerunSummary("s", 2)
    assert not later.merge(empty).exact
    assert not empty.merge(later).exact


def test_the_input_with_the_largest_hash_kept_goes_on_counting() -> None:
    summary = RerunSummary("s", 2)
    observed(summary, [1, 2, 3], [0.0, 4.0, 0.0])
    assert len(summary.groups().inputs) == 2
    observed(summary, [2, 2], [4.0, 7.0])
    assert summary.groups().answers.tolist() == [1, 3]
    assert summary.mismatch_ratio() == 1.0
    assert summary.rows == 5


def test_inputs_without_a_numeric_answer_take_no_part_in_the_spread() -> None:
    summary = RerunSummary("s", 16)
    observed(summary, [1, 1, 2, 2, 3, 3], [np.nan, np.nan, 3.0, 5.0, 1e200, np.inf])
    assert summary.stddev() == pytest.approx(np.sqrt(2.0))
    assert summary.groups().numbers.tolist() == [0, 2, 0]


def test_no_answers_have_no_shares() -> None:
    summary = RerunSummary("s", 16)
    assert summary.rerun_ratio() is None
    assert summary.mismatch_ratio() is None
    assert summary.stddev() is None
