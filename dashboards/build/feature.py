"""Feature: one feature of a model, over time, beside its reference."""

from __future__ import annotations

from dashboards.build.board import (
    About,
    Board,
    beside_of,
    datasource,
    feature_of,
    model_of,
    reference_of,
    version_of,
    window_of,
)
from dashboards.build.palette import BLUE, GREEN, LINES, PURPLE
from dashboards.build.panels import Panel, Query, bars, limit, lines, number, reference
from dashboards.build.queries import (
    BESIDE,
    EITHER,
    FEATURE,
    MODEL,
    REFERENCE,
    VERSION,
    WINDOW,
    over_threshold,
    ranked,
)
from dashboards.build.tables import Column, Order, table

ABOUT = About(
    "feature",
    "inferwatch / Feature",
    "One feature: its quantiles over time beside the reference's, what is missing and invalid, its "
    "scores and what they must pass.",
    "7d",
)

_OF = f"{MODEL}, {FEATURE}, {WINDOW}"
_LIVE = f"{MODEL}, {FEATURE}, {VERSION}"
_LIMIT = f"{MODEL}, {FEATURE}"
_THEN = f"{MODEL}, {FEATURE}, {REFERENCE}"
_JUDGED = f"{_OF}, {REFERENCE}, {EITHER}"
_THRESHOLD = f'inferwatch_score_threshold{{{MODEL}, {WINDOW}, {REFERENCE}, rule="alone"}}'


def board() -> Board:
    """The board."""
    variables = [datasource(), model_of(), window_of("{" + MODEL + "}"), feature_of()]
    variables += [version_of(), beside_of(), reference_of()]
    made = Board(ABOUT, variables, of_one_model=True)
    made.panels(*_numbers())
    made.row("Distribution", _quantiles(), _mean(), _spread())
    made.row("Missing and invalid", _missing(), _reasons(), _invalid(), _invalid_reasons())
    made.row("Scores and distances", _scores(), _now(), _distances(), _causes())
    made.row("Texts, lists and images", _length(), _brightness(), _pixels(), folded=True)
    made.row("Tests of the newest report", _tests(), folded=True)
    return made


def _both(name: str, how: str = "max", words: str = "") -> tuple[Query, Query]:
    """A gauge of the chosen version's window, and of the other's."""
    return (
        Query(f"{how}({name}{{{_OF}, {VERSION}}})", f"{words} $version".strip(), BLUE),
        Query(f"{how}({name}{{{_OF}, {BESIDE}}})", f"{words} $beside".strip(), PURPLE, "dash"),
    )


def _numbers() -> list[Panel]:
    return [
        number("Score / threshold", "The largest score of the feature's statistics by what a "
            "window alone must pass: from 1 on it is an alarm by itself.", "none",
            Query(over_threshold("model", _JUDGED, f"{MODEL}, {WINDOW}, {REFERENCE}")),
            empty="not judged", bad_from=1, decimals=2),
        number("Missing", "Share of the window's rows in which the feature is missing, and in the "
            "reference.", "percentunit",
            Query(f"max(inferwatch_input_missing_ratio{{{_OF}, {VERSION}}})", "now"),
            Query(f"max by (reference) (inferwatch_reference_missing_ratio{{{_THEN}}})",
                "reference {{reference}}"), span=5,
            empty="no window yet", decimals=2),
        number("Invalid", "Share of the values present in the window that are invalid or unseen.",
            "percentunit", Query(f"max(inferwatch_input_invalid_ratio{{{_OF}, {VERSION}}})"),
            empty="no window yet", decimals=2),
        number("Mean", "Of the newest window, and of the reference, in the feature's own unit.",
            "short", Query(f"avg(inferwatch_input_mean{{{_OF}, {VERSION}}})", "now"),
            Query(f"avg by (reference) (inferwatch_reference_mean{{{_THEN}}})",
                "reference {{reference}}"), span=6,
            empty="no numbers", decimals=2),
        number("Values now", "Values present in a second, over 5 minutes.", "reqps",
            Query(f"sum(rate(inferwatch_input_values_total{{{_LIVE}}}[5m]))"), span=5,
            empty="none in 5 minutes"),
    ]  # fmt: skip


def _quantiles() -> Panel:
    name = "inferwatch_input_quantile"
    then = f"avg by (q, reference) (inferwatch_reference_quantile{{{_THEN}}})"
    return lines(
        "Quantiles, beside the reference's",
        "Of the newest window, in the feature's own unit; the quantiles are those of the config. "
        "Lines of one colour are quantiles of one thing, the lowest line the lowest. The "
        "reference's are dotted.",
        "none",
        Query(f"avg by (q) ({name}{{{_OF}, {VERSION}}})", "{{q}} $version", BLUE),
        Query(f"avg by (q) ({name}{{{_OF}, {BESIDE}}})", "{{q}} $beside", PURPLE, "dash"),
        reference(then, "{{q}} reference {{reference}}"),
        span=24,
        height=10,
        empty="no numbers: the feature is a category, or was never there",
    )  # fmt: skip


def _mean() -> Panel:
    return lines(
        "Mean",
        "Of the newest window, in the feature's own unit, beside the reference's.",
        "none",
        *_both("inferwatch_input_mean", "avg"),
        reference(
            f"avg by (reference) (inferwatch_reference_mean{{{_THEN}}})", "reference {{reference}}"
        ),
        empty="no numbers: the feature is a category, or was never there",
    )


def _spread() -> Panel:
    return lines(
        "Standard deviation",
        "Of the newest window, in the feature's own unit.",
        "none",
        *_both("inferwatch_input_stddev", "avg"),
        empty="no numbers: the feature is a category, or was never there",
        least=0,
    )


def _missing() -> Panel:
    live = f"model_version_feature:inferwatch_input_missing:ratio_rate5m{{{_LIVE}}}"
    return lines(
        "Missing values",
        "Share of the rows in which the feature is absent, null, empty or NaN: in the newest "
        "window, over 5 minutes, and in the reference.",
        "percentunit",
        *_both("inferwatch_input_missing_ratio"),
        Query(f"max({live})", "$version, 5 minutes", GREEN),
        reference(
            f"max by (reference) (inferwatch_reference_missing_ratio{{{_THEN}}})",
            "reference {{reference}}",
        ),
        limit(f"max(inferwatch_input_missing_ratio_threshold{{{_LIMIT}}})"),
        empty="no row in this span",
        least=0,
    )


def _reasons() -> Panel:
    return _by_reason(
        "Missing values by reason",
        "Values in a second of the chosen version that were absent, null, empty or NaN.",
        "inferwatch_input_missing_total",
        "no value was missing",
    )


def _invalid() -> Panel:
    return lines(
        "Invalid and unseen values",
        "Share of the values present in the newest window that are invalid.",
        "percentunit",
        *_both("inferwatch_input_invalid_ratio"),
        limit(f"max(inferwatch_input_invalid_ratio_threshold{{{_LIMIT}}})"),
        empty="no window was closed in this span",
        least=0,
    )


def _invalid_reasons() -> Panel:
    return _by_reason(
        "Invalid values by reason",
        "Values in a second of the chosen version that were of a wrong type, out of range, unseen "
        "in the reference, not finite, huge, or could not be decoded.",
        "inferwatch_input_invalid_total",
        "no value was invalid",
    )


def _by_reason(title: str, description: str, name: str, empty: str) -> Panel:
    rate = f"sum by (reason) (rate({name}{{{_LIVE}}}[5m]))"
    most = ranked(rate, "reason", 4)
    return lines(
        title,
        description,
        "reqps",
        *[Query(one, "{{reason}}", color) for one, color in zip(most, LINES, strict=True)],
        empty=empty,
        least=0,
    )


def _scores() -> Panel:
    score = f"inferwatch_score{{{_JUDGED}}}"
    most = ranked(f"max by (statistic) ({score})", "statistic", 4)
    return lines(
        "Scores by statistic",
        "The four statistics that reached highest: how rare the change of each is, by the "
        "reference: s comes by chance about once in e^s windows. Above the dashed line it is an "
        "alarm.",
        "none",
        *[Query(one, "{{statistic}}", color) for one, color in zip(most, LINES, strict=True)],
        limit(f"max({_THRESHOLD})", "a window alone"),
        empty="no scores: no calibrated reference, too few rows, or the feature is ignored",
        least=0,
    )


def _now() -> Panel:
    return bars(
        "Scores now",
        "Every statistic of the feature, as of the newest window, the largest first.",
        "none",
        Query(f"sort_desc(max by (statistic) (inferwatch_score{{{_JUDGED}}}))", "{{statistic}}"),
        empty="no scores: no calibrated reference, too few rows, or the feature is ignored",
    )


def _distances() -> Panel:
    name, of = "inferwatch_drift_distance", f"{_OF}, {REFERENCE}"
    most = ranked(f"max by (method) ({name}{{{of}}})", "method", 3)
    return lines(
        "Distances to the reference",
        "By the three methods that reached highest, in their usual units (PSI, KS and others): "
        "what decides is the score. Dashed are the fixed thresholds of the config.",
        "none",
        *[Query(one, "{{method}}", color) for one, color in zip(most, LINES, strict=False)],
        limit(f"max by (method) ({name}_threshold{{{of}}})", "{{method}} limit"),
        empty="no distances: name some in alarms.methods",
        least=0,
    )


def _causes() -> Panel:
    by = "max by (window, rank, change, version)"
    of = f"{MODEL}, {FEATURE}, {REFERENCE}, {EITHER}"
    return table(
        "What it has to do with alarms that go on",
        "Where the feature is among the three worst causes: the quantity in the reference, and "
        "now.",
        [f'{by} (inferwatch_alarm_cause{{{of}, side="{side}"}})' for side in ("reference", "now")],
        [
            Column("window", "Window", width=80),
            Column("rank", "#", width=40),
            Column("change", "Change"),
            Column("version", "Version", width=90),
            Column("reference", "Reference", 0, "short", 3, 100),
            Column("now", "Now", 1, "short", 3, 100),
        ],
        order=[Order("#", descending=False)],
        empty="it leads no alarm",
    )


def _length() -> Panel:
    name = "inferwatch_input_length_mean"
    now = f"avg by (unit) ({name}{{{_OF}, {VERSION}}})"
    then = f"avg by (unit) ({name}{{{_OF}, {BESIDE}}})"
    return lines(
        "Mean length",
        "Of texts in characters and words, of lists in items, with the limits of the config.",
        "short",
        Query(now, "{{unit}} $version", BLUE),
        Query(then, "{{unit}} $beside", PURPLE, "dash"),
        limit(f"max by (unit) ({name}_threshold{{{_LIMIT}}})", "{{unit}} at most"),
        limit(f"max by (unit) ({name}_lower_threshold{{{_LIMIT}}})", "{{unit}} at least"),
        span=8,
        empty="the feature is neither a text nor a list",
        least=0,
    )


def _brightness() -> Panel:
    name = "inferwatch_input_brightness_mean"
    return lines(
        "Brightness and contrast of images",
        "Mean luma, 0 black to 1 white, and its standard deviation within an image.",
        "none",
        *_both(name, "avg", "brightness"),
        Query(
            f"avg(inferwatch_input_contrast_mean{{{_OF}, {VERSION}}})", "contrast $version", GREEN
        ),
        limit(f"max({name}_threshold{{{_LIMIT}}})", "brightness at most"),
        limit(f"max({name}_lower_threshold{{{_LIMIT}}})", "brightness at least"),
        span=8,
        empty="the feature is no image",
        least=0,
        most=1,
    )


def _pixels() -> Panel:
    width = "inferwatch_input_image_width_pixels_mean"
    height = "inferwatch_input_image_height_pixels_mean"
    return lines(
        "Size of images",
        "Mean width and height in pixels.",
        "short",
        *_both(width, "avg", "width"),
        Query(f"avg({height}{{{_OF}, {VERSION}}})", "height $version", GREEN),
        span=8,
        empty="the feature is no image",
        least=0,
    )


def _tests() -> Panel:
    return table(
        "Tests by Evidently",
        "What `evidently:NAME` of alarms.methods gave in the newest report: p-values or distances, "
        "as they are.",
        [f"max by (method) (inferwatch_report_test_value{{{MODEL}, {FEATURE}}})"],
        [Column("method", "Test"), Column("value", "Value", 0, "none", 4, 140)],
        order=[Order("Test", descending=False)],
        span=24,
        height=6,
        empty="no such test was asked for, or no report was made",
    )
