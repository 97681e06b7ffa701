"""Model: its answers, its inputs, memory and processor, and what its judging rests on."""

from __future__ import annotations

from dashboards.build.links import to_feature
from dashboards.build.palette import BLUE, GREEN, LINES, PURPLE, VERMILLION
from dashboards.build.panels import Panel, Query, limit, lines, named, number
from dashboards.build.queries import BESIDE, MODEL, VERSION, WINDOW, ranked
from dashboards.build.tables import Column, Order, table

_OF = f"{MODEL}, {WINDOW}"


def _both(name: str, how: str = "max", words: str = "") -> tuple[Query, Query]:
    """A gauge of the chosen version's window, and of the other's."""
    return (
        Query(f"{how}({name}{{{_OF}, {VERSION}}})", f"{words} $version".strip(), BLUE),
        Query(f"{how}({name}{{{_OF}, {BESIDE}}})", f"{words} $beside".strip(), PURPLE, "dash"),
    )


def answers() -> list[Panel]:
    """What the model says."""
    return [_nulls(), _quantiles(), _classes(), _mean(), _reruns(), _spread()]


def inputs() -> list[Panel]:
    """What it is asked."""
    return [_missing(), _invalid(), _rows_with_missing(), _volume()]


def resources() -> list[Panel]:
    """What it takes."""
    return [_log_memory(), _log_cpu(), _gpu(), _up(), _memory(), _cpu(), _files()]


def reference_and_reports() -> list[Panel]:
    """What the judging rests on, and what stands beside it."""
    return [_calibration(), _end(), _late(), _silence(), _report(), _domain()]


def _nulls() -> Panel:
    live = "model_version:inferwatch_output_nulls:ratio_rate5m"
    return lines(
        "Null answers",
        "Share of the answers of 5 minutes that are absent, null, empty, NaN or a null word; "
        "errors are not among them.",
        "percentunit",
        Query(f"max({live}{{{MODEL}, {VERSION}}})", "$version, 5 minutes", BLUE),
        Query(f"max({live}{{{MODEL}, {BESIDE}}})", "$beside, 5 minutes", PURPLE, "dash"),
        Query(f"max(inferwatch_output_null_ratio{{{_OF}, {VERSION}}})", "$version, window", GREEN),
        limit(f"max(inferwatch_output_null_ratio_threshold{{{MODEL}}})"),
        span=8,
        empty="no answer in this span",
        least=0,
    )


def _quantiles() -> Panel:
    name = "inferwatch_output_quantile"
    return lines(
        "Quantiles of the answers",
        "Of the newest window; the quantiles are those of the config, the lowest line the lowest.",
        "none",
        Query(f"avg by (q) ({name}{{{_OF}, {VERSION}}})", "{{q}} $version", BLUE),
        Query(f"avg by (q) ({name}{{{_OF}, {BESIDE}}})", "{{q}} $beside", PURPLE, "dash"),
        span=8,
        empty="no numbers among the answers",
    )


def _classes() -> Panel:
    name, of = "inferwatch_output_class_ratio", f"{_OF}, {VERSION}"
    share = f"max by (class) ({name}{{{of}}})"
    most = ranked(share, "class", 4)
    return lines(
        "Classes among the answers",
        "Share of the four commonest classes in the newest window, with the limits of the config.",
        "percentunit",
        *[Query(one, "{{class}}", color) for one, color in zip(most, LINES, strict=True)],
        limit(f"max by (class) ({name}_threshold{{{MODEL}}})", "{{class}} at most"),
        limit(f"max by (class) ({name}_lower_threshold{{{MODEL}}})", "{{class}} at least"),
        span=8,
        empty="no classes among the answers",
        least=0,
    )


def _mean() -> Panel:
    return lines(
        "Mean, spread and entropy of the answers",
        "Of the newest window: mean and standard deviation of numbers, mean entropy of lists of "
        "class scores (in nats).",
        "none",
        *_both("inferwatch_output_mean", "avg", "mean"),
        Query(f"avg(inferwatch_output_stddev{{{_OF}, {VERSION}}})", "spread $version", BLUE, "dot"),
        Query(
            f"avg(inferwatch_output_entropy_mean{{{_OF}, {VERSION}}})", "entropy $version", GREEN
        ),
        span=8,
        empty="no numbers and no class scores among the answers",
    )


def _reruns() -> Panel:
    name = "inferwatch_output_rerun_mismatch_ratio"
    return lines(
        "Reruns that were answered differently",
        "Share of the inputs seen more than once in the window whose answers differ; and how many "
        "inferences were reruns at all.",
        "percentunit",
        *_both(name),
        Query(f"max(inferwatch_output_rerun_ratio{{{_OF}, {VERSION}}})", "reruns $version", GREEN),
        limit(f"max({name}_threshold{{{MODEL}}})"),
        span=8,
        empty="no input came twice",
        least=0,
    )


def _spread() -> Panel:
    name = "inferwatch_output_rerun_stddev"
    return lines(
        "Spread of answers to equal inputs",
        "Standard deviation over inputs that were answered more than once, pooled.",
        "none",
        *_both(name),
        limit(f"max({name}_threshold{{{MODEL}}})"),
        span=8,
        empty="no input came twice",
        least=0,
    )


def _missing() -> Panel:
    name = "model_version_feature:inferwatch_input_missing:ratio_rate5m"
    of = f"{MODEL}, {VERSION}"
    most = ranked(f"max by (feature) ({name}{{{of}}})", "feature", 4)
    return lines(
        "Missing values, the four worst features",
        "Share of the rows of 5 minutes in which the feature is absent, null, empty or NaN.",
        "percentunit",
        *[Query(one, "{{feature}}", color) for one, color in zip(most, LINES, strict=True)],
        limit(
            f"max by (feature) (inferwatch_input_missing_ratio_threshold{{{MODEL}}})",
            "{{feature}} limit",
        ),
        empty="no value in this span",
        least=0,
        links=[to_feature("__field.labels.feature")],
    )


def _invalid() -> Panel:
    name, of = "inferwatch_input_invalid_ratio", f"{_OF}, {VERSION}"
    most = ranked(f"max by (feature) ({name}{{{of}}})", "feature", 4)
    return lines(
        "Invalid and unseen values, the four worst features",
        "Share of the values present in the newest window that are of a wrong type, out of range, "
        "unseen in the reference, not finite, huge, or cannot be decoded.",
        "percentunit",
        *[Query(one, "{{feature}}", color) for one, color in zip(most, LINES, strict=True)],
        limit(f"max by (feature) ({name}_threshold{{{MODEL}}})", "{{feature}} limit"),
        empty="no window was closed in this span",
        least=0,
        links=[to_feature("__field.labels.feature")],
    )


def _rows_with_missing() -> Panel:
    return lines(
        "Rows with a missing value",
        "Share of the rows of the newest window in which any feature is missing.",
        "percentunit",
        *_both("inferwatch_input_rows_with_missing_ratio"),
        empty="no window was closed in this span",
        least=0,
    )


def _volume() -> Panel:
    items, size = "inferwatch_input_items_mean", "inferwatch_input_bytes_mean"
    return lines(
        "Volume of a request",
        "Mean size of a record in the newest window, and mean number of inferences in it (right).",
        "bytes",
        *_both(size, "avg", "size"),
        limit(f"max({size}_threshold{{{MODEL}}})", "size at most"),
        Query(f"avg({items}{{{_OF}, {VERSION}}})", "items $version", GREEN, right="short"),
        Query(f"max({items}_threshold{{{MODEL}}})", "items at most", VERMILLION, "dot",
            right="short"),
        empty="no window was closed in this span",
        least=0,
    )  # fmt: skip


def _log_memory() -> Panel:
    name = "inferwatch_log_memory_bytes"
    return lines(
        "Memory of an inference",
        "Mean over the window, as the log gives it.",
        "bytes",
        *_both(name),
        limit(f"max({name}_threshold{{{MODEL}}})"),
        span=8,
        empty="the log says nothing of memory",
        least=0,
    )


def _log_cpu() -> Panel:
    name = "inferwatch_log_cpu_seconds"
    return lines(
        "Processor time of an inference",
        "Mean over the window, as the log gives it.",
        "s",
        *_both(name),
        limit(f"max({name}_threshold{{{MODEL}}})"),
        span=8,
        empty="the log says nothing of processor time",
        least=0,
    )


def _gpu() -> Panel:
    busy = "inferwatch_log_gpu_utilization_ratio"
    return lines(
        "GPU of an inference",
        "Mean memory over the window, and mean utilization (right), as the log gives them.",
        "bytes",
        *_both("inferwatch_log_gpu_memory_bytes", "max", "memory"),
        Query(f"max({busy}{{{_OF}, {VERSION}}})", "busy $version", GREEN, right="percentunit"),
        span=8,
        empty="the log says nothing of a GPU",
        least=0,
    )


def _up() -> Panel:
    return number(
        "Model server",
        "Whether the process of the model server is there, as its sidecar sees it.",
        "none",
        Query(f"min(inferwatch_process_up{{{MODEL}}})"),
        empty="no sidecar watches it",
        mappings=[named({"1": ("up", BLUE), "0": ("down", VERMILLION)})],
        height=8,
        span=3,
    )


def _memory() -> Panel:
    return lines(
        "Memory of the model server",
        "Resident memory of the process and its children: the largest instance, and on its GPUs.",
        "bytes",
        Query(f"max(inferwatch_process_memory_bytes{{{MODEL}}})", "memory", BLUE),
        Query(f"max(inferwatch_process_gpu_memory_bytes{{{MODEL}}})", "GPU memory", GREEN),
        limit(f"max(inferwatch_process_memory_bytes_threshold{{{MODEL}}})"),
        span=7,
        empty="no sidecar watches it",
        least=0,
    )


def _cpu() -> Panel:
    return lines(
        "Processor of the model server",
        "Cores in use over 5 minutes: the busiest instance.",
        "none",
        Query(f"max(rate(inferwatch_process_cpu_seconds_total{{{MODEL}}}[5m]))", "cores", BLUE),
        limit(f"max(inferwatch_process_cpu_ratio_threshold{{{MODEL}}})"),
        span=7,
        empty="no sidecar watches it",
        least=0,
    )


def _files() -> Panel:
    return lines(
        "Threads and open files of the model server",
        "Of the process and its children: the instance with most.",
        "short",
        Query(f"max(inferwatch_process_threads{{{MODEL}}})", "threads", BLUE),
        Query(f"max(inferwatch_process_open_files{{{MODEL}}})", "open files", GREEN),
        span=7,
        empty="no sidecar watches it",
        least=0,
    )


def _calibration() -> Panel:
    by = "max by (reference, certainty, dependence, daily)"
    return table(
        "Calibration",
        "What the thresholds rest on: how certain they are, whether the panes of the reference "
        "depend on each other for too long, how days are judged, how many panes there were, and "
        "the age of their end.",
        [
            f"{by} (inferwatch_calibration_info{{{MODEL}}})",
            f"max by (reference) (inferwatch_reference_panes{{{MODEL}}})",
            f"time() - max by (reference) (inferwatch_reference_end_timestamp_seconds{{{MODEL}}})",
        ],
        [
            Column("reference", "Reference"),
            Column("certainty", "Certainty", width=110),
            Column("dependence", "Dependence", width=110),
            Column("daily", "Days", width=110),
            Column("panes", "Panes", 1, "none", 0, 80),
            Column("age", "Age", 2, "s", 0, 100),
        ],
        order=[Order("Panes")],
        empty="no reference: nothing is judged",
    )


def _end() -> Panel:
    zone = f"topk(1, max by (timezone) (inferwatch_model_info{{{MODEL}}}))"
    newest = f"max(inferwatch_window_end_timestamp_seconds{{{_OF}}})"
    return number(
        "End of the newest window; time zone",
        "The end in event time, in your own zone; the model's days begin by the clock of the zone "
        "named.",
        "dateTimeAsLocal",
        Query(f"1000 * ({newest} * on () group_left (timezone) {zone})", "{{timezone}}"),
        span=6,
        height=8,
        empty="no window was closed yet",
    )


def _late() -> Panel:
    return lines(
        "Late rows",
        "Rows that are in no window because they came too late, and windows published again.",
        "short",
        Query(f"sum(increase(inferwatch_late_rows_total{{{MODEL}}}[1h]))", "late rows", VERMILLION),
        Query(f"sum(increase(inferwatch_revisions_total{{{MODEL}}}[1h]))", "revisions", BLUE),
        span=6,
        empty="no row came late",
        least=0,
    )


def _silence() -> Panel:
    closed = f"time() - max(inferwatch_window_closed_timestamp_seconds{{{_OF}}})"
    return lines(
        "Since the last window was closed",
        "In wall time. A window is closed though it has no row; how long the model itself may be "
        "silent is dashed.",
        "s",
        Query(closed, "since the close", BLUE),
        limit(f"max(inferwatch_silence_seconds_threshold{{{MODEL}}})", "silent at most"),
        span=8,
        empty="no window was closed in this span",
        least=0,
    )


def _report() -> Panel:
    return number(
        "Newest report",
        "Evidently's own page of the last days: its end, rows, and share of drifted columns by "
        "Evidently's rule, which is no verdict.",
        "short",
        Query(f"max(inferwatch_report_drifted_columns_ratio{{{MODEL}}})", "drifted columns"),
        Query(f'max(inferwatch_report_rows{{{MODEL}, side="now"}})', "rows"),
        Query(
            f"(time() - max(inferwatch_report_window_end_timestamp_seconds{{{MODEL}}})) / 86400",
            "days old",
        ),
        span=8,
        height=8,
        empty="no report was made",
        decimals=2,
    )


def _domain() -> Panel:
    return lines(
        "Domain classifier of the reports",
        "How well a classifier tells the span's rows from the reference's (0.5 not at all, 1 "
        "always), and the share of the reference's own parts that are told as well.",
        "none",
        Query(f"max(inferwatch_report_domain_classifier_auc{{{MODEL}}})", "area under the curve",
            BLUE),
        Query(f"max(inferwatch_report_domain_classifier_as_far_ratio{{{MODEL}}})",
            "reference's parts as far", GREEN),
        limit(f"max(inferwatch_report_domain_classifier_auc_threshold{{{MODEL}}})"),
        span=8,
        empty="no report was made",
        least=0,
        most=1,
    )  # fmt: skip
