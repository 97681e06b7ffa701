"""Pictures for docs/messages.md: `python -m tests.alerting.pictures` writes docs/images.

They are of the demo with Prometheus and Alertmanager (`inferwatch demo --stack`): its messages come
of the shipped rules and templates. A mail is its own HTML in Chromium; a message is laid out by the
inbox's page, as close as one comes to Slack's without Slack.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal
from urllib.parse import urljoin

from playwright.sync_api import Browser, Page, sync_playwright

IMAGES = Path(__file__).parents[2] / "docs" / "images"
COMMAND = str(Path(sys.executable).with_name("inferwatch"))
FIRST = re.compile(r"\[PAGE\] .*dep_delay")
"""The first of these is the storm's."""

DAYS = 42
"""Of the demo: until the storm is over."""


@contextmanager
def inbox() -> Iterator[str]:
    """The address of the demo's inbox, once all flights are through."""
    command = [COMMAND, "demo", "--stack", "--days", str(DAYS), "--listen", "127.0.0.1:0"]
    demo = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert demo.stdout is not None
    try:
        for line in demo.stdout:
            if found := re.match(r"Told: .* at (http://\S+)", line):
                yield found[1]
                return
        raise AssertionError(f"the demo ended with {demo.wait()}")
    finally:
        demo.terminate()
        demo.communicate(timeout=60)


def view(browser: Browser, url: str, width: int, scheme: Literal["light", "dark"]) -> Page:
    """A page, so wide."""
    page = browser.new_page(viewport={"width": width, "height": 300}, color_scheme=scheme)
    page.goto(url)
    return page


def main() -> None:
    """Run the demo, and write the pictures."""
    IMAGES.mkdir(exist_ok=True)
    with inbox() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        for scheme in ("light", "dark"):
            page = view(browser, url, 1280, scheme)
            page.set_viewport_size({"width": 1280, "height": 900})
            page.screenshot(path=IMAGES / f"inbox_{scheme}.png")
            page.set_viewport_size({"width": 760, "height": 900})
            storm = page.locator(".message", has_text=FIRST).last
            storm.screenshot(path=IMAGES / f"alert_slack_{scheme}.png")
        mail = page.locator(".mail a", has_text=FIRST).last.get_attribute("href")
        for name, width in (("alert_mail", 700), ("alert_mail_narrow", 360)):
            page = view(browser, urljoin(url, mail), width, "light")
            page.screenshot(path=IMAGES / f"{name}.png", full_page=True)
        browser.close()


if __name__ == "__main__":
    main()
