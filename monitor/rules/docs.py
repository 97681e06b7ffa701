"""The table of all alerts in docs/alerts.md, from the rules and from the runbooks' first sentences.

`python -m monitor.rules.docs docs/alerts.md` writes it there, between its marks.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from monitor.metrics import BY_STATISTIC
from monitor.rules.files import shipped

BEGIN, END = "<!-- alerts: begin -->", "<!-- alerts: end -->"

_RUNBOOKS = Path(__file__).parents[2] / "rules" / "runbooks"
_RECORDED = re.compile(r"\w+:inferwatch_\w+:\w+")
_LIMIT = re.compile(r"(?<!:)inferwatch_\w+_(?:threshold|budget_per_day)\b")
_VERDICT = ":inferwatch_verdict:alarm"
_SPEND = _VERDICT, BY_STATISTIC["report.domain_auc_threshold"].name
"""What stands in the expressions of alerts that spend the budget."""


def rewritten(page: str, runbooks: Path = _RUNBOOKS) -> str:
    """A page with the table as it is now between its marks."""
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{table(shipped(), runbooks)}{END}{after}"


def table(texts: Mapping[str, str], runbooks: Path) -> str:
    """A line for each alert, in the order of the file."""
    rules = {name: _rules(text) for name, text in texts.items()}
    recorded: dict[str, str] = {}
    for rule in rules["recording"]:
        recorded[rule["record"]] = recorded.get(rule["record"], "") + rule["expr"]
    alerts: dict[str, list[dict[str, Any]]] = {}
    for rule in rules["alerts"]:
        alerts.setdefault(rule["alert"], []).append(rule)
    head = ("alert", "what it says", "severity", "budget", "for", "keeps on for", "judged by")
    lines = []
    for name, same in alerts.items():
        spends = any(what in one["expr"] for one in same for what in _SPEND)
        lines.append(
            (
                f"[{name}](../rules/runbooks/{name}.md)",
                _first_sentence((runbooks / f"{name}.md").read_text("utf-8")),
                " or ".join(dict.fromkeys(one["labels"]["severity"] for one in same)),
                "spends" if spends else "",
                same[0]["for"],
                same[0]["keep_firing_for"],
                "<br>".join(f"`{one}`" for one in _judged_by(same[0]["expr"], recorded)),
            )
        )
    below = "|---" * len(head) + "|\n"
    return _line(head) + below + "".join(map(_line, lines))


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def _rules(text: str) -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]


def _first_sentence(runbook: str) -> str:
    _, _, text = runbook.partition("## What it means\n")
    words = " ".join(text.strip().partition("\n\n")[0].split())
    return words.partition(". ")[0].removesuffix(".")


def _judged_by(expression: str, recorded: Mapping[str, str]) -> list[str]:
    """The metrics that say what is too much; where there is none, the rule itself says it."""
    if _VERDICT in expression:
        return [BY_STATISTIC["score.threshold"].name]
    return sorted(set(_limits(expression, recorded)))


def _limits(expression: str, recorded: Mapping[str, str]) -> Iterator[str]:
    """Those in an expression, and in the recording rules that it rests on."""
    seen: set[str] = set()
    left = [expression]
    while left:
        text = left.pop()
        yield from _LIMIT.findall(text)
        for name in set(_RECORDED.findall(text)) - seen:
            seen.add(name)
            left.append(recorded[name])


def main() -> None:
    """Write the table into the page that is named."""
    page = Path(sys.argv[1])
    page.write_text(rewritten(page.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
