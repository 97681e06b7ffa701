"""Messages arrive whatever fails on the way, and once."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.alerting.conftest import Way
from tests.support.program import eventually


def test_slack_fails_for_a_while_and_the_message_arrives_once(way: Way) -> None:
    way.slack.answers = [500, 503, 500]
    way.fire()
    way.messages(1)
    way.resolve()
    first, second = way.messages(2)
    assert first["title"].startswith("[PAGE]")
    assert second["title"].startswith("[RESOLVED]")
    assert way.slack.tries == 5


def test_an_alertmanager_that_was_killed_still_tells_of_what_goes_on(
    make_way: Callable[..., Way],
) -> None:
    way = make_way({"group_wait": "1s", "group_interval": "1s", "repeat_interval": "1h"})
    way.fire()
    way.alertmanager.kill()
    assert way.slack.messages == []
    way.alertmanager.start()
    way.fire()  # as Prometheus does, again and again, for as long as it fires
    way.messages(1)
    way.mails(1)


def test_an_alertmanager_killed_while_slack_fails_tells_of_it_later(way: Way) -> None:
    way.slack.answers = [500] * 1000
    way.fire()
    eventually(lambda: way.slack.tries)
    way.alertmanager.kill()
    way.slack.answers = []
    way.alertmanager.start()
    way.fire()
    way.messages(1)


def test_a_restart_in_good_order_tells_nobody_twice(way: Way) -> None:
    way.fire()
    way.messages(1)
    way.mails(1)
    way.alertmanager.stop()
    way.alertmanager.start()
    way.fire()
    way.fire(model="another")
    way.messages(2)  # the other model's; had the first been told again, it would be three
    way.mails(2)


def test_a_slow_mail_server_does_not_hold_slack_back(make_way: Callable[..., Way]) -> None:
    way = make_way({"group_wait": "100ms", "group_interval": "10s"}, delay=3.0)
    began = time.monotonic()
    way.fire()
    way.messages(1)
    assert way.smtp.mails == []
    assert time.monotonic() - began < 3.0
    way.mails(1)


def test_a_mail_server_that_is_gone_does_not_hold_slack_back(way: Way) -> None:
    way.smtp.__exit__()
    way.fire()
    way.messages(1)
    way.smtp.__enter__()
    way.mails(1)
