"""A short form of every fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.kafka import Broker
from tests.torture import Row, Stage, rows


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row.NUMBER:02d}-{row.FAULT[:40]}")
def test_a_fault_costs_no_number(row: Row, broker: Broker, tmp_path: Path) -> None:
    outcome = row.run(Stage(tmp_path, lambda: broker, full=False))
    assert outcome.exact, f"{outcome.ran}: {outcome.printed}"
