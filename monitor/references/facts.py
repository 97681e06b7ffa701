"""What can be said of a reference as a whole: its panes, added up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from collectors.drift.calibrated import HOUR, LEAST, PAGES
from collectors.inputs import Inputs
from collectors.summaries.columns import AnyColumnSummary, merged, summarise
from collectors.summaries.state import Stored
from monitor.references.carrying import carried, is_whole
from monitor.references.file import Reference

LEAST_ROWS = 20
"""Rows, over all versions, from which on a pane can be judged, where no config says otherwise."""


@dataclass(slots=True)
class Facts:
    """Sums over all panes. Times are in us.

    Attributes:
        versions: rows by version.
        starts: rows by start of a pane, over all versions.
        columns: every feature's summary over all panes.
        answers: the same of the answer; None where there is none.
        resting: by column, rows by start of the panes that carry it; "" is the answer.
    """

    columns: dict[str, AnyColumnSummary]
    answers: AnyColumnSummary | None
    versions: Counter[str] = field(default_factory=Counter)
    starts: Counter[int] = field(default_factory=Counter)
    resting: dict[str, Counter[int]] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """All rows."""
        return self.starts.total()

    def judged(self, least_rows: int) -> int:
        """Panes of all versions together that have enough rows to be judged."""
        return _judged(self.starts, least_rows)

    def apart(self, least_rows: int) -> dict[str, int]:
        """The columns that fewer panes carry which can be judged, and how many those are."""
        whole = self.judged(least_rows)
        found = {name: _judged(rows, least_rows) for name, rows in self.resting.items()}
        return {name: number for name, number in found.items() if number < whole}


def gather(reference: Reference) -> Facts:
    """Add up the panes of a reference, one at a time.

    Raises:
        StateError: a pane is damaged, or was not counted under the reference's schema.
        OSError: the file cannot be read.
    """
    schema = reference.schema
    inputs = Inputs(schema, ())
    output = None if schema.output is None else summarise(schema.output, schema)
    facts = Facts(dict(inputs.empty().columns), output)
    for number, pane in enumerate(reference.panes):
        stored = Stored(pane.state, f"pane {number}")
        summary = inputs.empty()
        summary.restore(stored.part(inputs.name))
        for name, column in summary.columns.items():
            facts.columns[name] = merged(facts.columns[name], column)
        answered = 0
        if facts.answers is not None and schema.output is not None and "outputs" in stored:
            answers = summarise(schema.output, schema)
            answers.restore(stored.part("outputs").part("answers"))
            facts.answers = merged(facts.answers, answers)
            answered = max(answers.rows, pane.rows)
        if is_whole(pane):
            facts.versions[pane.version] += pane.rows
            facts.starts[pane.start] += pane.rows
        for name in carried(pane).features:
            if name in summary.columns:
                rows = max(summary.columns[name].rows, pane.rows)
                facts.resting.setdefault(name, Counter())[pane.start] += rows
        if answered:
            facts.resting.setdefault("", Counter())[pane.start] += answered
    return facts


def calibration(
    reference: Reference, facts: Facts, least_rows: int = LEAST_ROWS
) -> tuple[str, str]:
    """How far alarms can rest on it: `uncalibrated`, `provisional` or `calibrated`; and why.

    It goes by the panes that can be judged, and only hours are calibrated.
    """
    if not reference.pane:
        return "uncalibrated", "its rows have no times, so that there are no panes to judge by"
    judged = facts.judged(least_rows)
    apart = facts.apart(least_rows)
    fewest = min(apart, key=lambda name: (apart[name], name), default=None)
    whose = ""
    if fewest is not None:
        judged = apart[fewest]
        whose = f" of {f'feature {fewest!r}' if fewest else 'the answer'}"
    panes = "pane" if judged == 1 else "panes"
    why = f"{judged:,} {panes} of {least_rows:,} rows or more can be judged{whose}"
    if reference.pane != HOUR:
        return "uncalibrated", f"{why}, but only panes of an hour are calibrated"
    if judged < LEAST:
        return "uncalibrated", f"{why}, at least {LEAST} are wanted"
    if judged < PAGES:
        return "provisional", f"{why}, {PAGES} make it whole"
    return "calibrated", why


def _judged(rows: Counter[int], least_rows: int) -> int:
    return sum(number >= least_rows for number in rows.values())
