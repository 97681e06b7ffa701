"""The flights' whole year under the shipped rules: `docs/demo.md`."""

from __future__ import annotations

from datetime import date

import pytest

from benchmarks.history.blocks import blocks
from benchmarks.history.looking import look
from benchmarks.history.replay import ROOT
from benchmarks.history.told import quiet_weeks
from monitor.demo.alarms import BUDGET, MONTH
from tests.support.real import require
from tests.support.year import YEAR


@pytest.mark.promtool
@pytest.mark.year
def test_the_year_pages_within_its_budget_and_for_the_storms() -> None:
    require("promtool")
    require("prometheus")
    looked = look(blocks(YEAR), ROOT / "rules", YEAR)
    quiet = quiet_weeks(looked.days)
    assert len(quiet) >= 70
    pages = [one for one in looked.told if one.page]
    assert sum(one.day in quiet for one in pages) <= len(quiet) * BUDGET / MONTH
    for day in (date(2013, 2, 8), date(2013, 2, 9)):
        causes = [one.cause for one in pages if one.day == day]
        nulls = [cause for cause in causes if cause.startswith("output: null answers 0.0")]
        assert any(float(cause.rpartition(" to ")[2]) > 0.5 for cause in nulls)
    text = (ROOT / "docs" / "demo.md").read_text()
    assert text == looked.page(), "run `make history`"
