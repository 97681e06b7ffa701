"""The families of one model, each timed and kept apart: one that fails costs only itself."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from collectors.events import Events
from collectors.family import Family, Statistic

log = logging.getLogger(__name__)


SUBJECTS = {"software": "software", "inputs": "input", "outputs": "output"}
"""What the verdicts on a family's statistics are called after."""


class Collection:
    """Runs every family over the same rows.

    Attributes:
        seconds: time spent in each family so far, by name.
        healthy: whether each family took in its last rows, and has not failed since.
    """

    def __init__(
        self, model: str, families: Sequence[Family[Any]], timer: Callable[[], float]
    ) -> None:
        self.model = model
        self.families = families
        self.seconds = dict.fromkeys((family.name for family in families), 0.0)
        self.healthy = dict.fromkeys(self.seconds, True)
        self._timer = timer

    @property
    def subjects(self) -> list[str]:
        """What verdicts are given on."""
        return [SUBJECTS[one.name] for one in self.families if one.name in SUBJECTS]

    def empty(self) -> dict[str, Any]:
        """A summary of no rows for each family."""
        return {family.name: family.empty() for family in self.families}

    def observe(self, summaries: dict[str, Any], events: Events) -> None:
        """Add rows of one pane and one version to its summaries."""
        for family in self.families:
            with self._turn(family):
                family.observe(summaries[family.name], events)
                self.healthy[family.name] = True

    def count(self, events: Events) -> list[Statistic]:
        """Increments of the live counters for rows of one version."""
        counts: list[Statistic] = []
        for family in self.families:
            with self._turn(family):
                counts.extend(family.count(events))
        return counts

    def known(self) -> list[Statistic]:
        """Counters that exist at 0 before the first row."""
        return [statistic for family in self.families for statistic in family.known()]

    def statistics(self, summaries: dict[str, Any], seconds: float) -> list[Statistic]:
        """Every statistic of a window of `seconds`."""
        found: list[Statistic] = []
        for family in self.families:
            with self._turn(family):
                found.extend(family.statistics(summaries[family.name], seconds))
        return found

    @contextmanager
    def _turn(self, family: Family[Any]) -> Iterator[None]:
        began = self._timer()
        try:
            yield
        except Exception:
            if self.healthy[family.name]:
                log.exception(
                    "collector failed: its numbers are incomplete until a turn goes well",
                    extra={"model": self.model, "collector": family.name},
                )
            self.healthy[family.name] = False
        finally:
            self.seconds[family.name] += self._timer() - began
