"""What people are told of a model's judging: each change is an event in the archive, once.

Changes of references (an accept, a growth), and of what is muted and ignored, against what was told
before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from collectors.summaries.state import State, Stored
from monitor.archive import Event
from monitor.event_clock import NEVER
from monitor.judging.judging import Judging
from monitor.references.in_force import iso

KINDS = {"accepted": "accept", "grown": "growth"}
"""What the archive calls the changes of references."""


@dataclass(slots=True)
class Told:
    """Of one model. Times are in us.

    Attributes:
        mute: until when features open no alarm (event time).
        ignore: features that are compared with nothing.
        changed: wall time of the newest change of references.
    """

    mute: dict[str, int] = field(default_factory=dict)
    ignore: frozenset[str] = frozenset()
    changed: int = NEVER

    def news(self, judging: Judging, now: int) -> Iterator[Event]:
        """What has not been told yet."""
        model = judging.rules.model
        for change in () if judging.succession is None else judging.succession.changes:
            if change.at > self.changed:
                self.changed = change.at
                kind, about = KINDS[change.why], change.about()
                yield Event(change.at, now, kind, model, change.id, about)
        mute = dict(judging.rules.mute)
        if mute != self.mute:
            for name in _unlike(mute, self.mute):
                about = {"until": _until(mute, name), "before": _until(self.mute, name)}
                yield Event(now, now, "mute", model, name, about)
            self.mute = mute
        ignore = judging.calibrated.calibration.rules.ignore
        for name in sorted(ignore ^ self.ignore):
            yield Event(now, now, "ignore", model, name, {"ignored": name in ignore})
        self.ignore = ignore

    def state(self) -> State:
        """All that it holds; the caller owns it."""
        mute = [[name, until] for name, until in self.mute.items()]
        return {"mute": mute, "ignore": sorted(self.ignore), "changed": self.changed}

    def restore(self, stored: Stored) -> None:
        """Become what the state was taken of."""
        self.mute = dict(stored.rows("mute"))
        self.ignore = frozenset(map(str, stored.rows("ignore")))
        self.changed = stored.whole("changed", NEVER)


def _unlike(one: Mapping[str, int], other: Mapping[str, int]) -> Iterable[str]:
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def _until(mute: Mapping[str, int], name: str) -> str:
    return iso(mute[name]) if name in mute else ""
