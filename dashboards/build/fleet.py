"""Fleet: every model on one screen, worst first."""

from __future__ import annotations

from dashboards.build.board import About, Board, datasource, window_of
from dashboards.build.links import to_model
from dashboards.build.palette import LINES
from dashboards.build.panels import Panel, Query, bars, limit, lines, number, states, verdicts
from dashboards.build.queries import WINDOW, over_threshold, ranked, share, verdict
from dashboards.build.tables import Column, Order, table

ABOUT = About(
    "fleet",
    "inferwatch / Fleet",
    "Every model on one screen, worst first. A click on a model opens its board.",
    "24h",
)

_RATE = "sum by (model) (model_version:inferwatch_inferences:rate5m)"
_ERRORS = "sum by (model) (model_version:inferwatch_inference_errors:rate5m)"
_ALARMS = "sum by (model, window, reference) (inferwatch_alarms_30d)"
_BUDGET = "30 * sum by (model) (inferwatch_alarm_budget_per_day)"


def board() -> Board:
    """The board."""
    made = Board(ABOUT, [datasource(), window_of()])
    made.panels(*_numbers(), _models())
    made.row("Over time", _timeline(), _scores(), _rows())
    made.row("Now", _errors(), _latency(), _alerts())
    return made


def _numbers() -> list[Panel]:
    def with_verdict(names: str) -> Query:
        one = f'max by (model) (inferwatch_verdict{{{WINDOW}, verdict=~"{names}"}})'
        return Query(f"sum({one})")

    return [
        number("Models", "Models that inferwatch watches.", "none",
            Query("count(max by (model) (inferwatch_model_info))"),
            empty="no model: is inferwatch scraped?"),
        number("In alarm", "Models with an input, an answer or software in alarm.", "none",
            with_verdict("alarm"), empty="no verdict yet", bad_from=1),
        number("Without a row", "Models whose newest window had no row at all: silent.", "none",
            with_verdict("no_data"), empty="no verdict yet", bad_from=1),
        number("Not judged",
            "Models of which something is not judged: too few rows, or no reference.", "none",
            with_verdict("insufficient_data|no_reference"), empty="no verdict yet"),
        number("Alarms in 30 days",
            "Alarms of all models in the 30 days of event time before their newest window, and the "
            "false ones that they may have.", "short",
            Query(f"sum({_ALARMS})", "alarms"), Query(f"sum({_BUDGET})", "budget"),
            empty="no calibrated model"),
        number("Alerts firing", "Alerts of inferwatch that fire in Prometheus.", "none",
            Query('count(ALERTS{alertname=~"Inferwatch.+", alertstate="firing"}) or vector(0)'),
            bad_from=1),
    ]  # fmt: skip


def _models() -> Panel:
    newest = f"max by (model) (inferwatch_window_closed_timestamp_seconds{{{WINDOW}}})"
    cause = f'inferwatch_alarm_cause{{{WINDOW}, rank="1", side="now"}}'
    queries = [
        verdict("model", WINDOW),
        over_threshold("model", WINDOW, WINDOW),
        f"topk by (model) (1, max by (model, subject, feature, change) ({cause}))",
        f"1000 * min by (model) (inferwatch_alarm_since_timestamp_seconds{{{WINDOW}}})",
        f"sum by (model) (inferwatch_window_rows{{{WINDOW}}})",
        _RATE,
        share(_ERRORS, _RATE),
        "max by (model) (model_version:inferwatch_inference_latency_seconds:p99_rate5m)",
        "max by (model) (model_version:inferwatch_output_nulls:ratio_rate5m)",
        f"sum by (model) ({_ALARMS})",
        _BUDGET,
        f"time() - {newest}",
    ]
    columns = [
        Column("model", "Model", links=[to_model("__data.fields.Model")]),
        Column("verdict", "Verdict", 0, mappings=[verdicts()], width=140),
        Column("score", "Score / threshold", 1, "none", 2, 130, bad_from=1),
        Column("subject", "Worst in", width=90),
        Column("feature", "Feature"),
        Column("change", "Change", width=100),
        Column("since", "In alarm since", 3, "dateTimeAsLocal", width=165),
        Column("rows", "Rows", 4, "short", width=80),
        Column("rate", "Inferences", 5, "reqps", 1, 100),
        Column("errors", "Errors", 6, "percentunit", 2, 80),
        Column("p99", "p99", 7, "s", width=90),
        Column("nulls", "Null answers", 8, "percentunit", 2, 110),
        Column("alarms", "Alarms 30 d", 9, "none", width=100),
        Column("budget", "Budget 30 d", 10, "none", 1, 100),
        Column("closed", "Last window", 11, "s", 0, 110),
    ]
    return table(
        "Models, worst first",
        "Sorted by verdict, then by the largest score over what a window alone must pass. Worst "
        "in, feature and change are those of the first cause while there is an alarm. Errors, p99 "
        "and null answers are of the last 5 minutes, all else of the newest closed window; the "
        "last column is how long ago it was closed.",
        queries,
        columns,
        order=[Order("Verdict"), Order("Score / threshold")],
        span=24,
        height=11,
        empty="no model: is inferwatch scraped by this Prometheus?",
    )


def _timeline() -> Panel:
    return states(
        "Verdicts",
        "The worst verdict of each model on its newest window, over time.",
        Query(verdict("model", WINDOW), "{{model}}"),
        verdicts(),
        height=8,
        empty="no verdict in this span",
        links=[to_model("__field.labels.model")],
    )


def _scores() -> Panel:
    worst = ranked(over_threshold("model", WINDOW, WINDOW), "model", 4)
    drawn = [Query(one, "{{model}}", color) for one, color in zip(worst, LINES, strict=True)]
    return lines(
        "Score over threshold, the four worst models",
        "1 is where a window alone is an alarm. A score is how rare a change is, the same for "
        "every model and column.",
        "none",
        *drawn,
        limit("vector(1)", "alarm"),
        empty="no scores: no model has a calibrated reference",
        least=0,
        links=[to_model("__field.labels.model")],
    )


def _rows() -> Panel:
    rows = f"sum by (model) (inferwatch_window_rows{{{WINDOW}}})"
    most = ranked(rows, "model", 4)
    return lines(
        "Rows in a window, the four largest models",
        "Rows of the newest closed window, over all versions and instances.",
        "short",
        *[Query(one, "{{model}}", color) for one, color in zip(most, LINES, strict=True)],
        empty="no window was closed in this span",
        least=0,
        links=[to_model("__field.labels.model")],
    )


def _errors() -> Panel:
    return bars(
        "Errors, the ten worst models",
        "Share of the inferences of the last 5 minutes that ended in an error.",
        "percentunit",
        Query(f"sort_desc(topk(10, {share(_ERRORS, _RATE)}))", "{{model}}"),
        span=8,
        empty="no inference in the last 5 minutes",
        links=[to_model("__field.labels.model")],
    )


def _latency() -> Panel:
    p99 = "max by (model) (model_version:inferwatch_inference_latency_seconds:p99_rate5m)"
    return bars(
        "Latency p99, the ten slowest models",
        "The 99th percentile of the last 5 minutes, of each model's slowest version.",
        "s",
        Query(f"sort_desc(topk(10, {p99}))", "{{model}}"),
        span=8,
        empty="no latency in the last 5 minutes",
        links=[to_model("__field.labels.model")],
    )


def _alerts() -> Panel:
    firing = 'ALERTS{alertname=~"Inferwatch.+", alertstate="firing"}'
    return table(
        "Alerts that fire",
        "Alerts of inferwatch's rules that fire in Prometheus, whatever became of them after.",
        [f"max by (alertname, severity, model, subject, window) ({firing})"],
        [
            Column("severity", "Severity", width=90),
            Column("model", "Model", links=[to_model("__data.fields.Model")]),
            Column("alertname", "Alert"),
            Column("subject", "Subject", width=90),
            Column("window", "Window", width=80),
        ],
        order=[Order("Severity", descending=False)],
        span=8,
        empty="no alert fires",
    )
