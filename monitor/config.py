"""The config: one YAML file, read strictly, and every mistake in it named with its line."""

from __future__ import annotations

import difflib
import os
import typing
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from monitor.config_alarms import Share, SharedAlarms
from monitor.config_alertmanager import AlertmanagerConfig
from monitor.config_grafana import GrafanaConfig
from monitor.config_jobs import JobsConfig
from monitor.config_model import ModelConfig
from monitor.config_source import Log, Source, State
from monitor.config_types import Misplaced, Section, show
from monitor.config_web import Web
from monitor.durations import format_duration
from monitor.yaml_lines import Document, KeyPath, NotYaml, parse


class ConfigError(Exception):
    """Everything that is wrong with a file, a line each: `file:line: key: what; what to do`."""


class Config(Section):
    """The whole file."""

    planned = frozenset({"lake", "experiments"})

    source: Source = Field(description="Where records come from.")
    models: tuple[ModelConfig, ...] = Field(min_length=1, description="The models to watch.")
    alarms: SharedAlarms | None = Field(
        default=None, description="What all models share of their alarms."
    )
    state: State = Field(default_factory=State, description="What is kept on disk.")
    web: Web = Field(default_factory=Web, description="Where metrics are served.")
    jobs: JobsConfig = Field(
        default_factory=JobsConfig, description="What is done by the clock, beside reading."
    )
    alertmanager: AlertmanagerConfig = Field(
        default_factory=AlertmanagerConfig, description="Where Alertmanager is."
    )
    grafana: GrafanaConfig | None = Field(
        default=None, description="Where Grafana is, and what is written there."
    )
    log: Log = Field(default_factory=Log, description="How the daemon logs.")

    @model_validator(mode="before")
    @classmethod
    def _state_beside_the_config(cls, data: Any) -> Any:
        # A default is not read as what stands in the file is, and would begin elsewhere.
        return {"state": {}, **data} if isinstance(data, dict) else data

    @model_validator(mode="after")
    def _letters_apart(self) -> Config:
        topic, kafka = self.state.dead_letters.topic, self.source.kafka
        at = ("state", "dead_letters", "topic")
        if topic is not None and kafka is None:
            what = "is a topic, and there is no source.kafka to write to"
            raise Misplaced(f"{what}; remove it, and they are kept in state.dir", *at)
        if topic is not None and kafka is not None and topic in kafka.topics:
            what = f"{show(topic)} is among source.kafka.topics, and would be read again"
            raise Misplaced(f"{what}; write to another topic", *at)
        return self

    @model_validator(mode="after")
    def _windows_kept(self) -> Config:
        keep = self.state.archive.keep
        for model in self.models:
            if keep < model.needs_kept:
                what = f"{format_duration(keep)} is shorter than model {model.name} needs: "
                what += f"{model.reads_back[1]}, and what comes late; "
                what += f"write {format_duration(model.needs_kept)} or more"
                raise Misplaced(what, "state", "archive", "keep")
        return self

    @model_validator(mode="after")
    def _models_apart(self) -> Config:
        names: dict[str, int] = {}
        for place, model in enumerate(self.models):
            if model.name in names:
                what = f"{show(model.name)} is the name of models[{names[model.name]}] too"
                raise Misplaced(f"{what}; give each model a name of its own", "models", place)
            names[model.name] = place
            if model.match is None and len(self.models) > 1:
                what = "without match it would take the records of every other model"
                raise Misplaced(f"{what}; say which are its own by match", "models", place)
            topic = None if model.match is None else model.match.topic
            kafka = self.source.kafka
            if topic is not None and kafka is not None and topic not in kafka.topics:
                what = f"{show(topic)} is not among source.kafka.topics"
                raise Misplaced(f"{what}; add it there", "models", place, "match", "topic")
            model.limit_records(self.source.max_record_bytes)
        return self

    @model_validator(mode="after")
    def _budget_shared(self) -> Config:
        sharing = [model for model in self.models if model.spends_shared]
        if self.alarms is not None:
            for model in sharing:
                model.share_budget(Share(self.alarms.budget, len(sharing)))
        return self


def load(path: Path, environ: Mapping[str, str] = os.environ) -> Config:
    """The config in a file; relative paths in it begin at the file's folder.

    Raises:
        ConfigError: the file cannot be read, or is not a valid config.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; `inferwatch init` writes one") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error})") from error
    return read(text, path, environ)


def read(text: str, path: Path, environ: Mapping[str, str]) -> Config:
    """The config in a text; `path` is where it stands, for messages and relative paths.

    Raises:
        ConfigError: it is not a valid config.
    """
    try:
        document = parse(text)
    except NotYaml as error:
        raise ConfigError(f"{path}:{error.mistake.line}: {error}") from error
    found = [(mistake.line, mistake.path, mistake.text) for mistake in document.mistakes]
    config: Config | None = None
    try:
        context = {"folder": path.parent, "environ": environ}
        config = Config.model_validate(document.value, context=context)
    except ValidationError as error:
        found += _mistakes(error.errors(include_url=False), document)
    if config is None or found:
        lines = sorted(set(found), key=lambda mistake: (mistake[0], mistake[2]))
        raise ConfigError(
            "\n".join(f"{path}:{line}: {_said(at, what)}" for line, at, what in lines)
        )
    return config


def describe(config: Config) -> list[str]:
    """What would run, a line each, for people."""
    source = config.source
    lines = []
    if source.kafka is not None:
        servers = ", ".join(source.kafka.bootstrap_servers)
        lines.append(f"reads topics {', '.join(source.kafka.topics)} from Kafka at {servers}")
    if source.files is not None:
        how = "follows" if source.files.follow else "reads once"
        lines.append(f"{how} {', '.join(source.files.paths)}")
    for model in config.models:
        windows = ", ".join(name for name, _ in model.named_windows())
        lines.append(f"model {model.name}: windows {windows}, days of {model.timezone}")
        if model.features is not None:
            lines.append(f"  {len(model.features)} features: {', '.join(model.features)}")
        if model.reference is not None and model.reference.fixed:
            lines.append(f"  false alarms: {model.budget_in_words}")
        if model.needs_discovery:
            lines.append("  what the config leaves open is found in the first records")
        fields = model.fields
        if source.files is not None and fields is not None and fields.time is None:
            lines.append("  warning: files have no time of their own; without fields.time every")
            lines.append("  record is counted as no_time and left out")
    if config.alarms is not None and not any(model.spends_shared for model in config.models):
        lines.append("warning: alarms.budget is shared by no model: each states its own, or has no")
        lines.append("reference to judge by")
    lines.append(f"keeps its state in {config.state.dir}, serves {config.web.url}/metrics")
    return lines


def _said(at: KeyPath, what: str) -> str:
    place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in at)
    return f"{place.removeprefix('.')}: {what}" if place else what


def _mistakes(
    errors: Sequence[ErrorDetails], document: Document
) -> Iterator[tuple[int, KeyPath, str]]:
    for error in errors:
        if error["type"] == "too_short" and error["input"]:
            continue  # its items are wrong, and are said themselves
        at, what = _cleaned(error["loc"], document), error["msg"]
        cause = error.get("ctx", {}).get("error")
        if isinstance(cause, Misplaced):
            at += cause.at
        if isinstance(cause, ValueError):
            what = str(cause)
        elif error["type"] == "extra_forbidden":
            what = _unknown(at)
        elif error["type"] == "missing":
            what = "is not there; add it"
        elif error["type"] == "literal_error":
            what = (
                f"{show(error['input'])} is not one of {error['ctx']['expected']}; use one of them"
            )
        elif error["type"] in {"model_type", "model_attributes_type", "dict_type", "mapping_type"}:
            what = f"{show(error['input'])} is not a mapping; write keys below it"
        elif error["type"] in {"tuple_type", "list_type"}:
            what = f"{show(error['input'])} is not a list; write [...] around it"
        elif error["type"] == "too_short":
            what = "is empty; write at least one"
        yield document.line(at), at, what


def _cleaned(loc: KeyPath, document: Document) -> KeyPath:
    """The place without the names of alternatives that pydantic puts into it."""
    value, at = document.value, list[str | int]()
    for step in loc:
        inside = isinstance(value, dict) and step in value
        if inside or (isinstance(value, list) and isinstance(step, int) and step < len(value)):
            value = value[step]
        elif step != loc[-1] or not isinstance(value, dict):
            continue
        at.append(step)
    return tuple(at)


def _unknown(at: KeyPath) -> str:
    section, name = _section(at[:-1]), str(at[-1])
    if section is None:
        return "is not known; remove it"
    if name in section.planned:
        return "is not in this version; remove it"
    near = difflib.get_close_matches(name, section.model_fields, n=1, cutoff=0.5)
    if near:
        return f"is not known; did you mean {near[0]}?"
    return f"is not known; known here are {', '.join(section.model_fields)}"


def _section(at: KeyPath) -> type[Section] | None:
    """The section that lies at a place."""
    section: type[Section] | None = Config
    for step in at:
        if section is not None and isinstance(step, str) and step in section.model_fields:
            section = next(sections_in(section.model_fields[step].annotation), None)
    return section


def sections_in(annotation: Any) -> Iterator[type[Section]]:
    """The sections that a field may hold: itself, in lists, in mappings, or as one of several."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation
    for inner in typing.get_args(annotation):
        yield from sections_in(inner)
