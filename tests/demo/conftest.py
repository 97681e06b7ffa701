"""The flights, read once for all tests of the demo."""

from __future__ import annotations

import pandas as pd
import pytest

from monitor.demo.flights import read_flights


@pytest.fixture(scope="session")
def flights() -> pd.DataFrame:
    return read_flights()
