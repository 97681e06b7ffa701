"""What people read in Slack and in a mail, by a real Alertmanager."""

from __future__ import annotations

from typing import Any

import pytest

from tests.alerting.conftest import ANNOTATIONS, Way
from tests.alerting.reading import Seen
from tests.support.slack import shown, wrong

ORDER = (
    "causes",
    "since",
    "rows",
    "reference",
    "rarity",
    "budget",
    "moved_first",
    "last_version",
)
LINKS = ("page_url", "dashboard_url", "runbook_url")

NASTY = [
    'say "cheese"',
    "it's <b>bold</b> & <script>alert(1)</script>",
    '{{ .Labels }} {{ template "x" }} {{ printf `%s` 1 }}',
    "<!channel> <!here|now> <@U123> <https://evil.example|Runbook>",
    "&lt;already&gt; &amp; $1 ${2} %s \\n \\",
    "snow ☃ and קשת and 🛩",
    "*stars* _lines_ `ticks` ~waves~",
]


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def in_order(text: str, parts: list[str]) -> bool:
    places = [text.find(part) for part in parts]
    return -1 not in places and places == sorted(places)


def fields(message: dict[str, Any]) -> dict[str, str]:
    return {field["title"]: field["value"] for field in message["fields"]}


class TestSlack:
    def test_the_first_line_says_model_and_cause(self, way: Way) -> None:
        message, _ = way.message()
        assert message["title"] == f"[PAGE] {ANNOTATIONS['summary']}"
        assert message["fallback"] == message["title"]
        assert message["title_link"] == ANNOTATIONS["page_url"]

    def test_the_rest_comes_in_the_order_of_its_weight(self, way: Way) -> None:
        text = shown(way.message()[0]["text"])
        wanted = [line for name in ORDER for line in lines(ANNOTATIONS[name])]
        assert in_order(text, [*wanted, "Page", "Dashboard", "Runbook", "Silence"])

    def test_links_lead_where_the_rules_say(self, way: Way) -> None:
        text = way.message()[0]["text"]
        for name in LINKS:
            assert f"<{ANNOTATIONS[name].replace('&', '&amp;')}|" in text
        silence = "%7Balertname%3D%22InferwatchInputAlarm%22%2Cmodel%3D%22arrival-delay%22%7D"
        assert f"/#/silences/new?filter={silence}|Silence>" in text

    @pytest.mark.parametrize(("severity", "color"), [("page", "danger"), ("ticket", "warning")])
    def test_its_colour_is_its_severity(self, way: Way, severity: str, color: str) -> None:
        message, _ = way.message(severity=severity)
        assert message["color"] == color
        assert fields(message) == {
            "Model": "arrival-delay",
            "Severity": severity,
            "Alerts": "1 firing",
        }

    def test_when_it_is_over_it_is_green_and_says_so(self, way: Way) -> None:
        way.message()
        way.resolve()
        message = way.messages(2)[1]
        assert message["color"] == "good"
        assert message["title"] == f"[RESOLVED] {ANNOTATIONS['summary']}"
        assert message["text"].startswith("*Over since* 20")
        assert fields(message)["Alerts"] == "1 resolved"

    def test_what_is_not_known_is_left_out(self, way: Way) -> None:
        way.fire({"summary": "inferwatch is down"}, model="", subject="")
        message = way.messages()[0]
        assert lines(shown(message["text"])) == ["Silence"]
        assert fields(message)["Model"] == "(the monitor itself)"
        assert message["title_link"].endswith("/#/alerts")

    def test_without_a_summary_the_alerts_name_is_said(self, way: Way) -> None:
        way.fire({})
        title = way.messages()[0]["title"]
        assert title == "[PAGE] arrival-delay: InferwatchInputAlarm"
        assert "arrival-delay: InferwatchInputAlarm" in way.mails()[0].subject

    def test_several_alerts_of_a_model_are_one_message(self, way: Way) -> None:
        way.alertmanager.post(
            *(
                {
                    "labels": {"alertname": f"Inferwatch{n}", "severity": "page", "model": "m"},
                    "annotations": ANNOTATIONS | {"summary": f"m: cause {n}"},
                }
                for n in range(7)
            )
        )
        message, mail = way.messages()[0], way.mails()[0]
        assert message["title"] == "[PAGE] m: cause 0 (and 6 more)"
        assert mail.subject == message["title"]
        assert message["text"].count("*Firing* ") == 5
        assert shown(message["text"]).endswith("and 2 more: all of them")
        assert all(f"m: cause {n}" in mail.html and f"m: cause {n}" in mail.text for n in range(7))

    def test_what_alerts_of_an_alarm_have_in_common_is_said_once(self, way: Way) -> None:
        way.alertmanager.post(
            *(
                {
                    "labels": {"alertname": name, "severity": "page", "model": "m"},
                    "annotations": ANNOTATIONS | {"summary": f"m: {name}"},
                }
                for name in ("A", "B")
            )
        )
        message, mail = way.messages()[0], way.mails()[0]
        for text in (message["text"], mail.text, Seen(mail.html).text):
            assert text.count("2013-02-08 17:00 EST") == 1
            assert text.count("visib: mean 9.4 to 1.1") == 1
            assert "m: B" in text

    def test_what_differs_is_said_of_each(self, way: Way) -> None:
        way.alertmanager.post(
            *(
                {
                    "labels": {"alertname": name, "severity": "page", "model": "m"},
                    "annotations": ANNOTATIONS | {"causes": f"{name}: so"},
                }
                for name in ("A", "B")
            )
        )
        message, mail = way.messages()[0], way.mails()[0]
        for text in (message["text"], mail.text, Seen(mail.html).text):
            assert text.count("2013-02-08 17:00 EST") == 2
            assert in_order(text, ["A: so", "B: so"])

    def test_a_text_of_any_length_fits(self, way: Way) -> None:
        way.fire(dict.fromkeys(ANNOTATIONS, "&é<>" * 5000) | {"page_url": "https://x/" + "a" * 99})
        message, mail = way.messages()[0], way.mails()[0]
        assert message["title"].endswith("…")
        assert len(message["title"]) <= 1024  # beyond it Alertmanager cuts, within an entity too
        assert len(message["text"]) < 20_000
        assert len(mail.subject) < 250

    def test_a_link_that_is_none_is_no_link(self, way: Way) -> None:
        bad = {"page_url": "javascript:alert(1)", "dashboard_url": "https://x/|y> <!channel>"}
        way.fire(ANNOTATIONS | bad)
        message, mail = way.messages()[0], way.mails()[0]
        assert "|Page>" not in message["text"]
        assert "|Dashboard>" not in message["text"]
        assert message["title_link"].endswith("/#/alerts")
        assert not any(link.startswith("javascript") for link in Seen(mail.html).links)
        assert "javascript" not in mail.html


class TestMail:
    def test_the_subject_says_model_and_cause_on_one_line(self, way: Way) -> None:
        way.fire(ANNOTATIONS | {"summary": " m:\r\n\tBcc: all@example.com\n\n"})
        mail = way.mails()[0]
        assert mail.subject == "[PAGE] m: Bcc: all@example.com"
        assert mail.message["Bcc"] is None
        assert mail.to == ["flights-on-call@example.com"]

    def test_it_is_a_text_and_a_page_of_the_same(self, way: Way) -> None:
        mail = way.message()[1]
        assert mail.message.get_content_type() == "multipart/alternative"
        wanted = [line for name in ("summary", *ORDER) for line in lines(ANNOTATIONS[name])]
        assert in_order(mail.text, ["Model:", *wanted[1:], *(ANNOTATIONS[name] for name in LINKS)])
        assert in_order(Seen(mail.html).text, [*wanted, "Page", "Dashboard", "Runbook"])
        assert lines(mail.text)[0] == ANNOTATIONS["summary"]

    def test_its_links_lead_where_the_rules_say(self, way: Way) -> None:
        links = Seen(way.message()[1].html).links
        assert links[:3] == [ANNOTATIONS[name] for name in LINKS]

    def test_headers_are_those_of_a_mail(self, way: Way) -> None:
        message = way.message()[1].message
        assert message["From"] == "inferwatch@example.com"
        assert message["To"] == "flights-on-call@example.com"
        assert message["Date"]
        assert message["Message-Id"]

    def test_when_it_is_over_it_says_so(self, way: Way) -> None:
        first = way.message()[1]
        way.resolve()
        mail = way.mails(2)[1]
        assert mail.subject == f"[RESOLVED] {ANNOTATIONS['summary']}"
        assert "Over since" in mail.text
        assert "Over since" in Seen(mail.html).text
        assert "#b42318" in first.html
        assert "#b42318" not in mail.html

    def test_what_is_not_known_is_left_out(self, way: Way) -> None:
        way.fire({"summary": "inferwatch is down"}, model="", subject="")
        mail = way.mails()[0]
        assert lines(mail.text)[:2] == ["inferwatch is down", "--"]
        assert "Since" not in mail.html


@pytest.mark.parametrize("name", [*NASTY, "two\nlines", "tab\there"])
def test_a_nasty_name_is_shown_as_it_is(way: Way, name: str) -> None:
    said = " ".join(name.split())
    way.fire(ANNOTATIONS | {"summary": f"{name}: broken", "causes": f"{name}: a to b"}, model=name)
    message, mail = way.messages()[0], way.mails()[0]
    assert way.slack.refused == []
    assert shown(message["title"]) == f"[PAGE] {said}: broken"
    assert shown(fields(message)["Model"]) == said
    first = shown(message["text"]).split("*Since*")[0]
    assert " ".join(first.split()) == f"{said}: a to b"
    assert mail.subject == f"[PAGE] {said}: broken"
    page = Seen(mail.html)
    assert page.tags <= {
        *("html", "head", "meta", "title", "body", "table", "tr", "td", "div", "strong", "a", "br")
    }
    assert " ".join(page.text.split()).count(said) >= 4
    assert said in " ".join(mail.text.split())
    assert f"Model:            {said}" in mail.text


def test_the_webhook_in_slacks_place_knows_slacks_rules() -> None:
    good = {
        "fallback": "a",
        "title": "a &amp; b",
        "text": "<https://x/?a=1&amp;b|c>",
        "color": "good",
    }
    assert wrong({"attachments": [good]}) == []
    for bad in (
        {"title": "a & b"},
        {"text": "<!channel>"},
        {"text": "a > b"},
        {"color": "red"},
        {"fallback": ""},
        {"title": "a" * 1025},
        {"title": "two\nlines"},
        {"text": "a" * 40_001},
        {"fields": [{"title": "Rows", "value": ""}]},
    ):
        assert wrong({"attachments": [good | bad]}), bad
    assert wrong({})
    assert wrong([])
