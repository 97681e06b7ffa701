"""Which model a record belongs to: by its topic, by a field of it, or by a header."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from collectors.formats.columns import name_of
from collectors.formats.parsing import plain_json
from collectors.layout import Path
from collectors.sources import Records

_UNREAD = object()


@dataclass(frozen=True, slots=True)
class Rule:
    """What a record must have to be the model's; None asks for nothing."""

    model: str
    topic: str | None = None
    path: Path | None = None
    header: str | None = None
    equals: str | None = None


class Router:
    """Splits batches by model. The first rule that matches wins."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = tuple(rules)

    def route(self, records: Records) -> list[tuple[str | None, Records]]:
        """The batch in parts, each with its model; None for records that no rule matches.

        A record that is a list goes where its first item goes.
        """
        rules = [r for r in self._rules if r.topic in {None, records.partition.topic}]
        if rules and rules[0].path is None and rules[0].header is None:
            return [(rules[0].model, records)]
        parts: dict[str | None, list[int]] = {}
        for index in range(len(records)):
            parts.setdefault(_model(rules, records, index), []).append(index)
        if len(parts) == 1:
            return [(model, records) for model in parts]
        return [(model, subset(records, indices)) for model, indices in parts.items()]


def subset(records: Records, indices: Sequence[int]) -> Records:
    """The records at these places of the batch, ascending."""
    chosen = list(indices)
    places = {index: place for place, index in enumerate(chosen)}
    return replace(
        records,
        offsets=records.offsets[chosen],
        values=[records.values[i] for i in chosen],
        keys=[records.keys[i] for i in chosen],
        headers=[records.headers[i] for i in chosen],
        timestamps=records.timestamps[chosen],
        oversized={places[i]: size for i, size in records.oversized.items() if i in places},
    )


def _model(rules: Sequence[Rule], records: Records, index: int) -> str | None:
    document: Any = _UNREAD
    for rule in rules:
        if rule.header is not None:
            wanted = (rule.header, (rule.equals or "").encode())
            if wanted in [(name, value) for name, value in records.headers[index]]:
                return rule.model
        elif rule.path is not None:
            if document is _UNREAD:
                document = _document(records, index)
            found = _at(document, rule.path)
            if found is not None and name_of(found) == rule.equals:
                return rule.model
        else:
            return rule.model
    return None


def _document(records: Records, index: int) -> Any:
    value = records.values[index]
    if value is None or index in records.oversized:
        return None
    document = plain_json(value)
    if isinstance(document, list):
        return document[0] if document else None
    return document


def _at(document: Any, path: Path) -> Any:
    for step in path:
        try:
            document = document[step]
        except (KeyError, IndexError, TypeError):
            return None
    return document
