"""The page of every key, made from the config model: `python -m monitor.config_docs`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any, get_args

from pydantic.fields import FieldInfo

from monitor.config import Config, sections_in
from monitor.config_types import Section, Written

INTRO = """\
# Configuration

One YAML file, `inferwatch.yml` unless the command names another. `inferwatch init` writes it from
what it finds in a topic or a file, `inferwatch check` reads it strictly: an unknown key, a key that
stands twice or a wrong type is an error with its line. Durations are written `90s`, `5m`, `1h`,
`1d12h`; sizes `512KiB`, `10MiB`; paths into a record `a.b`, `a[0].b`, `a["b.c"]`. Relative files
begin at the config's folder. Secrets come from files or from the environment (`${NAME}`).

This page is made from the program (`make docs`).
"""


def render() -> str:
    """The whole page."""
    return INTRO + "".join(_section(Config, ()))


def _section(section: type[Section], at: tuple[str, ...]) -> Iterator[str]:
    title = ".".join(at) or "The file"
    yield f"\n## {f'`{title}`' if at else title}\n\n{' '.join((section.__doc__ or '').split())}\n\n"
    yield "| key | type | default | meaning | example |\n|---|---|---|---|---|\n"
    for name, field in section.model_fields.items():
        yield _row(name, field)
    for name, field in section.model_fields.items():
        inner = next(sections_in(field.annotation), None)
        if inner is not None:
            many = "[]" if "tuple" in str(field.annotation) else ""
            many = ".<name>" if "Mapping" in str(field.annotation) else many
            yield from _section(inner, (*at, name + many))


def _row(name: str, field: FieldInfo) -> str:
    written = next(_written(field), None)
    show = written.show if written else (lambda value: value)
    kind = written.name if written else _kind(field.annotation)
    if "tuple[" in str(field.annotation) and not kind.startswith(("list", "section", "path")):
        kind = f"list of {kind}"
    default = "required" if field.is_required() else _default(field, show)
    examples = ", ".join(f"`{_json(example)}`" for example in field.examples or ())
    cells = (f"`{name}`", kind, default, field.description or "", examples)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _written(field: FieldInfo) -> Iterator[Written]:
    yield from (item for item in field.metadata if isinstance(item, Written))
    yield from _written_in(field.annotation)


def _written_in(annotation: Any) -> Iterator[Written]:
    for inner in (*get_args(annotation), *getattr(annotation, "__metadata__", ())):
        if isinstance(inner, Written):
            yield inner
        else:
            yield from _written_in(inner)


def _kind(annotation: Any) -> str:
    if next(sections_in(annotation), None):
        return "sections" if "tuple" in str(annotation) else "section"
    words = [str(word) for word in _literals(annotation)]
    return " or ".join(f"`{word}`" for word in words) or "text"


def _literals(annotation: Any) -> Iterator[Any]:
    for inner in get_args(annotation):
        if isinstance(inner, str | int | bool):
            yield inner
        else:
            yield from _literals(inner)


def _default(field: FieldInfo, show: Any) -> str:
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is None or isinstance(value, Section):
        return ""
    if isinstance(value, tuple):
        return f"`[{', '.join(str(show(item)) for item in value)}]`" if value else "none"
    text = json.dumps(value) if isinstance(value, bool) else str(show(value))
    return f"`{text}`"


def _json(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


if __name__ == "__main__":
    sys.stdout.write(render())
