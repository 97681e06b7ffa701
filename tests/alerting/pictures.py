"""Pictures for docs/messages.md: `python -m tests.alerting.pictures` writes docs/images.

Messages and mails are those of a real Alertmanager with the shipped files; what they say is what
the rules said of the storm in tests/endtoend. A mail is its own HTML in Chromium; a message is laid
out by the page of the demo's inbox, as close as one comes to Slack's without Slack.
"""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from playwright.sync_api import sync_playwright

from monitor.demo.inbox.messages import page, slack_message
from tests.alerting.conftest import ANNOTATIONS, Way

IMAGES = Path(__file__).parents[2] / "docs" / "images"
STORM = ANNOTATIONS | {
    "summary": "arrival-delay: dep_delay missing 1.383% to 68.42%",
    "causes": "input dep_delay: missing 1.383% to 68.42%\noutput: null answers 1.383% to 68.42%\n",
    "since": "2013-02-08 21:00 UTC, days in America/New_York",
    "rows": "76",
    "window_end": "2013-02-08 21:00 UTC",
    "reference": "2f478a8fb1d39e84, 11 days older",
    "rarity": "as rare as once in 120 days",
    "budget": "1 alarms in 30 days, 1 stated",
    "moved_first": "input, output",
    "last_version": "ridge-1, first seen 2013-02-08 05:00 UTC",
}

Picture = tuple[str, int, Literal["light", "dark"]]
"""HTML, how wide, and in which light."""


def picture(pages: dict[str, Picture]) -> None:
    """Write each page as a picture."""
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        for name, (html, width, scheme) in pages.items():
            view = chromium.new_page(viewport={"width": width, "height": 200}, color_scheme=scheme)
            view.set_content(html)
            view.screenshot(path=IMAGES / f"{name}.png", full_page=True)
        chromium.close()


def main() -> None:
    """Send, receive, and write the pictures."""
    with tempfile.TemporaryDirectory() as folder, Way(Path(folder), None, 0.0) as way:
        way.fire(STORM)
        way.messages(1)
        way.mails(1)
        way.resolve(STORM)
        messages, mails = way.messages(2), way.mails(2)
    times = (datetime(2013, 2, 8, 21, 2, tzinfo=UTC), datetime(2013, 2, 9, 19, 14, tzinfo=UTC))
    shown = [slack_message(one, at) for one, at in zip(messages, times, strict=True)]
    slack = page(shown, None)
    picture(
        {
            "alert_slack_light": (slack, 760, "light"),
            "alert_slack_dark": (slack, 760, "dark"),
            "alert_mail": (mails[0].html, 700, "light"),
            "alert_mail_narrow": (mails[0].html, 360, "light"),
        }
    )


if __name__ == "__main__":
    main()
