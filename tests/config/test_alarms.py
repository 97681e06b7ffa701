"""The section `alarms`: what people write, and what the program takes it for."""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.drift.floors import FLOORS
from monitor.config import Config, ConfigError, describe, read
from monitor.config_alarms import Alarms
from monitor.config_docs import render
from monitor.parts import digest

HEAD = "source: {kafka: {bootstrap_servers: ['h:1'], topics: [t]}}\nmodels:\n  - name: m\n"


def alarms(text: str) -> Alarms:
    found = read(f"{HEAD}    alarms: {text}\n", Path("/etc/c.yml"), {})
    return found.models[0].alarms


def test_without_it_a_model_may_have_one_false_alarm_in_a_month() -> None:
    config = read(HEAD, Path("/etc/c.yml"), {})
    found = config.models[0].alarms
    assert found == alarms("{}") == Alarms()
    assert found.budget.per_day * 30 == pytest.approx(1)
    assert (found.min_rows, found.methods, found.ignore, found.mute) == (20, ("psi",), (), {})


@pytest.mark.parametrize(
    ("text", "per_day"),
    [
        ("1 per 30d", 1 / 30),
        ("4 per 7d", 4 / 7),
        ("1 per 1d12h", 2 / 3),
        ("10 per 24h", 10),
        ("9999 per 1d", 9999),
    ],
)
def test_a_budget_is_so_many_in_so_long(text: str, per_day: float) -> None:
    assert alarms(f"{{budget: {text}}}").budget.per_day == pytest.approx(per_day, rel=1e-15)


@given(st.integers(1, 9999), st.integers(1, 3_660))
def test_every_budget_of_whole_days(number: int, days: int) -> None:
    found = alarms(f"{{budget: {number} per {days}d}}").budget
    assert found.per_day == pytest.approx(float(Fraction(number, days)), rel=1e-15)


@pytest.mark.parametrize(
    "text",
    [
        "1 per 30 d",
        "one per 30d",
        "-1 per 30d",
        "1.5 per 30d",
        "1  per 30d",
        "10000 per 1d",
        "",
        "1 per 30d ",
        "٣ per 30d",
        "1 per 23h59m",
        "1 per 9999d",
        "per 30d",
        "30d",
    ],
)
def test_what_is_no_budget(text: str) -> None:
    with pytest.raises(ConfigError, match=r"alarms.budget: .*; write"):
        alarms(f"{{budget: '{text}'}}")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-12-24", datetime(2026, 12, 24, tzinfo=UTC)),
        ("'2026-12-24'", datetime(2026, 12, 24, tzinfo=UTC)),
        ("2026-12-24T18:30:00+01:00", datetime(2026, 12, 24, 17, 30, tzinfo=UTC)),
        ("2026-12-24 18:30:00", datetime(2026, 12, 24, 18, 30, tzinfo=UTC)),
        ("'2026-12-24T18:30Z'", datetime(2026, 12, 24, 18, 30, tzinfo=UTC)),
    ],
)
def test_a_feature_is_muted_until_a_moment(text: str, moment: datetime) -> None:
    found = alarms(f"{{mute: {{fare: {text}}}}}").mute["fare"]
    assert found == moment
    assert found.utcoffset() is not None


@pytest.mark.parametrize("text", ["soon", "7d", "20261", "[2026-12-24]", "true", "", "2026-02-30"])
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(ConfigError, match=r"alarms.mute.fare: .* is no time; write"):
        alarms(f"{{mute: {{fare: {text}}}}}")


def test_what_is_asked_for_changes_the_digest_of_a_model() -> None:
    texts = (
        "{budget: 2 per 14d}",
        "{}",
        "{budget: 1 per 7d}",
        "{min_rows: 30}",
        "{ignore: [a]}",
        "{mute: {a: 2026-01-01}}",
    )
    models = [read(f"{HEAD}    alarms: {text}\n", Path("/c.yml"), {}).models[0] for text in texts]
    assert len({digest(model) for model in models}) == len(texts)


def test_the_page_shows_it_as_people_write_it() -> None:
    page = render()
    assert "| `budget` | budget | `1 per 30d` |" in page
    assert "| `mute` | times by name |" in page


def shared(models: str, head: str = "alarms: {budget: 1 per 30d}\n") -> Config:
    source = "source: {kafka: {bootstrap_servers: ['h:1'], topics: [t]}}\n"
    return read(f"{source}{head}models:\n{models}", Path("/etc/c.yml"), {})


def model(name: str, rest: str = "reference: {first: 24}") -> str:
    return f"  - {{name: {name}, match: {{field: m, equals: {name}}}, {rest}}}\n"


class TestSharedBudget:
    def test_each_model_with_a_reference_and_no_budget_of_its_own_has_an_equal_share(self) -> None:
        own = "reference: {first: 24}, alarms: {budget: 1 per 7d}"
        named = (
            model("a"),
            model("b", "reference: {path: r}, alarms: {min_rows: 30}"),
            model("c", own),
            model("d", "windows: [1h]"),
            model("e", "reference: {beside: [previous]}"),
        )
        found = {one.name: one.alarms_per_day * 30 for one in shared("".join(named)).models}
        assert found["a"] == found["b"] == pytest.approx(0.5)
        assert found["c"] == pytest.approx(30 / 7)

    def test_without_it_each_has_its_own_usual_one(self) -> None:
        found = shared(model("a") + model("b"), head="").models
        assert [one.alarms_per_day * 30 for one in found] == pytest.approx([1, 1])

    def test_replicas_divide_either(self) -> None:
        text = model("a", "reference: {first: 24}, replicas: 4") + model("b")
        text += model("c", "reference: {first: 24}, replicas: 3, alarms: {budget: 6 per 30d}")
        found = [one.alarms_per_day * 30 for one in shared(text).models]
        assert found == pytest.approx([0.125, 0.5, 2])

    def test_it_is_said_in_words(self) -> None:
        text = model("a", "reference: {first: 24}, replicas: 4") + model("b")
        text += model("c", "reference: {first: 24}, alarms: {budget: 1 per 7d}")
        text += model("d", "reference: {first: 24}, alarms: {budget: 3 per 7d}, replicas: 3")
        text += model("e", "windows: [1h]")
        lines = [line for line in describe(shared(text)) if "false alarms" in line]
        assert lines == [
            "  false alarms: 0.125 per 30d: a share of 1 per 30d of 2 models, "
            "divided by 4 replicas",
            "  false alarms: 0.5 per 30d: a share of 1 per 30d of 2 models",
            "  false alarms: 1 per 7d",
            "  false alarms: 4.29 per 30d: divided by 3 replicas",
        ]

    def test_one_that_nobody_shares_is_told_of(self) -> None:
        text = "\n".join(describe(shared(model("a", "windows: [1h]"))))
        assert "warning: alarms.budget is shared by no model" in text
        assert "shared by no model" not in "\n".join(describe(shared(model("a"))))


class TestFloors:
    def test_each_kind_may_have_one_of_its_own(self) -> None:
        assert alarms("{}").min_effect == {}
        assert alarms("{min_effect: {ks: 0.05, joint: 0}}").min_effect == {"ks": 0.05, "joint": 0.0}

    def test_none_may_hide_everything_there_is(self) -> None:
        for kind, floor in FLOORS.items():
            assert alarms(f"{{min_effect: {{{kind}: {floor.most}}}}}").min_effect[kind]
            with pytest.raises(ConfigError, match=rf"min_effect.{kind}: .* is not from 0 to .*"):
                alarms(f"{{min_effect: {{{kind}: {floor.most * 1.01}}}}}")

    def test_the_page_of_alarms_lists_every_kind_with_its_usual_floor(self) -> None:
        page = (Path(__file__).parents[2] / "docs/alarms.md").read_text()
        for kind, floor in FLOORS.items():
            assert f"| `{kind}` | {floor.least:g} | {floor.of} |" in page
