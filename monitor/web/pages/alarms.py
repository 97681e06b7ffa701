"""Alarms as the archive keeps them, each with an id that stays."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any

import msgspec

from monitor.archive_files import stamp, time
from monitor.event_clock import SECOND
from monitor.web.pages.history import DAY, Happened, History, detail_of
from monitor.web.pages.shapes import plain
from monitor.web.pages.views import AlarmLine, Cause

KINDS = ("alarm", "alarm ended")

LONGEST = 400
"""Days after its begin in which the end of an alarm is looked for."""

_ID = re.compile(r"(\d{8}T\d{6}Z)-([0-9a-f]{12})", re.ASCII)


def alarm_id(model: str, window: str, end: int) -> str:
    """The id of the alarm that began with the window that ended then (us): the same for ever."""
    of = msgspec.json.encode([model, window, end])
    return f"{stamp(end)}-{blake2b(of, digest_size=6).hexdigest()}"


def find(history: History, id: str) -> Happened | None:
    """The alarm of this id; None where there is none.

    Raises:
        Unreadable: its day cannot be read.
    """
    named = _ID.fullmatch(id)
    if named is None:
        return None
    try:
        begun = time(named[1])
    except ValueError:  # digits that are no date
        return None
    for one in history.at(begun, ("alarm",)):
        if alarm_id(one.model, one.subject, one.time) == id:
            return one
    return None


def newest(
    history: History,
    model: str | None,
    before: int,
    most: int,
    days: int,
    zones: Mapping[str, str],
) -> list[AlarmLine]:
    """The newest alarms up to `before` (us), the newest first."""
    ended: dict[tuple[str, str], int] = {}
    found = []
    for one in history.back(KINDS, model, before, days):
        key = (one.model, one.subject)
        if one.kind == "alarm ended":
            ended[key] = one.time
            continue
        found.append(line(one, ended.get(key), zones.get(one.model, "UTC")))
        if len(found) == most:
            break
    return found


def end_of(history: History, alarm: Happened) -> int | None:
    """When it ended (us); None while it goes on."""
    after = history.events(KINDS[1:], alarm.model, alarm.time + 1, alarm.time + LONGEST * DAY)
    return next((one.time for one in after if one.subject == alarm.subject), None)


def line(one: Happened, ended: int | None, zone: str) -> AlarmLine:
    """An alarm for people."""
    detail = detail_of(one)
    return AlarmLine(
        id=alarm_id(one.model, one.subject, one.time),
        model=one.model,
        window=one.subject,
        zone=zone,
        time=one.time // SECOND,
        ended=None if ended is None else ended // SECOND,
        score=float(detail.get("score", 0.0)),
        rarity=str(detail.get("as_rare_as", "")),
        moved_first=str(detail.get("moved_first", "")),
        reference=str(detail.get("reference", "")),
        causes=list(_causes(detail.get("causes", ()))),
    )


def _causes(found: Sequence[Mapping[str, Any]]) -> Iterator[Cause]:
    for one in found:
        yield Cause(
            subject=str(one.get("subject", "")),
            feature=plain(str(one.get("feature", ""))),
            version=plain(str(one.get("version", ""))),
            kind=str(one.get("kind", "")),
            reference=float(one.get("reference", 0.0)),
            now=float(one.get("now", 0.0)),
            words=plain(str(one.get("words", ""))),
            score=float(one.get("score", 0.0)),
        )
