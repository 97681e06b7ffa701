"""The pages in a real Chromium: nothing that it complains of, on any screen, by keyboard too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.judging.living import HOUR
from tests.support.real import require
from tests.web.conftest import HOSTILE
from tests.web.test_pages import PAGES, START

DISTINCT = 4.5
"""Contrast of text with what is behind it, at least (WCAG 2, AA)."""

_CONTRAST = """() => {
  const made = document.createElement("canvas");
  const canvas = made.getContext("2d", {willReadFrequently: true});
  const rgb = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const linear = (v) => v <= 10 ? v / 255 / 12.92 : ((v / 255 + .055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => .2126 * linear(r) + .7152 * linear(g) + .0722 * linear(b);
  const ground = (one) => getComputedStyle(one).backgroundColor;
  const found = [];
  for (const one of document.querySelectorAll("main *, header *, footer *")) {
    const text = [...one.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!text || one.closest("svg, canvas") || !one.getClientRects().length) continue;
    let behind = one;
    while (behind !== document.body && !rgb(ground(behind))[3]) behind = behind.parentElement;
    const sides = [getComputedStyle(one).color, ground(behind)].map((c) => light(rgb(c)));
    const contrast = (Math.max(...sides) + .05) / (Math.min(...sides) + .05);
    found.push([contrast, one.textContent.trim().slice(0, 40)]);
  }
  return found.sort((a, b) => a[0] - b[0])[0];
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = require("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


class Screen:
    """A page of a browser, and all that it complained of or asked for elsewhere."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", lambda said: self.complaints.append(said.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("requestfailed", lambda request: self.complaints.append(request.url))
        page.on("request", lambda request: self._asked(request.url, url))

    def _asked(self, asked: str, url: str) -> None:
        if not asked.startswith(f"{url}/"):
            self.complaints.append(f"asks {asked}")


def screen(browser: Browser, url: str, width: int = 1280, **more: Any) -> Screen:
    context = browser.new_context(viewport={"width": width, "height": 800}, **more)
    return Screen(context.new_page(), url)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_every_page_fits_and_can_be_read(
    browser: Browser, url: str, width: int, scheme: str
) -> None:
    seen = screen(browser, url, width, color_scheme=scheme)
    page = seen.page
    grounds = set()
    for path in (*PAGES, f"/models/m?window=1h&end={START + 6 * HOUR}", "/models/none"):
        page.goto(url + path)
        page.wait_for_load_state("networkidle")
        wide = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert wide == 0, path
        contrast, text = page.evaluate(_CONTRAST)
        assert contrast >= DISTINCT, (path, text)
        grounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert grounds == {"rgb(255, 255, 255)" if scheme == "light" else "rgb(20, 23, 26)"}
    # The page of a model that is not there is a 404, which a browser tells of.
    assert [one for one in seen.complaints if "404" not in one] == []
    page.context.close()


def test_bad_names_do_nothing(browser: Browser, hostile: str) -> None:
    seen = screen(browser, hostile, 360)
    page = seen.page
    page.on("dialog", lambda dialog: seen.complaints.append("a dialog"))
    for path in ("/", "/models/m", f"/models/m/features/{quote(HOSTILE, safe='')}"):
        page.goto(hostile + path)
        page.wait_for_load_state("networkidle")
        assert page.locator("img").count() == 0
        assert page.evaluate(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        )
    assert "<img src=x onerror=" in page.locator("h1").inner_text()
    assert "{{7*7}}" in page.locator("h1").inner_text()
    assert seen.complaints == []
    page.context.close()


def test_the_first_screen_says_what_is_wrong_since_when_and_what_changed(
    browser: Browser, url: str
) -> None:
    page = screen(browser, url).page
    page.goto(url)
    assert page.title() == "1 of 1 in alarm · inferwatch"
    row = page.locator("tr.alarm").inner_text()
    assert "Alarm" in row
    assert "2026" in row
    assert "EST" in row
    assert "input a: " in row
    page.context.close()


def test_it_works_by_keyboard(browser: Browser, url: str) -> None:
    page = screen(browser, url).page
    page.goto(f"{url}/models/m")
    page.keyboard.press("Tab")
    focused = page.locator(":focus")
    assert focused.inner_text() == "Skip to the content"
    box = focused.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    reached = []
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement === document.body"):
            break  # behind the last one
        reached.append(page.evaluate("document.activeElement.getAttribute('href')"))
        style = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert style != "none" or page.evaluate("!!document.activeElement.closest('svg')")
    shown = [href for href in reached if href]
    places = {href: shown.index(href) for href in reversed(shown)}
    choice = next(href for href in shown if "days=7" in href)
    mark = next(href for href in shown if "#window" in href and "end=" in href)
    feature = next(href for href in shown if "/features/" in href)
    assert places[choice] < places[mark] < places[feature]
    page.context.close()


def test_a_mark_of_the_timeline_leads_to_its_window(browser: Browser, url: str) -> None:
    page = screen(browser, url).page
    page.goto(f"{url}/models/m")
    end = START + 6 * HOUR
    page.locator(f'svg.strip a[href*="window=1h&end={end}"]').focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**end={end}*")
    first = page.locator("ol.features li").first.inner_text()
    assert "scale x 1000, looks like a change of unit" in first
    page.context.close()


def test_charts_are_there_with_a_script_and_pictures_without(browser: Browser, url: str) -> None:
    seen = screen(browser, url)
    seen.page.goto(f"{url}/models/m/features/a")
    seen.page.wait_for_selector(".uplot canvas")
    figures = seen.page.locator("figure.track").count()
    assert seen.page.locator("figure.track .uplot").count() == figures > 3
    assert seen.complaints == []
    seen.page.context.close()
    without = screen(browser, url, java_script_enabled=False)
    without.page.goto(f"{url}/models/m/features/a")
    assert without.page.locator("figure.track svg").count() == figures
    without.page.context.close()
