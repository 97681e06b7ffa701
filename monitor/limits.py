"""What the config says of a model, as metrics: its limits in base units, and its time zone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from collectors.family import Statistic
from collectors.software import LATENCY_QUANTILES
from monitor.board import Board
from monitor.config_model import ModelConfig

SILENCE = 900.0
"""Seconds that a model with a reference may be silent, where its config says nothing."""

_PLAIN: Mapping[str, str] = {
    "error_ratio": "software.error_ratio",
    "null_ratio": "output.null_ratio",
    "log_memory": "software.log_memory_bytes",
    "log_cpu": "software.log_cpu_seconds",
    "process_memory": "process.memory_bytes",
    "process_cpu": "process.cpu_ratio",
    "items": "input.items_mean",
    "bytes": "input.bytes_mean",
    "rerun_mismatch_ratio": "output.rerun_mismatch_ratio",
    "rerun_stddev": "output.rerun_stddev",
}
"""Keys whose value is one number of the model as a whole: the most that a statistic may be."""


def show(board: Board, model: ModelConfig) -> None:
    """Put the limits of a model on the board, and take away those that it has no more."""
    info = Statistic("model.info", 1, {"timezone": model.timezone})
    board.replace_group(("limits", model.name), [info, *limits(model)], model.name)


def limits(model: ModelConfig) -> Iterator[Statistic]:
    """Every limit of a model."""
    given = model.limits
    for key, statistic in _PLAIN.items():
        yield from _bounds(statistic, None, getattr(given, key))
    for q in LATENCY_QUANTILES:
        most = getattr(given, f"latency_p{q * 100:g}")
        yield from _bounds("software.latency_quantile", None, most, {"q": f"{q:g}"})
    if given.throughput is not None:
        yield from _bounds("software.throughput", given.throughput.min, given.throughput.max)
    yield from _by_feature(model)
    for name, share in given.class_ratio.items():
        yield from _bounds("output.class_ratio", share.min, share.max, {"class": name})
    judged = model.reference is not None and model.reference.fixed
    silence = SILENCE if given.silence is None and judged else given.silence
    yield from _bounds("silence", None, silence)


def _by_feature(model: ModelConfig) -> Iterator[Statistic]:
    given = model.limits
    for name, most in given.missing.items():
        yield from _bounds("input.missing_ratio", None, most, {"feature": name})
    for name, most in given.invalid.items():
        yield from _bounds("input.invalid_ratio", None, most, {"feature": name})
    for name, length in given.length.items():
        for unit, bounds in length.given.items():
            labels = {"feature": name, "unit": unit}
            yield from _bounds("input.length_mean", bounds.min, bounds.max, labels)
    for name, share in given.brightness.items():
        yield from _bounds("input.brightness_mean", share.min, share.max, {"feature": name})


def _bounds(
    statistic: str, least: float | None, most: float | None, labels: Mapping[str, str] | None = None
) -> Iterator[Statistic]:
    for bound, value in (("min", least), ("max", most)):
        if value is not None:
            yield Statistic(f"{statistic}.{bound}", float(value), labels or {})
