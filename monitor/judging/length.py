"""One length of window that a model is judged by, as it is at present."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from collectors.drift.calibration.fitted import Fitted
from collectors.drift.judge import Judge
from collectors.family import Statistic
from monitor.event_clock import NEVER
from monitor.judging.entries import Entries
from monitor.verdicts import Verdict

_NONE = msgspec.msgpack.encode([])


@dataclass(slots=True)
class Length:
    """One length of window that is judged.

    Attributes:
        end: of the newest window that was judged (us), `NEVER` before the first.
        verdicts: on that, by subject; none where too little of it could be judged.
        scores: of that, as they are shown.
        encoded: the same as states have it; encoded once, for states are taken all the time.
        causes: of the newest flagged window of the alarm that goes on, and how rare it is, as they
            are shown.
    """

    name: str
    length: int
    fitted: Fitted
    judge: Judge
    entries: Entries = field(default_factory=Entries)
    end: int = NEVER
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    scores: list[Statistic] = field(default_factory=list)
    encoded: bytes = _NONE
    causes: list[Statistic] = field(default_factory=list)

    def show(self, scores: list[Statistic]) -> None:
        """Have these scores shown from now on."""
        self.scores = scores
        self.encoded = msgspec.msgpack.encode([tuple(one) for one in scores]) if scores else _NONE
