"""Model: the on-call view of one model, and a version beside another."""

from __future__ import annotations

from dashboards.build.board import (
    About,
    Board,
    beside_of,
    datasource,
    model_of,
    reference_of,
    version_of,
    window_of,
)
from dashboards.build.links import to_feature, to_this_version
from dashboards.build.model_details import answers, inputs, reference_and_reports, resources
from dashboards.build.palette import BLUE, GREEN, LINES, PURPLE
from dashboards.build.panels import (
    Panel,
    Query,
    bars,
    limit,
    lines,
    number,
    reference,
    states,
    verdicts,
)
from dashboards.build.queries import (
    BESIDE,
    EITHER,
    MODEL,
    REFERENCE,
    VERSION,
    WINDOW,
    over_threshold,
    ranked,
    verdict,
)
from dashboards.build.tables import Column, Order, table

ABOUT = About(
    "model",
    "inferwatch / Model",
    "One model, for whoever is on call: is it right, what changed first, is it alive; and a "
    "version beside another.",
    "2d",
)

ALARM = f"{MODEL}, {WINDOW}, {REFERENCE}"
"""Of what is said of a model's windows by a reference."""

SCORES = f"{ALARM}, {EITHER}"


def board() -> Board:
    """The board."""
    variables = [datasource(), model_of(), window_of("{" + MODEL + "}"), version_of(), beside_of()]
    made = Board(ABOUT, [*variables, reference_of()], of_one_model=True)
    made.panels(*_numbers())
    made.row("What changed", _causes(), _features(), _timeline(), _scores(), _worst())
    made.row("Is it alive", _rate(), _rows(), _errors(), _latency(), _reasons(), _versions())
    made.row("Answers", *answers())
    made.row("Inputs", *inputs())
    made.row("Memory and processor", *resources(), folded=True)
    made.row("Reference, late rows and reports", *reference_and_reports(), folded=True)
    return made


def _numbers() -> list[Panel]:
    alarms = f"sum by (window, reference) (inferwatch_alarms_30d{{{MODEL}}})"
    first = f"max by (subject) (inferwatch_alarm_moved_first{{{ALARM}}} == 1)"
    return [
        number("Verdict", "On the newest window: of inputs over all versions, of answers and "
            "software the worst of its versions.", "none",
            Query(verdict("subject", f"{MODEL}, {WINDOW}, {REFERENCE}"), "{{subject}}"), span=8,
            empty="no window was closed yet", mappings=[verdicts()]),
        number("In alarm since", "End, in event time, of the window in which the alarm began.",
            "dateTimeAsLocal",
            Query(f"1000 * min(inferwatch_alarm_since_timestamp_seconds{{{ALARM}}})"),
            empty="no alarm"),
        number("Moved first", "What passed when the alarm began: inputs that moved first point to "
            "the world or to what feeds the model, answers or software to the model.", "none",
            Query(first, "{{subject}}"), empty="no alarm", names=True),
        number("As rare as once in", "How rare the newest flagged window is, by the reference.",
            "s", Query(f"max(inferwatch_alarm_rarity_seconds{{{ALARM}}})"), empty="no alarm",
            decimals=0),
        number("Alarms in 30 days", "Of event time before the newest window, and the false ones "
            "that the model may have.", "short",
            Query(f"sum({alarms})", "alarms"),
            Query(f"30 * sum(inferwatch_alarm_budget_per_day{{{MODEL}}})", "budget"),
            empty="no calibrated reference"),
    ]  # fmt: skip


def _causes() -> Panel:
    by = "max by (rank, subject, feature, change, version)"
    return table(
        "Causes of the alarm, worst first",
        "What led to the alarm that goes on: each quantity in the reference and now, of its newest "
        "flagged window. A click on a feature opens its board.",
        [f'{by} (inferwatch_alarm_cause{{{SCORES}, side="{side}"}})'
            for side in ("reference", "now")],
        [
            Column("rank", "#", width=40),
            Column("subject", "Subject", width=90),
            Column("feature", "Feature", links=[to_feature("__data.fields.Feature")]),
            Column("change", "Change", width=110),
            Column("version", "Version", width=90),
            Column("reference", "Reference", 0, "short", 3, 100),
            Column("now", "Now", 1, "short", 3, 100),
        ],
        order=[Order("#", descending=False)],
        empty="no alarm",
    )  # fmt: skip


def _features() -> Panel:
    worst = over_threshold("feature", f'{SCORES}, feature!=""', ALARM)
    return bars(
        "Score over threshold, the ten worst features",
        "The largest score of each feature's statistics by what a window alone must pass: from 1 "
        "on it is an alarm by itself. A click opens the feature.",
        "none",
        Query(f"sort_desc(topk(10, {worst}))", "{{feature}}"),
        empty="no scores: no calibrated reference, or too few rows",
        bad_from=1,
        links=[to_feature("__field.labels.feature")],
    )


def _timeline() -> Panel:
    return states(
        "Verdicts",
        "The verdict on the newest window of each subject, over time.",
        Query(verdict("subject", ALARM), "{{subject}}"),
        verdicts(),
        empty="no window was closed in this span",
    )


def _scores() -> Panel:
    by_subject = [
        Query(f'max(inferwatch_score{{{SCORES}, subject="{subject}"}})', subject, color)
        for subject, color in (("input", BLUE), ("output", PURPLE), ("software", GREEN))
    ]
    together = f'inferwatch_score_threshold{{{ALARM}, rule="two_of_three"}}'
    return lines(
        "Largest score, and what it must pass",
        "A score is how rare a change is: s comes by chance about once in e^s windows. Above the "
        "dashed line one window is an alarm, above the dotted one two of three.",
        "none",
        *by_subject,
        limit(f'max(inferwatch_score_threshold{{{ALARM}, rule="alone"}})', "a window alone"),
        reference(f"max({together})", "two of three"),
        empty="no scores: no calibrated reference, or too few rows",
        least=0,
    )


def _worst() -> Panel:
    score = f'inferwatch_score{{{SCORES}, feature!=""}}'
    most = ranked(f"max by (feature) ({score})", "feature", 4)
    return lines(
        "Scores of the four worst features",
        "The largest score of each feature's statistics. Which rose first tells what changed "
        "first.",
        "none",
        *[Query(one, "{{feature}}", color) for one, color in zip(most, LINES, strict=True)],
        limit(f'max(inferwatch_score_threshold{{{ALARM}, rule="alone"}})', "a window alone"),
        empty="no scores: no calibrated reference, or too few rows",
        least=0,
        links=[to_feature("__field.labels.feature")],
    )


def _rate() -> Panel:
    rate = "model_version:inferwatch_inferences:rate5m"
    return lines(
        "Inferences",
        "Over 5 minutes, as they are read; with the limits of the config, where it has some.",
        "reqps",
        Query(f"sum({rate}{{{MODEL}}})", "all versions", GREEN),
        Query(f"sum({rate}{{{MODEL}, {VERSION}}})", "$version", BLUE),
        Query(f"sum({rate}{{{MODEL}, {BESIDE}}})", "$beside", PURPLE, "dash"),
        limit(f"max(inferwatch_throughput_per_second_threshold{{{MODEL}}})", "at most"),
        limit(f"max(inferwatch_throughput_per_second_lower_threshold{{{MODEL}}})", "at least"),
        empty="no inference in this span: the model is silent",
        least=0,
    )


def _rows() -> Panel:
    rows = "inferwatch_window_rows"
    return lines(
        "Rows in a window",
        "Rows of the newest closed window, and what the reference has in the hour that it is now. "
        "Where it has 0, silence is usual.",
        "short",
        Query(f"sum({rows}{{{MODEL}, {WINDOW}}})", "all versions", GREEN),
        Query(f"sum({rows}{{{MODEL}, {WINDOW}, {VERSION}}})", "$version", BLUE),
        Query(f"sum({rows}{{{MODEL}, {WINDOW}, {BESIDE}}})", "$beside", PURPLE, "dash"),
        reference(f"max(inferwatch_expected_rows{{{MODEL}, {REFERENCE}}})", "expected in an hour"),
        empty="no window was closed in this span",
        least=0,
    )


def _errors() -> Panel:
    ratio = "model_version:inferwatch_inference_errors:ratio_rate5m"
    return lines(
        "Errors",
        "Share of the inferences of 5 minutes that ended in an error.",
        "percentunit",
        Query(f"max({ratio}{{{MODEL}, {VERSION}}})", "$version", BLUE),
        Query(f"max({ratio}{{{MODEL}, {BESIDE}}})", "$beside", PURPLE, "dash"),
        limit(f"max(inferwatch_error_ratio_threshold{{{MODEL}}})"),
        empty="no inference in this span",
        least=0,
    )


def _latency() -> Panel:
    name = "model_version:inferwatch_inference_latency_seconds"
    return lines(
        "Latency",
        "Median and 99th percentile of 5 minutes, as the log gives it, with the limit on p99.",
        "s",
        Query(f"max({name}:p99_rate5m{{{MODEL}, {VERSION}}})", "p99 $version", BLUE),
        Query(f"max({name}:p50_rate5m{{{MODEL}, {VERSION}}})", "p50 $version", BLUE, "dot"),
        Query(f"max({name}:p99_rate5m{{{MODEL}, {BESIDE}}})", "p99 $beside", PURPLE, "dash"),
        limit(f'max(inferwatch_latency_quantile_seconds_threshold{{{MODEL}, q="0.99"}})'),
        empty="no latency in the log of this span",
        least=0,
    )


def _reasons() -> Panel:
    name = "inferwatch_inference_errors_total"
    of = f"{MODEL}, {VERSION}"
    rate = f"sum by (reason) (rate({name}{{{of}}}[5m]))"
    most = ranked(rate, "reason", 4)
    return lines(
        "Errors of the version, by reason",
        "Inferences in a second that ended in an error.",
        "reqps",
        *[Query(one, "{{reason}}", color) for one, color in zip(most, LINES, strict=True)],
        empty="no error",
        least=0,
    )


def _versions() -> Panel:
    def of(name: str) -> str:
        return f"max by (version) ({name}{{{MODEL}}})"

    rate = f"sum by (version) (model_version:inferwatch_inferences:rate5m{{{MODEL}}})"
    return table(
        "Versions",
        "Every version that was seen and is not forgotten, the newest first, over 5 minutes. A "
        "click draws it beside the chosen one, to see whether going back is the cure.",
        [
            f"1000 * {of('inferwatch_version_first_seen_timestamp_seconds')}",
            rate,
            of("model_version:inferwatch_inference_errors:ratio_rate5m"),
            of("model_version:inferwatch_inference_latency_seconds:p99_rate5m"),
            of("model_version:inferwatch_output_nulls:ratio_rate5m"),
        ],
        [
            Column("version", "Version", links=[to_this_version("__data.fields.Version")]),
            Column("seen", "First seen", 0, "dateTimeAsLocal", width=165),
            Column("rate", "Inferences", 1, "reqps", 1, 90),
            Column("errors", "Errors", 2, "percentunit", 2, 80),
            Column("p99", "p99", 3, "s", width=80),
            Column("nulls", "Null answers", 4, "percentunit", 2, 110),
        ],
        order=[Order("First seen")],
        empty="no version was seen yet",
    )
