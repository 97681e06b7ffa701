"""The head of a report: what is in it, in words and tables of our own above Evidently's page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from monitor.jobs.report.task import Compared, Numbers

POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data: blob:; font-src data:; base-uri 'none'; form-action 'none'"
)
"""What the page may load: nothing, from nowhere. All that it needs is in it."""

_STYLE = (
    "font:15px/1.5 system-ui,sans-serif;max-width:62rem;margin:1.5rem auto;padding:0 1.5rem;"
    "color:#222"
)
_HEAD, _BODY = "<head>", "<body>"


class NotAPage(Exception):
    """Evidently's page is not of the form that is known; the message says what to do."""


def with_head(html: str, numbers: Numbers) -> str:
    """Evidently's page with the head in it.

    Raises:
        NotAPage: it has no place for one.
    """
    top, head, rest = html.partition(_HEAD)
    middle, body, end = rest.partition(_BODY)
    if not head or not body:
        raise NotAPage(
            f"the page that evidently {numbers.evidently} made has no head and body; install a "
            "version that inferwatch[reports] asks for"
        )
    meta = f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">'
    title = f"<title>{escape(_title(numbers))}</title>"
    return "".join((top, head, meta, title, middle, body, *_section(numbers), end))


def _title(numbers: Numbers) -> str:
    rows = f"{numbers.now.rows:,} rows against {numbers.before.rows:,}"
    return f"{numbers.model}, {span(numbers)}: {rows}"


def span(numbers: Numbers) -> str:
    """The span for people."""
    return f"{_minute(numbers.start)} to {_minute(numbers.end)} UTC"


def _minute(moment: str) -> str:
    return moment[:16].replace("T", " ")


def _section(numbers: Numbers) -> Iterator[str]:
    yield f'<section style="{_STYLE}"><h1 style="font-size:1.5rem">{escape(_title(numbers))}</h1>'
    for sentence in sentences(numbers):
        yield f"<p>{escape(sentence)}</p>"
    domain = numbers.domain
    if domain is not None and domain.columns:
        rows = [(name, f"{loss:.3f}") for name, loss in domain.columns]
        yield _table(("tells them apart most", "AUC lost without it"), rows)
    if numbers.asked:
        yield "<details><summary>the tests that the config names</summary>"
        yield _table(("column", "test", "value", "threshold", "drift"), _asked(numbers))
        yield "</details>"
    if numbers.left_out:
        yield _table(("not compared", "why"), list(numbers.left_out.items()))
    yield "</section><hr>"


def sentences(numbers: Numbers) -> Iterator[str]:
    """What the report says, and what it does not, for people."""
    yield (
        f"Evidently's rule: {numbers.drifted} of {numbers.compared} columns drifted "
        f"({numbers.share:.0%}). This is no verdict of inferwatch's: those come from calibrated "
        "scores, and only they alarm."
    )
    domain = numbers.domain
    if domain is None:
        yield "No domain classifier: there are too few rows, or no columns."
    else:
        yield (
            f"A domain classifier tells the rows of this span from the reference's with an AUC of "
            f"{domain.auc:.3f} (0.5 is not at all, 1 is always). {domain.words}"
        )
        if domain.threshold is not None:
            above = "above" if domain.auc > domain.threshold else "not above"
            yield f"That is {above} {domain.threshold:.3f}, from where on the budget lets it ring."
    for what, side in (("the span", numbers.now), ("the reference", numbers.before)):
        yield (
            f"Made from {side.rows:,} of {side.total:,} rows of {what} ({side.panes:,} panes), "
            "each row as likely as any other."
        )
    yield from numbers.notes


def _asked(numbers: Numbers) -> list[tuple[str, ...]]:
    return [(one.column, one.method, *_shown(one)) for one in numbers.asked]


def _shown(one: Compared) -> tuple[str, str, str]:
    if one.value is None or one.threshold is None:
        return one.why, "", ""
    return f"{one.value:.4g}", f"{one.threshold:g}", "yes" if one.drifted else "no"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    style = 'style="text-align:left;padding:.15rem 1.5rem .15rem 0"'
    titles = "".join(f"<th {style}>{escape(cell)}</th>" for cell in head)
    lines = "".join(
        f"<tr>{''.join(f'<td {style}>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows
    )
    return f"<table><thead><tr>{titles}</tr></thead><tbody>{lines}</tbody></table>"
