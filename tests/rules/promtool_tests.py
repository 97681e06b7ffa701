"""What rules/tests say of each alert: read from the files that promtool runs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

RULES = Path(__file__).parents[2] / "rules"
FILES = sorted((RULES / "tests").glob("*_test.yml"))

_AWAY = re.compile(r"\bstale (_x\d+ )?[\d-]")


@dataclass(frozen=True, slots=True)
class Look:
    """One look of a test at one alert."""

    minute: float
    fires: tuple[Mapping[str, str], ...]
    """Annotations of each alert that is expected."""


@dataclass(frozen=True, slots=True)
class Story:
    """One test: what goes in, and what is looked at."""

    file: str
    name: str
    series: Mapping[str, str]
    looks: Mapping[str, Sequence[Look]]
    """By alert, in order of time."""

    @property
    def without_data(self) -> bool:
        """Whether nothing is scraped but that the monitor is there."""
        return all(one.startswith("up{") for one in self.series)

    @property
    def restarts(self) -> bool:
        """Whether the monitor is away in between, and comes back."""
        told = {one: values for one, values in self.series.items() if not one.startswith("up{")}
        return bool(told) and all(_AWAY.search(values) for values in told.values())

    @property
    def instances(self) -> set[str]:
        return set(re.findall(r'instance="(\w+)"', " ".join(self.series)))


def stories() -> Iterator[Story]:
    """All tests that look at alerts."""
    for file in FILES:
        for one in yaml.safe_load(file.read_text("utf-8"))["tests"]:
            if "alert_rule_test" in one:
                yield _story(file.stem, one)


def _story(file: str, test: Mapping[str, Any]) -> Story:
    series = {one["series"]: str(one["values"]) for one in test["input_series"]}
    looks: dict[str, list[Look]] = {}
    for one in test["alert_rule_test"]:
        fires = tuple(alert.get("exp_annotations", {}) for alert in one["exp_alerts"])
        look = Look(float(one["eval_time"].removesuffix("m")), fires)
        looks.setdefault(one["alertname"], []).append(look)
    in_time = {alert: sorted(some, key=lambda look: look.minute) for alert, some in looks.items()}
    return Story(file, test["name"], series, in_time)
