"""The job that marks each change of a verdict in Grafana.

It reads the archive, so that it misses nothing while Grafana or the daemon is away. Before a change
is posted Grafana is asked whether it has it: also where the answer to the last try was lost, or the
daemon ended before it could note down that it posted, no change is there twice.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from collectors.summaries.state import StateError
from monitor.archive import Event
from monitor.config import Config
from monitor.event_clock import SECOND
from monitor.grafana.api import GrafanaError, Place, ask, connected, parse_url, read_token
from monitor.grafana.changes import Change, changes, read_day, touched
from monitor.grafana.progress import Progress
from monitor.jobs.jobs import Job, Stopped

log = logging.getLogger(__name__)

AT = "* * * * *"
"""Every minute: a look at what is new in the archive takes a few milliseconds."""

_ONE_AT_A_TIME = threading.Lock()
"""Held while changes are posted: two that ask at once whether one is there would both post it."""

BACK = 7 * 86_400.0
"""Seconds of wall time that the first run goes back."""

MARGIN = 300.0
"""Seconds that a look begins before the last one: clocks of file systems are not exact."""

WAITS = (1.0, 4.0, 15.0)
"""Seconds before each further try of one run; the next run goes on from there."""

FILE = "annotations.json"


def make_annotations(config: Config, waits: Sequence[float] = WAITS) -> Job | None:
    """The job that this config asks for; None where it does not."""
    grafana = config.grafana
    if grafana is None or not grafana.annotations:
        return None
    place, token_file = parse_url(grafana.url), grafana.token_file
    state = config.state.dir

    def work(now: float, stopping: threading.Event) -> None:
        if not _ONE_AT_A_TIME.acquire(blocking=False):
            return  # one from before a reload still waits for Grafana
        try:
            annotate(state, now, _Poster(place, token_file, stopping, waits))
        finally:
            _ONE_AT_A_TIME.release()

    return Job("annotations", AT, work)


class _Poster:
    """Posts one change after another; whoever ends it gets `Stopped`."""

    def __init__(
        self, place: Place, token_file: Path, stopping: threading.Event, waits: Sequence[float]
    ) -> None:
        self._place = place
        self._token_file = token_file
        self._stopping = stopping
        self._waits = waits

    def post(self, change: Change) -> None:
        """Have Grafana show it, once.

        Raises:
            GrafanaError: Grafana was not reached, or does not let us; it is tried again later.
            Stopped: the daemon wants to stop.
        """
        for wait in (*self._waits, None):
            if self._stopping.is_set():
                raise Stopped
            try:
                self._try(change)
            except GrafanaError as error:
                if not error.passing or wait is None:
                    raise
                self._stopping.wait(wait)
            else:
                return

    def _try(self, change: Change) -> None:
        moment, tags = change.time // 1000, change.tags
        with connected(self._place, read_token(self._token_file)) as face:

            def there() -> Any:
                quoted = [quote(tag, safe="") for tag in tags]
                return face.annotations.get_annotation(
                    time_from=moment, time_to=moment, tags=quoted, limit=10
                )

            def post() -> Any:
                return face.annotations.add_annotation(
                    time_from=moment, time_to=moment, tags=tags, text=change.text
                )

            found = ask(self._place, "annotations", there)
            # Tags have no order: a model may have the name of one, or of a window.
            if all(one.get("text") != change.text for one in found):
                ask(self._place, "annotation", post)


def annotate(state: Path, now: float, poster: _Poster) -> None:
    """Post what changed since the last time; `now` is wall time in s.

    Raises:
        GrafanaError: Grafana was not reached, or refused; the next run goes on from there.
        OSError: a day of the archive is damaged, and left out; or cannot be read, and waits.
    """
    path = state / FILE
    progress = _progress(path, now)
    # A clock that was set back says nothing of what was written since.
    since = progress.looked - MARGIN if progress.looked <= now else 0.0
    events, failed = _events(state / "archive", since)
    posted = 0
    for key, known, change in changes(events, progress.known):
        if change is not None and change.published >= progress.since * SECOND:
            try:
                poster.post(change)
                posted += 1
            except GrafanaError as error:
                if error.status not in {400, 413, 422}:
                    raise
                # Grafana does not want this one, and would not want it tomorrow.
                about = {"model": key[0], "window": key[1], "why": str(error)}
                log.warning("annotation is refused", extra=about)
            progress.known[key] = known
            progress.write(path)
        progress.known[key] = known
    if not failed.passing:
        progress.looked = now
        progress.write(path)
    if posted:
        log.info("annotations are posted", extra={"annotations": posted})
    if failed.why:
        raise OSError("; ".join(failed.why))


def _progress(path: Path, now: float) -> Progress:
    try:
        found = Progress.read(path)
    except ValueError as error:
        log.warning("annotations begin anew", extra={"why": str(error)})
        found = None
    return Progress(now - BACK) if found is None else found


@dataclass(slots=True)
class _Failed:
    """Why days cannot be read; whether one may be readable the next time."""

    why: list[str] = field(default_factory=list)
    passing: bool = False


def _events(archive: Path, since: float) -> tuple[list[Event], _Failed]:
    """The events of days that changed since then, up to one that cannot be read for now: nothing
    behind it is looked at before it. A damaged day is left out."""
    found: list[Event] = []
    failed = _Failed()
    for day in touched(archive, since):
        try:
            found += read_day(day)
        except StateError as error:
            failed.why.append(str(error))
        except OSError as error:
            failed.why.append(str(error))
            failed.passing = True
            break
    return found, failed
