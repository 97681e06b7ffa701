"""Names in the config that are no feature, where features are found in the first rows."""

from __future__ import annotations

from monitor.config_alarms import Alarms
from monitor.config_limits import Limits
from monitor.judging.strangers import strangers


def said(alarms: Alarms, limits: Limits) -> list[str]:
    return [str(one) for one in strangers(alarms, ["fare", "tip"], limits)]


def test_those_of_limits_are_told_of_by_their_key() -> None:
    limits = Limits.model_validate(
        {
            "missing": {"fair": 0.1, "tip": 0.1},
            "invalid": {"xyz": 0.1},
            "length": {"tips": {"words": {"max": 3}}},
            "brightness": {"(answer)": {"max": 0.5}},
        }
    )
    assert said(Alarms(), limits) == [
        "limits.missing: 'fair' is no feature of the model; did you mean fare?",
        "limits.invalid: 'xyz' is no feature of the model; it has no effect",
        "limits.length: 'tips' is no feature of the model; did you mean tip?",
        # Answers may be ignored and muted; no limit by feature is of them.
        "limits.brightness: '(answer)' is no feature of the model; it has no effect",
    ]


def test_those_of_alarms_may_name_the_answers() -> None:
    assert said(Alarms.model_validate({"ignore": ["(answer)", "fare"]}), Limits()) == []
