"""Writes the log of docs/getting-started.md: eight weeks of a model, the last with a fault.

`python benchmarks/example_log.py > log.jsonl`: one inference a minute from 2026-01-05, seeded. In
the last week 30% of `age` are null. Needs Python alone.
"""

from __future__ import annotations

import json
import random
import sys
from datetime import UTC, datetime, timedelta

BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
DAYS, FAULT = 56, 49
MINUTES = 24 * 60


def main() -> None:
    """Write it to standard output."""
    rng = random.Random(20_260_105)  # noqa: S311  # an example, no secret
    for minute in range(DAYS * MINUTES):
        age = round(rng.gauss(41.0, 12.0))
        plan = rng.choices(("basic", "plus", "team"), (6, 3, 1))[0]
        gone = minute >= FAULT * MINUTES and rng.random() < 0.3
        record = {
            "timestamp": (BEGIN + timedelta(minutes=minute)).isoformat(),
            "model_version": "7",
            "latency_ms": round(rng.lognormvariate(2.5, 0.3), 2),
            "features": {"age": None if gone else age, "plan": plan},
            "prediction": round(min(max(rng.gauss(0.004 * age + 0.3, 0.1), 0.0), 1.0), 3),
        }
        sys.stdout.write(json.dumps(record) + "\n")


if __name__ == "__main__":
    main()
