"""What the values of a config are made of: each type reads what people write, and says its own
name for the reference page. Every message says what is wrong; what to do."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Annotated, Any, ClassVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, StrictBool, ValidationInfo

from collectors.layout import Path
from monitor.durations import format_duration, format_size, parse_duration, parse_size
from monitor.paths import format_path, parse_path

_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class Section(BaseModel):
    """One mapping of the file. Keys of `planned` are in the design, and come later."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
    planned: ClassVar[frozenset[str]] = frozenset()


class Misplaced(ValueError):
    """What is wrong lies at `at`, below the section that found it."""

    def __init__(self, text: str, *at: str | int) -> None:
        super().__init__(text)
        self.at = at


@dataclass(frozen=True, slots=True)
class Written:
    """How people write a type: its name for the reference page, and a value as text."""

    name: str
    show: Callable[[Any], Any] = lambda value: value


def show(value: Any) -> str:
    """A value from the file as a message quotes it: short, and on one line."""
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    if value is None:
        return "nothing"
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _not(value: Any, wanted: str, example: str) -> ValueError:
    return ValueError(f"{show(value)} is not {wanted}; write for example {example}")


def _duration(value: Any) -> float:
    if isinstance(value, str):
        return parse_duration(value)
    raise _not(value, "a duration", "90s, 5m, 1h or 1d12h")


def _some_duration(value: Any) -> float:
    seconds = _duration(value)
    if seconds <= 0:
        raise ValueError("a duration of nothing; write one that is longer, for example 1m")
    return seconds


def _size(value: Any) -> int:
    size = parse_size(value) if isinstance(value, str) else value
    if isinstance(size, bool) or not isinstance(size, int):
        raise _not(value, "a size", "512KiB or 10MiB")
    if not 0 < size <= 2**40:
        raise ValueError(f"{show(value)} is out of bounds; write a size from 1B to 1024GiB")
    return size


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _not(value, "a number", "0.5, without quotes")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"{show(value)} is not finite; write a number that is")
    return number


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _not(value, "a whole number", "20, without quotes")
    return value


def _count(value: Any) -> int:
    if not 0 < _whole(value) <= 2**31:
        raise ValueError(f"{show(value)} is out of bounds; write a whole number from 1 to 2^31")
    return int(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _not(value, "a text", "a word" if isinstance(value, dict | list) else f'"{value}"')
    if not value.strip():
        raise ValueError("an empty text; write something, or remove the key")
    return value


def _name(value: Any) -> str:
    """A category as it comes in records: whole numbers and truth as JSON writes them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float) and math.isfinite(value):
        return str(int(value)) if value.is_integer() and abs(value) < 2**63 else repr(value)
    return _text(value)


def _zone(value: Any) -> str:
    name = _text(value)
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        what = f"the time zone {show(name)} is unknown"
        raise ValueError(f"{what}; use an IANA name such as Europe/Berlin") from None
    return name


def _field_path(value: Any) -> Path:
    return value if isinstance(value, tuple) else parse_path(_text(value))


def _file(value: Any, info: ValidationInfo) -> FilePath:
    """A file or folder; a relative one lies beside the config file."""
    return folder(info) / _text(value)


def folder(info: ValidationInfo) -> FilePath:
    """Where relative paths of the file begin."""
    return FilePath((info.context or {}).get("folder", "."))


def from_environment(value: Any, info: ValidationInfo) -> str:
    """`${NAME}` inside a text, replaced by what the environment says."""
    environ = (info.context or {}).get("environ", {})

    def replaced(match: re.Match[str]) -> str:
        if not (found := environ.get(match[1])):
            raise ValueError(f"the environment has no {match[1]}; set it before the start")
        return str(found)

    return _REFERENCE.sub(replaced, _text(value))


def is_reference(value: Any) -> bool:
    """Whether the value is one `${NAME}` and nothing else."""
    return isinstance(value, str) and _REFERENCE.fullmatch(value) is not None


Duration = Annotated[float, BeforeValidator(_duration), Written("duration", format_duration)]
"""Seconds, 0 or more."""
SomeDuration = Annotated[
    float, BeforeValidator(_some_duration), Written("duration", format_duration)
]
"""Seconds, more than 0."""
Size = Annotated[int, BeforeValidator(_size), Written("size", format_size)]
"""Bytes."""
Number = Annotated[float, BeforeValidator(_number), Written("number", lambda value: f"{value:g}")]
Whole = Annotated[int, BeforeValidator(_whole), Written("whole number")]
Count = Annotated[int, BeforeValidator(_count), Written("whole number")]
Text = Annotated[str, BeforeValidator(_text), Written("text")]
Name = Annotated[str, BeforeValidator(_name), Written("text")]
Zone = Annotated[str, BeforeValidator(_zone), Written("time zone")]
FieldPath = Annotated[Path, BeforeValidator(_field_path), Written("path", format_path)]
File = Annotated[FilePath, BeforeValidator(_file), Written("file", str)]
FromEnvironment = Annotated[str, BeforeValidator(from_environment), Written("text or ${NAME}")]
Truth = Annotated[StrictBool, Written("true or false")]
