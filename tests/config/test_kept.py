"""For how long closed windows are needed, by what reads them."""

from __future__ import annotations

from monitor import config_model
from monitor.judging import beside


def test_the_config_knows_how_far_the_seasonal_reference_looks_back() -> None:
    assert config_model.LOOKED_AT == beside.LOOKED_AT
