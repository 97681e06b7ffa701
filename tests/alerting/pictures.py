"""Pictures for docs/alerting.md: `python -m tests.alerting.pictures` writes docs/images.

Messages and mails are those of a real Alertmanager with the shipped files. The mail is its own HTML in
Chromium; the message is laid out by a page of ours, as close as one comes to Slack's without Slack.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup
from playwright.sync_api import sync_playwright

from tests.alerting.conftest import ANNOTATIONS, Way

IMAGES = Path(__file__).parents[2] / "docs" / "images"
COLORS = {"good": "#2eb886", "warning": "#daa038", "danger": "#a30200"}
OUTPUT = {"summary": "arrival-delay: answers are null in 68.4% of rows, not in 1.4%"}
TICKET = {
    "summary": "arrival-delay: resident memory 3.1 GiB, above 2 GiB",
    "description": "The model server holds more memory than its limit in the config allows.",
    "since": "2013-02-07 09:00 EST",
    "last_version": ANNOTATIONS["last_version"],
    "page_url": ANNOTATIONS["page_url"],
    "runbook_url": ANNOTATIONS["runbook_url"],
}


def markup(text: str) -> Markup:
    """What Slack makes of a text: its links, bold, and the three entities."""
    text = re.sub(r"<(https?://[^|>]+)\|([^>]+)>", r'<a href="\1">\2</a>', text)
    return Markup(re.sub(r"\*([^*\n]+)\*", r"<b>\1</b>", text))  # noqa: S704 - escaped for Slack


def page(messages: list[dict[str, Any]]) -> str:
    """Messages as a page."""
    templates = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True)
    shown = [
        message
        | {
            "at": at,
            "color": COLORS[message["color"]],
            "title": markup(message["title"]),
            "text": markup(message["text"]),
            "fields": [field | {"value": markup(field["value"])} for field in message["fields"]],
        }
        for at, message in zip(("4:01 PM", "4:07 PM", "9:31 PM"), messages, strict=False)
    ]
    return templates.get_template("slack_message.html").render(messages=shown)


def picture(pages: dict[str, tuple[str, int]]) -> None:
    """Write each page (its HTML, and how wide) as a picture."""
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        for name, (html, width) in pages.items():
            view = chromium.new_page(viewport={"width": width, "height": 200})
            view.set_content(html)
            view.screenshot(path=IMAGES / f"{name}.png", full_page=True)
        chromium.close()


def main() -> None:
    """Send, receive, and write the pictures."""
    with tempfile.TemporaryDirectory() as folder, Way(Path(folder), None, 0.0) as way:
        way.fire()
        way.messages(1)
        way.fire(ANNOTATIONS | OUTPUT, alertname="InferwatchOutputAlarm", subject="output")
        way.mails(2)
        way.fire(TICKET, alertname="InferwatchMemory", severity="ticket", subject="")
        way.mails(3)
        way.resolve()
        way.resolve(ANNOTATIONS | OUTPUT, alertname="InferwatchOutputAlarm", subject="output")
        way.mails(4)
        messages, mails = way.messages(4), way.mails(4)
    order = (0, 2, 3)
    picture(
        {
            "alert_slack": (page([messages[place] for place in order]), 760),
            "alert_mail": (mails[0].html, 700),
            "alert_mail_narrow": (mails[1].html, 360),
        }
    )


if __name__ == "__main__":
    main()
