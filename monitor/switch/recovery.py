"""Whether a model recovered after a switch that took: from windows that ended after it.

For the daemon: `recovery` gives what `Room.judged` takes, or None while it is too early.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.switch.machine import Stage

SHARE = 0.95
"""Of a window's rows, what the version that was gone to has to have."""

WINDOWS = 3
"""In a row."""


@dataclass(frozen=True, slots=True)
class Window:
    """A window that was judged.

    Attributes:
        start: when it begins.
        share: of its rows, those of the version that was gone to.
        calm: whether the causes that led to the switch are below their thresholds.
    """

    start: float
    share: float
    calm: bool


def recovery(
    windows: Sequence[Window], took: float, now: float, within: float
) -> tuple[Stage, str] | None:
    """How it ended, and a sentence; None while it is too early to say.

    `windows` are in order of time, `within` is how long to wait.
    """
    after = [one for one in windows if one.start >= took]
    carried = [one for one in after if one.share >= SHARE]
    row = 0
    for one in after:
        row = row + 1 if one.share >= SHARE and one.calm else 0
        if row == WINDOWS:
            what = f"{WINDOWS} judged windows in a row without what led to the switch"
            return Stage.RECOVERED, f"{what}, at {one.share:.0%} of rows"
    if now - took < within:
        return None
    if len(carried) < WINDOWS:
        most = max((one.share for one in after), default=0.0)
        what = f"{len(carried)} of {len(after)} judged windows have {SHARE:.0%} of their rows"
        return Stage.CANNOT_TELL, f"{what} from the version that was gone to (at most {most:.0%})"
    loud = sum(not one.calm for one in carried)
    if not loud:
        what = f"never {WINDOWS} judged windows in a row with {SHARE:.0%} of their rows"
        return Stage.CANNOT_TELL, f"{what} from the version that was gone to"
    what = f"what led to the switch is still there in {loud} of {len(carried)} judged windows"
    return Stage.NOT_RECOVERED, what
