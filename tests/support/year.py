"""The flights of 2013 in a real Prometheus: made once, kept in `.cache`, served from there.

    with past(tmp_path) as prometheus:
        prometheus.query("inferwatch_output_null_ratio", at=STORM)

It has the history alone, with the names and labels of `/metrics` and without `job` and `instance`;
with `live=True` it scrapes the daemon's last `/metrics` too, as the job `inferwatch`, so that what
the archive does not keep (counters, the monitor itself) is there at the present time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.history.blocks import blocks
from benchmarks.history.prometheus import Prometheus, serving
from benchmarks.history.replay import replay
from tests.support.real import require

SHORT = 45
"""Days until 14 February, behind the storm: half a minute of work the first time."""

YEAR = 365
"""All days: some minutes the first time."""

STORM = datetime(2013, 2, 9, 17, tzinfo=UTC).timestamp()
"""At noon of 9 February in New York more than half of the answers were null."""

BEGIN = datetime(2013, 1, 29, 5, tzinfo=UTC).timestamp()
"""The end of the reference, and the beginning of what it is compared with."""


@contextmanager
def past(folder: Path, days: int = SHORT, *, live: bool = False) -> Iterator[Prometheus]:
    """A Prometheus over the first so many days, with its own files in an empty folder."""
    require("promtool")
    require("prometheus")
    body = replay(days).metrics.read_bytes() if live else b""
    with serving([blocks(days)], folder, body) as prometheus:
        yield prometheus
