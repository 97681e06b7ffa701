"""Names under `alarms` that are no feature: most likely typing errors."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from collectors.drift.comparisons import ANSWER
from monitor.config_alarms import Alarms


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


def strangers(alarms: Alarms, features: Iterable[str]) -> Iterator[Stranger]:
    """The names that are none of these features."""
    known = [*features, ANSWER]
    lists = ("ignore", alarms.ignore), ("mute", alarms.mute), ("thresholds", alarms.thresholds)
    for key, names in lists:
        for name in names:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
                yield Stranger(f"alarms.{key}", name, near[0] if near else "")
