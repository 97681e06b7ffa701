"""What the pages read from: the config's models, and what the daemon has made of them so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from monitor.config_model import ModelConfig
from monitor.event_clock import SECOND
from monitor.judging.judging import Judging
from monitor.model import Model, Settled


@dataclass(frozen=True, slots=True)
class Watched:
    """One model. What it holds does not change, or only as a whole.

    Attributes:
        windows: name and length (us), shortest first.
        fixed: whether the config asks for a reference that alarms rest on.
        first: how many panes it waits for, where it is one of the first.
        settled: how to read it, once its first rows were seen.
        judging: what it is compared with, once there is a reference.
    """

    name: str
    zone: str
    windows: Sequence[tuple[str, int]]
    fixed: bool
    first: int | None
    min_rows: int
    ignore: frozenset[str] = frozenset()
    mute: Mapping[str, float] = field(default_factory=dict)
    settled: Settled | None = None
    judging: Judging | None = None

    @property
    def pane(self) -> int:
        """Length of a pane, us."""
        return self.windows[0][1]


def watched(config: ModelConfig, model: Model | None) -> Watched:
    """A model by its config, and as it runs, once it does."""
    reference = config.reference
    return Watched(
        name=config.name,
        zone=config.timezone,
        windows=[(name, round(seconds * SECOND)) for name, seconds in config.named_windows()],
        fixed=reference is not None and reference.fixed,
        first=None if reference is None else reference.first,
        min_rows=config.alarms.min_rows,
        ignore=frozenset(config.alarms.ignore),
        mute={name: until.timestamp() for name, until in config.alarms.mute.items()},
        settled=None if model is None else model.settled,
        judging=None if model is None else model.judging,
    )
