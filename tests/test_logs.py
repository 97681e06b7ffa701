"""Log lines: one an event, whatever a value holds."""

from __future__ import annotations

import io
import json
import logging
import math
import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import logs

Style = Literal["logfmt", "json"]
STYLES: list[Style] = ["logfmt", "json"]
HOSTILE = {
    "a newline": 'x\nts=2026-01-01T00:00:00.000Z level=error msg="forged"',
    "a carriage return": "x\rlevel=error",
    "line separators": "x\u2028y\u2029z\x85\x0b\x0c",
    "a colour": "\x1b[31mred\x1b[0m",
    "a title of the terminal": "\x1b]0;gone\x07",
    "a lone surrogate": "\ud800 and \udfff",
    "nothing": "",
    "quotes": '"\\" level=error',
    "an equals sign": "a=b",
    "right to left": "\u202egnp.exe",
    "a zero": "\x00",
}


class Stderr(io.TextIOWrapper):
    """Standard error of a terminal that knows ASCII alone, and forgives nothing."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="ascii", errors="strict", newline="\n")

    def lines(self) -> list[str]:
        self.flush()
        buffer = self.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue().decode("ascii").splitlines()


@pytest.fixture
def stderr(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stderr]:
    """Standard error; how logging was set up before comes back afterwards."""
    root, kafka = logging.getLogger(), logging.getLogger("kafka")
    before = (root.handlers[:], root.level), (kafka.handlers[:], kafka.level, kafka.propagate)
    root.handlers = []  # `force` closes them, and pytest's own are among them
    monkeypatch.setattr(logging, "raiseExceptions", True)
    made = Stderr()
    monkeypatch.setattr(logs, "sys", SimpleNamespace(stderr=made))  # pytest puts sys.stderr back
    yield made
    (root.handlers, root.level), (kafka.handlers, kafka.level, kafka.propagate) = before


def read(line: str, style: str) -> dict[str, Any]:
    """A line, as a program would read it."""
    if style == "json":
        found: dict[str, Any] = json.loads(line)
        return found
    pairs = re.findall(r'(\w+)=("(?:[^"\\]|\\.)*"|[^\s"]+)(?: |$)', line)
    assert " ".join(f"{key}={value}" for key, value in pairs) == line
    return {key: json.loads(value) if value[0] == '"' else value for key, value in pairs}


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_value_breaks_a_line(style: Style, text: str, stderr: Stderr) -> None:
    logs.set_up(style, "info")
    logging.getLogger("here").warning("version %s", text, extra={"version": text})
    (line,) = stderr.lines()
    assert line.isprintable()
    found = read(line, style)
    assert (found["msg"], found["version"], found["level"]) == (f"version {text}", text, "warning")


@pytest.mark.parametrize("style", STYLES)
@given(text=st.text(st.characters(exclude_categories=[]), max_size=40))
def test_every_text_comes_back_as_it_was(style: Style, text: str) -> None:
    record = logging.makeLogRecord({"msg": "m", "version": text, "created": 0.0})
    line = logs._Line(style).format(record)
    assert line.isascii()
    assert line.isprintable()
    assert read(line, style)["version"] == text


@pytest.mark.parametrize("style", STYLES)
def test_a_traceback_is_one_line(style: Style, stderr: Stderr) -> None:
    logs.set_up(style, "info")
    try:
        int(HOSTILE["a newline"])
    except ValueError:
        logging.getLogger("here").exception("failed")
    (line,) = stderr.lines()
    assert read(line, style)["error"].count("forged") == 1


@pytest.mark.parametrize("style", STYLES)
def test_a_long_value_is_cut_and_its_length_said(style: Style, stderr: Stderr) -> None:
    logs.set_up(style, "info")
    logging.getLogger("here").info("m", extra={"value": "\x1b" * 2**20})
    (line,) = stderr.lines()
    assert len(line) < 30_000
    assert read(line, style)["value"].endswith("... (1048576 characters)")


def test_numbers_are_numbers_and_what_json_has_not_is_text(stderr: Stderr) -> None:
    logs.set_up("json", "info")
    values = {
        **{"one": 1, "half": 0.5, "yes": True, "none": None},
        **{"list": [1], "nan": math.nan, "inf": -math.inf, "huge": 10**5000},
    }
    logging.getLogger("here").info("m", extra=values)
    (line,) = stderr.lines()
    found = json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert {name: found[name] for name in values} == {
        **{"one": 1, "half": 0.5, "yes": True, "none": None},
        **{"list": "[1]", "nan": "nan", "inf": "-inf"},
        "huge": hex(10**5000)[:4000] + "... (4155 characters)",
    }


def test_the_level_is_kept(stderr: Stderr) -> None:
    logs.set_up("logfmt", "warning")
    logging.getLogger("here").info("no")
    logging.getLogger("here").warning("yes")
    assert [read(line, "logfmt")["msg"] for line in stderr.lines()] == ["yes"]


def test_kafkas_own_log_is_not_made_below_warning(stderr: Stderr) -> None:
    logs.set_up("logfmt", "debug")
    for name in ("kafka", "kafka.net.connection", "kafka.net.sasl.plain"):
        logger = logging.getLogger(name)
        assert not logger.isEnabledFor(logging.INFO)
        logger.debug("password=sesame")
        logger.critical("nothing that a person could mend")
    assert stderr.lines() == []


def test_a_refused_login_is_said_in_a_sentence_and_not_at_every_try(stderr: Stderr) -> None:
    logs.set_up("logfmt", "info")
    kafka = logging.getLogger("kafka.net.manager")
    for second in (0.0, 1.0, 29.0, 31.0):
        kafka.handle(
            logging.makeLogRecord(
                {
                    "name": kafka.name,
                    "levelno": logging.ERROR,
                    "created": second,
                    "msg": "Connection failed: %s",
                    "args": ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed",),
                }
            )
        )
    found = [read(line, "logfmt") for line in stderr.lines()]
    assert len(found) == 2
    assert all("ca_file" in line["msg"] and "verify" in line["why"] for line in found)
