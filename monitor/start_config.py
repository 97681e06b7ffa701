"""What `inferwatch init` writes: a commented config for what lies in a topic or a file."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from collectors.discover import discover
from collectors.discovery import Discovery, FoundFeature
from collectors.sources import CaughtUp, Records, Source
from monitor.paths import format_path, parse_path
from monitor.settling import plain

KEYWORDS = {"yes", "no", "on", "off", "true", "false", "null", "y", "n", "~"}


class NothingFound(Exception):
    """There is nothing to go by; the message says where was looked."""


def start_config(
    model: str,
    servers: Sequence[str],
    topic: str | None,
    file: Path | None,
    records: int,
    timeout: float,
) -> str:
    """Sample a topic (from its front) or a file, and write the config for it.

    Raises:
        NothingFound: no record came within `timeout` seconds, or none is a JSON object.
        ImportError: the file needs a package that is not installed.
    """
    if file is not None:
        from collectors.sources.files import FilesOptions, FilesSource

        where = str(file)
        source: Source = FilesSource(FilesOptions((str(file.resolve()),)))
        yaml = f"  files: {{paths: [{_quoted(str(file.resolve()))}]}}"
    else:
        from collectors.sources.kafka import KafkaOptions, KafkaSource

        where = f"topic {topic} at {','.join(servers)}"
        options = KafkaOptions(tuple(servers), (topic or "",), "inferwatch-init", "earliest")
        source = KafkaSource(options)
        listed = ", ".join(map(_quoted, servers))
        yaml = f"  kafka: {{bootstrap_servers: [{listed}], topics: [{_quoted(topic or '')}]}}"
    try:
        samples = _sample(source, records, timeout)
    finally:
        source.close()
    if not samples:
        raise NothingFound(
            f"{where}: no JSON object came within {timeout:g} s; is something written there?"
        )
    return write_config(model, yaml, where, discover(samples))


def _sample(source: Source, most: int, timeout: float) -> list[Any]:
    samples: list[Any] = []
    deadline = time.monotonic() + timeout
    while len(samples) < most and time.monotonic() < deadline:
        values = source.poll(0.2, time.time())
        for value in values:
            if isinstance(value, Records):
                samples += plain(value)
        ended = [value for value in values if isinstance(value, CaughtUp)]
        if any(value.final for value in ended) or (ended and samples):
            break
    return samples[:most]


def write_config(model: str, source: str, where: str, found: Discovery) -> str:
    """The YAML; `source` is the line of its source, `where` says where the samples came from."""
    return "\n".join(_lines(model, source, where, found)) + "\n"


def _lines(model: str, source: str, where: str, found: Discovery) -> Iterator[str]:
    yield f"# Made from {found.rows:,} records of {_comment(where)}. Correct what is wrong, then"
    yield "# `inferwatch check` and `inferwatch run`. Every key: docs/configuration.md."
    yield "source:"
    yield source
    yield "models:"
    yield f"  - name: {_quoted(model)}"
    yield "    fields:"
    for name, place in found.places.items():
        value = _quoted(format_path(place.path))
        if name == "latency" and found.latency_unit:
            value = f"{{path: {value}, unit: {found.latency_unit}}}"
        yield f"      {name}: {value}  # {_comment(place.note)}"
    if "time" not in found.places:
        yield "      # time: no field looks like one; the broker's time is taken"
    kept = [feature for feature in found.features if feature.left_out is None]
    base = found.features_at
    if base:
        yield f"      features: {_quoted(format_path(base))}"
    yield "    features:" if kept else "    # no features were found"
    for feature in found.features:
        yield from _feature(feature, base)
    if found.output_kind:
        yield f"    output: {{kind: {found.output_kind}}}"
    yield "    windows: [1h, 1d]"
    yield "    timezone: UTC  # where days begin, for example Europe/Berlin"
    for path in found.unused:
        yield f"    # not used: {_comment(format_path(path))}"
    for note in found.notes:
        yield f"    # {_comment(note)}"


def _feature(feature: FoundFeature, base: Any) -> Iterator[str]:
    name, path = _quoted(feature.name), ""
    if feature.path != (*(base or ()), *_as_path(feature.name)):
        path = f", path: {_quoted(format_path(feature.path))}"
    line = f"{name}: {{kind: {feature.kind}{path}}}"
    if feature.left_out is not None:
        yield f"      # {_comment(line)}  left out: {_comment(feature.left_out)}"
        return
    seen = [] if not feature.missing else [f"{feature.missing:.1%} missing"]
    if feature.low is not None and feature.high is not None:
        seen.append(f"{feature.low:g} to {feature.high:g}")
    if feature.categories:
        seen.append(f"{feature.distinct} values")
    yield f"      {line}" + (f"  # {_comment('; '.join(seen))}" if seen else "")
    # An invented limit makes noise: what was seen is offered, and left to the reader.
    if feature.low is not None and feature.high is not None:
        yield f"      #   range: [{feature.low:g}, {feature.high:g}]  # flags what lies outside"


def _as_path(name: str) -> tuple[str | int, ...]:
    """Where the config looks for a feature that has this name and no path."""
    try:
        return parse_path(name)
    except ValueError:
        return ()


def _quoted(text: str) -> str:
    """A text as YAML: bare where it is a plain word, else in quotes."""
    bare = text.replace("_", "a").replace("-", "a").replace(".", "a")
    if bare.isascii() and bare.isalnum() and text[0].isalpha() and text.lower() not in KEYWORDS:
        return text
    quoted: str = yaml.safe_dump(text, default_style='"', allow_unicode=True, width=10**9)
    return quoted.strip()


def _comment(text: str) -> str:
    """On one line, and printable."""
    return "".join(c if c.isprintable() else "?" for c in text)[:160]
