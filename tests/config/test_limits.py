"""The section `limits`: what people write, and what it comes to in base units."""

from __future__ import annotations

from pathlib import Path

import pytest

from collectors.family import Statistic
from collectors.software import LATENCY_QUANTILES
from monitor.board import Board
from monitor.config import read
from monitor.config_limits import Limits
from monitor.config_model import ModelConfig
from monitor.limits import limits, show
from monitor.metrics import BOUNDED, BY_STATISTIC, METRICS
from tests.support.boards import values

HEAD = "source: {kafka: {bootstrap_servers: ['h:1'], topics: [t]}}\nmodels:\n  - name: m\n"

EVERY = {
    "latency_p50": "50ms",
    "latency_p90": "100ms",
    "latency_p95": "150ms",
    "latency_p99": "1s500ms",
    "error_ratio": "0.01",
    "null_ratio": "0.05",
    "missing": "{dep_delay: 0.1, carrier: 0}",
    "invalid": "{dep_delay: 1}",
    "throughput": "{min: 5, max: 100}",
    "log_memory": "512KiB",
    "log_cpu": "250ms",
    "process_memory": "2GiB",
    "process_cpu": "1.5",
    "length": "{note: {chars: {max: 4000}, words: {min: 3}}, tags: {items: {min: 1, max: 9}}}",
    "brightness": "{photo: {min: 0.1, max: 0.9}}",
    "items": "64",
    "bytes": "256KiB",
    "rerun_mismatch_ratio": "0.01",
    "rerun_stddev": "0.5",
    "class_ratio": "{late: {min: 0.2, max: 0.6}, true: {max: 0.5}}",
    "silence": "1h",
}
"""One of every key."""


def model(text: str, more: str = "") -> ModelConfig:
    yaml = f"{HEAD}    process: {{pid: 1}}\n    limits: {text}\n{more}"
    return read(yaml, Path("/etc/c.yml"), {}).models[0]


def shown(text: str, more: str = "") -> dict[tuple[str, ...], float]:
    """Values by metric's name and label values, as they are on the board."""
    board = Board()
    show(board, model(text, more))
    found = {}
    for statistic in limits(model(text, more)):
        for labels, value in values(board, statistic.id).items():
            assert isinstance(value, float)
            found[BY_STATISTIC[statistic.id].name.removeprefix("inferwatch_"), *labels] = value
    return found


def test_without_it_a_model_has_no_limit() -> None:
    assert list(limits(model("{}"))) == []


def test_those_of_the_design_are_in_seconds_and_shares() -> None:
    assert shown("{latency_p99: 200ms, null_ratio: 0.05}") == {
        ("latency_quantile_seconds_threshold", "m", "0.99"): 0.2,
        ("output_null_ratio_threshold", "m"): 0.05,
    }


def test_every_key_has_its_metrics() -> None:
    assert set(EVERY) == set(Limits.model_fields)
    assert {key: set(shown(f"{{{key}: {text}}}").items()) for key, text in EVERY.items()} == {
        "latency_p50": {(("latency_quantile_seconds_threshold", "m", "0.5"), 0.05)},
        "latency_p90": {(("latency_quantile_seconds_threshold", "m", "0.9"), 0.1)},
        "latency_p95": {(("latency_quantile_seconds_threshold", "m", "0.95"), 0.15)},
        "latency_p99": {(("latency_quantile_seconds_threshold", "m", "0.99"), 1.5)},
        "error_ratio": {(("error_ratio_threshold", "m"), 0.01)},
        "null_ratio": {(("output_null_ratio_threshold", "m"), 0.05)},
        "missing": {
            (("input_missing_ratio_threshold", "m", "dep_delay"), 0.1),
            (("input_missing_ratio_threshold", "m", "carrier"), 0.0),
        },
        "invalid": {(("input_invalid_ratio_threshold", "m", "dep_delay"), 1.0)},
        "throughput": {
            (("throughput_per_second_lower_threshold", "m"), 5.0),
            (("throughput_per_second_threshold", "m"), 100.0),
        },
        "log_memory": {(("log_memory_bytes_threshold", "m"), 524_288.0)},
        "log_cpu": {(("log_cpu_seconds_threshold", "m"), 0.25)},
        "process_memory": {(("process_memory_bytes_threshold", "m"), 2_147_483_648.0)},
        "process_cpu": {(("process_cpu_ratio_threshold", "m"), 1.5)},
        "length": {
            (("input_length_mean_threshold", "m", "note", "chars"), 4_000.0),
            (("input_length_mean_lower_threshold", "m", "note", "words"), 3.0),
            (("input_length_mean_lower_threshold", "m", "tags", "items"), 1.0),
            (("input_length_mean_threshold", "m", "tags", "items"), 9.0),
        },
        "brightness": {
            (("input_brightness_mean_lower_threshold", "m", "photo"), 0.1),
            (("input_brightness_mean_threshold", "m", "photo"), 0.9),
        },
        "items": {(("input_items_mean_threshold", "m"), 64.0)},
        "bytes": {(("input_bytes_mean_threshold", "m"), 262_144.0)},
        "rerun_mismatch_ratio": {(("output_rerun_mismatch_ratio_threshold", "m"), 0.01)},
        "rerun_stddev": {(("output_rerun_stddev_threshold", "m"), 0.5)},
        "class_ratio": {
            (("output_class_ratio_lower_threshold", "m", "late"), 0.2),
            (("output_class_ratio_threshold", "m", "late"), 0.6),
            (("output_class_ratio_threshold", "m", "true"), 0.5),
        },
        "silence": {(("silence_seconds_threshold", "m"), 3_600.0)},
    }


def test_every_limit_of_the_table_can_be_set() -> None:
    every = "{" + ", ".join(f"{key}: {text}" for key, text in EVERY.items()) + "}"
    given = {statistic.id for statistic in limits(model(every))}
    assert given == {one.statistic for one in METRICS if one.statistic.endswith((".min", ".max"))}


@pytest.mark.parametrize("statistic", BOUNDED)
def test_a_limit_has_the_labels_of_what_it_is_of(statistic: str) -> None:
    measured = BY_STATISTIC[statistic]
    for bound in BOUNDED[statistic]:
        limit = BY_STATISTIC[f"{statistic}.{bound}"]
        side = "_lower" if bound == "min" else ""
        assert limit.name == f"{measured.name}{side}_threshold"
        assert set(measured.labels) - set(limit.labels) <= {"version", "window"}
        assert set(limit.labels) <= set(measured.labels)
        assert (limit.kind, limit.unit, limit.scope) == ("gauge", measured.unit, "model")


def test_there_is_a_limit_for_each_quantile_of_latency() -> None:
    keys = {key for key in Limits.model_fields if key.startswith("latency_p")}
    assert keys == {f"latency_p{q * 100:g}" for q in LATENCY_QUANTILES}


class TestSilence:
    REFERENCE = "    reference: {first: 168}\n"

    def test_a_model_with_a_reference_may_be_silent_for_15_minutes(self) -> None:
        assert list(limits(model("{}", self.REFERENCE))) == [Statistic("silence.max", 900.0)]

    def test_what_the_config_says_is_what_counts(self) -> None:
        found = list(limits(model("{silence: 2h}", self.REFERENCE)))
        assert found == [Statistic("silence.max", 7_200.0)]

    def test_one_that_is_only_beside_decides_nothing(self) -> None:
        assert list(limits(model("{}", "    reference: {beside: [previous]}\n"))) == []


def test_what_is_found_in_the_first_rows_is_not_asked_for_by_the_config() -> None:
    assert shown("{missing: {whatever: 0.1}, error_ratio: 0.1}") != {}


def test_a_limit_that_is_gone_takes_its_series_along() -> None:
    board = Board()
    show(board, model("{error_ratio: 0.1, missing: {a: 0.1, b: 0.2}}"))
    show(board, model("{missing: {b: 0.3}}"))
    assert values(board, "software.error_ratio.max") == {}
    assert values(board, "input.missing_ratio.max") == {("m", "b"): 0.3}
    board.drop_model("m")
    assert values(board, "input.missing_ratio.max") == {}


def test_names_that_no_label_can_have_are_cleaned_as_those_of_features_are() -> None:
    board = Board()
    show(board, model('{missing: {"a\\nb\\"{{": 0.1}}'))
    missing = Statistic("input.missing_ratio", 0.5, {"feature": 'a\nb"{{'})
    board.set_window("m", "1", "1h", [missing])
    ((_, feature),) = values(board, "input.missing_ratio.max")
    ((*_, measured),) = values(board, "input.missing_ratio")
    assert feature == measured == 'a\ufffdb"{{'
