"""The demo's inbox shows what it is sent, and believes none of it."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from contextlib import closing
from email.message import EmailMessage
from http.client import HTTPConnection
from urllib.parse import urlsplit

import httpx
import pytest

from monitor.demo.inbox.inbox import MAX_BYTES, Inbox
from monitor.demo.inbox.messages import markup
from tests.alerting.reading import Seen

NASTY = """"it's" <b>bold</b> & <script>alert(1)</script> {{ 7*7 }} {% raw %} javascript:x"""
FOR_SLACK = NASTY.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with Inbox() as opened:
        yield opened


def attachment(**more: object) -> dict[str, list[dict[str, object]]]:
    return {"attachments": [{"title": "a storm", "text": "so", "color": "danger", **more}]}


def mail(inbox: Inbox, subject: str, html: str) -> None:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = subject, "a@example.com", "b@example.com"
    message.set_content("plain")
    message.add_alternative(html, subtype="html")
    host, _, port = inbox.smtp.rpartition(":")
    with smtplib.SMTP(host, int(port)) as client:
        client.send_message(message)


def test_empty_it_says_what_will_come(inbox: Inbox) -> None:
    text = httpx.get(inbox.url).text
    assert "No message yet" in text
    assert "No mail yet" in text


def test_a_message_and_a_mail_are_shown(inbox: Inbox) -> None:
    told = inbox.told
    assert not inbox.wait_beyond(told, 0.0)
    link = "*Since* 17:00  <https://x.example/?a=1&amp;b=2|Page>"
    more = {"text": link, "title_link": "https://x.example/", "footer": "inferwatch"}
    fields = [{"title": "Model", "value": "churn", "short": True}]
    assert httpx.post(inbox.slack_url, json=attachment(fields=fields, **more)).text == "ok"
    assert not inbox.wait_beyond(told, 0.0)  # it waits for both
    mail(inbox, "[PAGE] a storm", "<html><head></head><body><p>big</p></body></html>")
    assert inbox.wait_beyond(told, 5.0)
    assert inbox.told == (1, 1)
    page = Seen(httpx.get(inbox.url).text)
    assert {"https://x.example/", "https://x.example/?a=1&b=2", "/mails/0"} <= {*page.links}
    for said in ("a storm", "Since", "Page", "Model", "churn", "[PAGE] a storm", "b@example.com"):
        assert said in page.text
    assert "<p>big</p>" in httpx.get(f"{inbox.url}mails/0").text
    assert httpx.get(f"{inbox.url}mails/1").status_code == 404


def test_what_is_nasty_is_text(inbox: Inbox) -> None:
    fields = [{"title": FOR_SLACK, "value": FOR_SLACK}]
    bad = {"title": FOR_SLACK, "text": FOR_SLACK, "fields": fields, "footer": FOR_SLACK}
    httpx.post(inbox.slack_url, json=attachment(**bad, title_link="javascript:alert(1)"))
    httpx.post(inbox.slack_url, json=attachment(title=NASTY, text=NASTY, color="red;x:url(//y)"))
    mail(inbox, NASTY, f"<html><head></head><body>{NASTY}</body></html>")
    answer = httpx.get(inbox.url)
    page = Seen(answer.text)
    assert "script" not in page.tags
    assert not any(link.startswith("javascript") for link in page.links)
    assert page.text.count(NASTY) == 8
    assert "url(//y)" not in answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    shown = httpx.get(f"{inbox.url}mails/0").headers
    assert shown["Content-Security-Policy"].startswith("sandbox allow-popups ")
    assert "allow-scripts" not in shown["Content-Security-Policy"]


def test_bold_and_links_are_all_of_the_markup() -> None:
    assert markup("*a* b*c* <https://x|y&lt;z>") == (
        '<b>a</b> b*c* <a href="https://x" target="_blank" rel="noopener">y&lt;z</a>'
    )
    assert markup("<!channel> <javascript:x|y>") == ("&lt;!channel&gt; &lt;javascript:x|y&gt;")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"attachments": 1}', b'{"attachments": [1]}'])
def test_what_is_no_message_is_refused(inbox: Inbox, body: bytes) -> None:
    assert httpx.post(inbox.slack_url, content=body).status_code == 400
    assert inbox.told == (0, 0)


def test_it_takes_nothing_from_who_does_not_know_its_path(inbox: Inbox) -> None:
    assert httpx.post(f"{inbox.url}services/x", json=attachment()).status_code == 404
    assert inbox.told == (0, 0)


@pytest.mark.parametrize(
    ("length", "status"), [(None, 411), ("-1", 411), (str(MAX_BYTES + 1), 413), ("9" * 5000, 413)]
)
def test_it_takes_nothing_without_an_end(inbox: Inbox, length: str | None, status: int) -> None:
    parts = urlsplit(inbox.slack_url)
    with closing(HTTPConnection(str(parts.hostname), parts.port, timeout=10)) as connection:
        connection.putrequest("POST", parts.path)
        if length is not None:
            connection.putheader("Content-Length", length)
        connection.endheaders()
        assert connection.getresponse().status == status


def test_another_name_for_loopback_is_not_answered(inbox: Inbox) -> None:
    assert httpx.get(inbox.url, headers={"Host": "evil.example"}).status_code == 403
