"""Changes of verdicts, as the archive's events tell them."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
from pyarrow import compute as pc

from collectors.summaries.state import StateError
from monitor.archive import Event
from monitor.archive_days import EventDay, read_event_day, steady
from monitor.archive_files import days, event_files
from monitor.archive_table import DAMAGE

Key = tuple[str, str]
"""A model, and the name of a length of window."""

KINDS = ("alarm", "verdict")

MOST = 2_000
"""Characters of what is said of a change."""


@dataclass(slots=True)
class Known:
    """The newest verdicts that were looked at; `time` is the end of their window (us)."""

    time: int
    verdicts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """What changed with one window.

    Attributes:
        time: the window's end, us.
        published: wall time at which it was judged, us.
        before, now: the verdicts that differ, by subject; what was not known is not in `before`.
        causes: what led to an alarm that began, worst first.
        worst: `alarm` as long as any subject is in alarm.
    """

    key: Key
    time: int
    published: int
    before: Mapping[str, str]
    now: Mapping[str, str]
    causes: tuple[str, ...] = ()
    worst: str = "ok"

    @property
    def tags(self) -> list[str]:
        """By what boards find it; no more than Grafana keeps of a tag."""
        return [tag[:100] for tag in ("inferwatch", "verdict", *self.key, self.worst)]

    @property
    def text(self) -> str:
        """For people; Grafana takes it as HTML."""
        model, window = self.key
        moves = (
            f"{subject} {self.before[subject]} to {verdict}"
            if subject in self.before
            else f"{subject} {verdict}"
            for subject, verdict in sorted(self.now.items())
        )
        lines = (f"{model}, windows of {window}: {', '.join(moves)}", *self.causes)
        return html.escape("\n".join(lines)[:MOST], quote=False)


def changes(
    events: list[Event], known: dict[Key, Known]
) -> Iterator[tuple[Key, Known, Change | None]]:
    """Every window that is newer than what is known of its model and length, in order of time.

    Yields what is then known of it, and what changed: nothing for the most. A first verdict is a
    change where it is an alarm.
    """
    alarms = {(one.model, one.subject, one.time): one for one in events if one.kind == "alarm"}
    newest = dict(known)
    for event in sorted(events, key=lambda one: one.time):
        key = event.model, event.subject
        old = newest.get(key)
        if event.kind != "verdict" or (old is not None and event.time <= old.time):
            continue
        before = {} if old is None else old.verdicts
        judged = {str(a): str(b) for a, b in dict(event.detail.get("verdicts", {})).items()}
        # What was not judged in this window keeps the verdict that it had.
        newest[key] = Known(event.time, before | judged)
        moved = {s: v for s, v in judged.items() if v != before.get(s, "ok")}
        change = None
        if moved:
            was = {subject: before[subject] for subject in moved if subject in before}
            alarm = alarms.get((*key, event.time))
            causes = () if alarm is None else _causes(alarm.detail)
            worst = "alarm" if "alarm" in newest[key].verdicts.values() else "ok"
            change = Change(key, event.time, event.published, was, moved, causes, worst)
        yield key, newest[key], change


def touched(folder: Path, since: float) -> Iterator[Path]:
    """The days of events in an archive whose files changed since then (wall time, s)."""
    for _, day in days(folder / "events"):
        try:
            if day.stat().st_mtime >= since:
                yield day
        except FileNotFoundError:  # it was too old, and is removed
            continue


def read_day(folder: Path) -> list[Event]:
    """The verdicts and alarms of a day.

    Raises:
        StateError, OSError: a file of them cannot be read.
    """

    def look() -> EventDay:
        return read_event_day(folder, event_files(folder))

    table = steady(look).table
    try:
        table = table.filter(pc.is_in(table["kind"], pa.array(KINDS)))
        times = [table[name].cast(pa.int64()).to_pylist() for name in ("time", "published")]
        texts = [table[name].to_pylist() for name in ("kind", "model", "subject")]
        details = map(msgspec.json.Decoder(dict[str, Any]).decode, table["detail"].to_pylist())
        return [Event(*row) for row in zip(*times, *texts, details, strict=True)]
    except DAMAGE as error:
        raise StateError(f"{folder}: damaged ({error})") from error


def _causes(detail: Mapping[str, Any]) -> tuple[str, ...]:
    """The causes of an alarm, a line each."""
    found = []
    for one in detail.get("causes", ())[:3]:
        name = " ".join(filter(None, (one.get("subject"), one.get("feature"))))
        found.append(f"{name}: {one.get('words', one.get('kind', ''))}")
    if detail.get("as_rare_as"):
        found.append(f"as rare as {detail['as_rare_as']}")
    return tuple(found)
