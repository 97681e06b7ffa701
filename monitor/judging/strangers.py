"""Names under `alarms` and `limits` that are no feature: most likely typing errors."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from collectors.drift.comparisons import ANSWER
from monitor.config_alarms import Alarms
from monitor.config_limits import Limits

_NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Stranger:
    """A name that no feature has.

    Attributes:
        key: where it stands in the config.
        near: a feature that was perhaps meant; "" where none is like it.
    """

    key: str
    name: str
    near: str

    def __str__(self) -> str:
        hint = f"did you mean {self.near}?" if self.near else "it has no effect"
        return f"{self.key}: {self.name!r} is no feature of the model; {hint}"


def strangers(
    alarms: Alarms, features: Iterable[str], limits: Limits = _NO_LIMITS
) -> Iterator[Stranger]:
    """The names that are none of these features."""
    known = list(features)
    lists = ("ignore", alarms.ignore), ("mute", alarms.mute), ("thresholds", alarms.thresholds)
    for key, names in lists:
        for name in names:
            yield from _strange(f"alarms.{key}", name, [*known, ANSWER])
    for key, name in limits.by_feature():
        yield from _strange(f"limits.{key}", name, known)


def _strange(key: str, name: str, known: list[str]) -> Iterator[Stranger]:
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        yield Stranger(key, name, near[0] if near else "")
