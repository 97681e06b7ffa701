"""Messages as they came, and as people would see them."""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

COLORS = {"good": "#2eb886", "warning": "#daa038", "danger": "#a30200"}
"""Slack's names of colours, which stand for these."""

_LINK = re.compile(r"<(https?://[^\s<>|]+)\|([^<>|\n]+)>")
_BOLD = re.compile(r"(?<![\w*])\*([^*\n]+)\*(?![\w*])")
_COLOR = re.compile(r"#[0-9a-fA-F]{6}")


@dataclass(frozen=True, slots=True)
class SlackMessage:
    """An attachment of an incoming webhook, ready to be shown."""

    arrived: datetime
    color: str
    title: str
    title_link: str
    text: Markup
    fields: Sequence[tuple[str, str]]
    footer: str


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail, read."""

    arrived: datetime
    sender: str
    to: str
    subject: str
    html: str
    text: str


def slack_message(attachment: Mapping[str, Any], arrived: datetime) -> SlackMessage:
    """What Slack makes of an attachment; what is missing in it is empty."""
    link, color = str(attachment.get("title_link", "")), str(attachment.get("color", ""))
    fields = attachment.get("fields") or ()
    return SlackMessage(
        arrived,
        COLORS.get(color, color if _COLOR.fullmatch(color) else "#dddddd"),
        characters(str(attachment.get("title", ""))),
        link if link.startswith(("http://", "https://")) else "",
        markup(str(attachment.get("text", ""))),
        [(characters(str(one["title"])), characters(str(one["value"]))) for one in fields],
        characters(str(attachment.get("footer", ""))),
    )


def read_mail(raw: bytes, arrived: datetime) -> Mail:
    """A mail from its bytes."""
    message = email.message_from_bytes(raw, policy=email.policy.default)
    parts = {}
    for part in message.walk():
        if part.get_content_maintype() == "text":
            parts[part.get_content_type()] = str(part.get_content())
    sender, to, subject = (str(message[name] or "") for name in ("From", "To", "Subject"))
    return Mail(
        arrived,
        sender,
        to,
        subject,
        html=parts.get("text/html", ""),
        text=parts.get("text/plain", ""),
    )


def markup(text: str) -> Markup:
    """The HTML of a text: its links, what is bold, and its three entities as their characters."""
    shown, place = Markup(), 0
    for link in _LINK.finditer(text):
        to = Markup('<a href="{}" target="_blank" rel="noopener">{}</a>')
        shown += _bold(text[place : link.start()])
        shown += to.format(characters(link[1]), characters(link[2]))
        place = link.end()
    return shown + _bold(text[place:])


def characters(text: str) -> str:
    """A text with Slack's three entities as their characters."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _bold(text: str) -> Markup:
    escaped = str(escape(characters(text)))
    return Markup(_BOLD.sub(r"<b>\1</b>", escaped))  # noqa: S704 - escaped in the line above


def page(
    slack: Sequence[SlackMessage], mails: Sequence[Mail] | None, refresh: int | None = None
) -> str:
    """The inbox as a page, newest first; it asks for itself again every `refresh` seconds.

    Without mails (None) it is of Slack alone.
    """
    return _templates().get_template("inbox.html").render(slack=slack, mails=mails, refresh=refresh)


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("monitor.demo.inbox"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
