"""The config: one YAML file, read strictly."""

from __future__ import annotations

from pathlib import Path

from monitor.config_model import ModelConfig
from monitor.config_source import Log, Source, State, Web
from monitor.config_types import Section
from monitor.yaml_lines import parse


class ConfigError(Exception):
    """Everything that is wrong with a config, a line each."""


class Config(Section):
    source: Source
    models: tuple[ModelConfig, ...]
    state: State = State()
    web: Web = Web()
    log: Log = Log()


def load(path: Path) -> Config:
    document = parse(path.read_text())
    if document.mistakes:
        raise ConfigError("\n".join(map(str, document.mistakes)))
    config = Config.model_validate(document.value, context={"folder": path.parent})
    return config
