"""What the process that makes a report is told, and the numbers that it gives back."""

from __future__ import annotations

from typing import Literal

import msgspec

from monitor.jobs.report.methods import Kind


class Column(msgspec.Struct, frozen=True):
    """One column of the samples.

    Attributes:
        name: as the samples have it.
        label: as people know it.
        compared: whether it is compared; else it is only summarised.
    """

    name: str
    label: str
    kind: Kind
    compared: bool = True


class Task(msgspec.Struct, frozen=True):
    """One report. Times are in us.

    Attributes:
        archive, reference: where panes are: a folder, and a file.
        hashes: id of what the archive's samples rest on; those of another one are left out.
        k: rows of a pane's sample.
        rows: of either side, at most.
        methods: tests of Evidently's that are wanted besides.
        seed: of all that is drawn.
        alpha: share of reports that the domain classifier may ring in by chance; 0 where no budget
            is stated.
        memory: bytes that the process may hold. seconds: how long it may live.
        out, numbers: the page and the JSON, to be written.
    """

    model: str
    archive: str
    reference: str
    start: int
    end: int
    columns: list[Column]
    hashes: str
    k: int
    rows: int
    methods: list[str]
    seed: int
    alpha: float
    memory: int
    seconds: float
    out: str
    numbers: str


class Side(msgspec.Struct, frozen=True):
    """The rows of one side: of `total` in `panes` panes, `rows` were drawn, all alike likely."""

    rows: int
    total: int
    panes: int


class Compared(msgspec.Struct, frozen=True):
    """What one test says of one column: its value, and whether it is drift by Evidently's rule.

    `why` says why there is no value.
    """

    column: str
    method: str
    value: float | None = None
    threshold: float | None = None
    drifted: bool | None = None
    why: str = ""


class Spread(msgspec.Struct, frozen=True):
    """How well a classifier tells parts of the reference from the rest of it.

    Attributes:
        of: parts as long as the span reported; or rows drawn at random, where there are too few.
        parts: how many.
        as_far: those that are told apart at least as well as the span is.
        quantiles: AUC by quantile of the parts.
    """

    of: Literal["spans", "random rows"]
    parts: int
    as_far: int
    quantiles: dict[str, float]


class Domain(msgspec.Struct, frozen=True):
    """What a classifier makes of the two sides: 0.5 when it cannot tell them apart.

    Attributes:
        rows: of the span, at most, in every comparison.
        columns: what it loses by each (AUC), those that tell most first.
        words: how rare that is, for people.
        threshold: AUC that is passed by chance as rarely as the budget asks; None where the
            reference has too few spans to say.
    """

    auc: float
    rows: int
    columns: list[tuple[str, float]]
    spread: Spread | None
    words: str
    threshold: float | None = None


class Numbers(msgspec.Struct, frozen=True):
    """The report in numbers, as its JSON has them.

    Attributes:
        start, end: ISO 8601.
        reference: id.
        drifted, share: columns that drifted by Evidently's rule, and their share of `compared`.
        columns: each as Evidently chooses its test; `asked`: by the tests that the config names.
        left_out: columns and why they are not compared.
        notes: what a person had better know.
    """

    model: str
    start: str
    end: str
    reference: str
    evidently: str
    now: Side
    before: Side
    drifted: int
    compared: int
    share: float
    columns: list[Compared]
    asked: list[Compared]
    left_out: dict[str, str]
    domain: Domain | None
    notes: list[str]
