"""The flights' past in a real Prometheus."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from monitor.metrics import METRICS
from tests.support.year import STORM, past

EXPORTED = {m.name for m in METRICS if m.kind == "gauge" and m.scope in {"window", "model"}}


@pytest.mark.promtool
@pytest.mark.slow
def test_the_storm_is_in_prometheus_as_it_was(tmp_path: Path) -> None:
    with past(tmp_path, live=True) as prometheus:
        ((labels, null),) = prometheus.query('inferwatch_output_null_ratio{window="1d"}', at=STORM)
        assert labels["model"] == "arrival-delay"
        assert null > 0.5
        since = prometheus.query("inferwatch_alarm_since_timestamp_seconds", at=STORM)
        assert since
        assert all(STORM - 2 * 86_400 < value <= STORM for _, value in since)
        found = prometheus.query('inferwatch_verdict{subject="output",window="1h"} == 1', at=STORM)
        assert {labels["verdict"] for labels, _ in found} == {"alarm"}
        causes = prometheus.query('inferwatch_alarm_cause{rank="1",side="now"}', at=STORM)
        assert "missing" in {labels["change"] for labels, _ in causes}
        # Between two windows the last one stands, and a night without flights is no frozen one.
        rows = 'inferwatch_window_rows{window="1h"}'
        assert prometheus.query(rows, at=STORM + 3_599) == prometheus.query(rows, at=STORM)
        night = STORM + 15.1 * 3_600
        assert not prometheus.query(rows, at=night)
        silent = prometheus.query('inferwatch_verdict{window="1h",verdict="no_data"}', at=night)
        assert [value for _, value in silent] == [1, 1, 1]
        assert not math.isnan(null)
        assert len(EXPORTED & prometheus.names()) > 20
