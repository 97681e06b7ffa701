"""docs/alerts.md says what the rules do."""

from __future__ import annotations

import re

from monitor.rules.docs import rewritten
from tests.rules.runbooks import ROOT, alerts

PAGE = (ROOT / "docs" / "alerts.md").read_text("utf-8")


def rows() -> dict[str, list[str]]:
    """The cells of the table, by alert."""
    found = re.findall(r"^\| \[(\w+)\]\(\.\./rules/runbooks/\1\.md\) \| (.*) \|$", PAGE, re.M)
    return {name: [cell.strip() for cell in cells.split(" | ")] for name, cells in found}


def test_the_table_is_made_from_the_rules() -> None:
    assert rewritten(PAGE) == PAGE, "run `make docs`"


def test_it_has_every_alert_with_its_severity_and_times() -> None:
    assert [*rows()] == [*alerts()]
    for name, (_, severity, _, hold, keep, _) in rows().items():
        for rule in alerts()[name]:
            assert rule["labels"]["severity"] in severity.split(" or ")
            assert (rule["for"], rule["keep_firing_for"]) == (hold, keep)


def test_calibrated_alarms_spend_the_budget_and_nothing_else_does() -> None:
    spend = {name for name, cells in rows().items() if cells[2] == "spends"}
    subjects = ("Input", "Output", "Software", "Multivariate", "Volume")
    assert spend == {f"Inferwatch{subject}Alarm" for subject in subjects}
    said = PAGE.partition("**The budget**")[2].partition("They are pages")[0]
    assert set(re.findall(r"Inferwatch\w+", said)) == spend
    for name in spend:
        assert rows()[name][-1] == "`inferwatch_score_threshold`"


def test_an_alert_on_a_limit_names_the_limits_that_its_expression_reads() -> None:
    judged = {name: cells[-1].split("<br>") for name, cells in rows().items()}
    assert judged["InferwatchErrors"] == ["`inferwatch_error_ratio_threshold`"]
    assert judged["InferwatchLatency"] == ["`inferwatch_latency_quantile_seconds_threshold`"]
    assert judged["InferwatchClassShare"] == [
        "`inferwatch_output_class_ratio_lower_threshold`",
        "`inferwatch_output_class_ratio_threshold`",
    ]
    assert judged["InferwatchDown"] == [""]


def test_every_annotation_is_in_the_table_of_annotations() -> None:
    table = PAGE.partition("| annotation |")[2].partition("\n\n")[0]
    named = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\|([^|]*)\|", table, re.M))))
    used = {key for rules in alerts().values() for rule in rules for key in rule["annotations"]}
    assert named == used


def test_every_label_of_an_alert_is_named() -> None:
    said = PAGE.partition("Labels: ")[2].partition("Annotations")[0]
    named = set(re.findall(r"`(\w+)`", said))
    used = {key for rules in alerts().values() for rule in rules for key in rule["labels"]}
    assert used - {"job"} <= named
