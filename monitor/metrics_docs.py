"""The table of every metric for people: `python -m monitor.metrics_docs` prints docs/metrics.md."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from monitor.metric import Scope
from monitor.metrics import BY_STATISTIC, METRICS

_SCOPES: Mapping[Scope, tuple[str, str]] = {
    "live": (
        "Live counters",
        "Counted as each row is read. They start at 0 in each process, as Prometheus counters do; "
        "use `rate()` and `increase()`.",
    ),
    "window": (
        "Windows",
        "Each is of the newest closed window of the length in the label `window`, in event time. "
        "A statistic that is undefined (the mean of no values) has no series.",
    ),
    "model": ("Models", "Of a model as a whole, and of the process that serves it."),
    "monitor": ("The monitor itself", "What inferwatch has read, and how it is doing."),
}

_PREFACE = f"""\
# Metrics

Every metric that inferwatch exports, made from `monitor/metrics.py` by
`python -m monitor.metrics_docs`.

Values present and values missing add up to the rows. The missing ratio is missing values by rows;
the invalid ratio is invalid values by values present, usable or not. A row with an error counts in
software and input metrics, and in no output statistic. Where a label would take more values than
its cap allows, the rest share the value `__other__`, and
`{BY_STATISTIC["series_dropped"].name}` counts them.
"""


def markdown() -> str:
    """The table for people, one section a scope."""
    lines = [_PREFACE]
    for scope, (title, about) in _SCOPES.items():
        lines += [f"## {title}", "", about, ""]
        lines += ["| metric | type | labels | unit | taken over | what it is |"]
        lines += ["|---|---|---|---|---|---|"]
        for metric in METRICS:
            if metric.scope == scope:
                labels = ", ".join(f"`{label}`" for label in metric.labels)
                cells = (f"`{metric.name}`", metric.kind, labels, metric.unit)
                lines.append("| " + " | ".join((*cells, metric.denominator, metric.help)) + " |")
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(markdown())
