"""What is said of an exported metric, and short ways to say it for each scope."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge", "histogram"]
Scope = Literal["live", "window", "model", "monitor"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric, and the statistic that it shows.

    Attributes:
        labels: every label, in order; `model`, `version` and `window` are not the statistic's own.
        unit: base unit in plural, or what the number is counted in; "feature's" is the unit of
            the data themselves.
        denominator: what the number is taken over, or what one step of a counter is.
        scope: `live` counts each row as it is read, `window` is of the newest closed window,
            `model` is of a model as a whole, `monitor` of inferwatch itself.
    """

    statistic: str
    name: str
    kind: Kind
    labels: tuple[str, ...]
    unit: str
    denominator: str
    help: str
    scope: Scope


def live(
    statistic: str,
    name: str,
    labels: tuple[str, ...],
    denominator: str,
    help: str,
    *,
    kind: Kind = "counter",
    unit: str = "",
) -> Metric:
    """A counter or histogram of each row as it is read, by model and version."""
    labels = ("model", "version", *labels)
    return Metric(statistic, name, kind, labels, unit, denominator, help, "live")


def window(
    statistic: str, name: str, labels: tuple[str, ...], unit: str, denominator: str, help: str
) -> Metric:
    """A gauge of the newest closed window, by model, version and window."""
    labels = ("model", "version", "window", *labels)
    return Metric(statistic, name, "gauge", labels, unit, denominator, help, "window")


def model(
    statistic: str, name: str, denominator: str, help: str, *, unit: str, kind: Kind = "gauge"
) -> Metric:
    """A metric of a model as a whole."""
    return Metric(statistic, name, kind, ("model",), unit, denominator, help, "model")


def monitor(
    statistic: str,
    name: str,
    labels: tuple[str, ...],
    denominator: str,
    help: str,
    *,
    unit: str,
    kind: Kind = "gauge",
) -> Metric:
    """A metric of inferwatch itself."""
    return Metric(statistic, name, kind, labels, unit, denominator, help, "monitor")
