"""THE table of every metric exported: nothing else names one.

Families and the daemon speak of statistic ids; here each becomes a Prometheus metric.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Kind = Literal["counter", "gauge", "histogram"]
Scope = Literal["live", "window", "model", "monitor"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric, and the statistic that it shows.

    Attributes:
        labels: every label, in order; `model`, `version` and `window` are not the statistic's own.
        unit: base unit in plural, or what the number is counted in; "feature's" is the unit of
            the data themselves.
        denominator: what the number is taken over, or what one step of a counter is.
        scope: `live` counts each row as it is read, `window` is of the newest closed window,
            `model` is of a model as a whole, `monitor` of inferwatch itself.
    """

    statistic: str
    name: str
    kind: Kind
    labels: tuple[str, ...]
    unit: str
    denominator: str
    help: str
    scope: Scope


def _live(
    statistic: str,
    name: str,
    labels: tuple[str, ...],
    denominator: str,
    help: str,
    *,
    kind: Kind = "counter",
    unit: str = "",
) -> Metric:
    labels = ("model", "version", *labels)
    return Metric(statistic, name, kind, labels, unit, denominator, help, "live")


def _window(
    statistic: str, name: str, labels: tuple[str, ...], unit: str, denominator: str, help: str
) -> Metric:
    labels = ("model", "version", "window", *labels)
    return Metric(statistic, name, "gauge", labels, unit, denominator, help, "window")


def _model(
    statistic: str, name: str, denominator: str, help: str, *, unit: str, kind: Kind = "gauge"
) -> Metric:
    return Metric(statistic, name, kind, ("model",), unit, denominator, help, "model")


def _monitor(
    statistic: str,
    name: str,
    labels: tuple[str, ...],
    denominator: str,
    help: str,
    *,
    unit: str,
    kind: Kind = "gauge",
) -> Metric:
    return Metric(statistic, name, kind, labels, unit, denominator, help, "monitor")


BOUNDED: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("software.throughput", "input.length_mean", "input.brightness_mean", "output.class_ratio"),
        ("max", "min"),
    ),
    **dict.fromkeys(
        (
            "software.latency_quantile",
            "software.error_ratio",
            "software.log_memory_bytes",
            "software.log_cpu_seconds",
            "input.missing_ratio",
            "input.invalid_ratio",
            "input.items_mean",
            "input.bytes_mean",
            "output.null_ratio",
            "output.rerun_mismatch_ratio",
            "output.rerun_stddev",
            "process.memory_bytes",
        ),
        ("max",),
    ),
}
"""Statistics that the config may set limits for: the most, and of some the least."""

_GIVEN = "Rows whose log says it."
_TIMED = "Inferences whose latency could be read."
_ROWS = "Rows of the window, those with an error included."
_USABLE = "Values present and usable."
_IMAGES = "Images that could be decoded."
_RECORDS = "Records of the window."
_ANSWERED = "Rows without an error."
_ANSWERS = "Usable answers of rows without an error."
_WHOLE = "The window."
_TREE = "The process and its children."


def _limits(measured: Iterable[Metric]) -> Iterator[Metric]:
    """The limits that the config may set, with the labels of what they are of; see `BOUNDED`."""
    for metric in measured:
        for bound in BOUNDED.get(metric.statistic, ()):
            side, what = ("_lower", "Least") if bound == "min" else ("", "Most")
            yield Metric(
                f"{metric.statistic}.{bound}",
                f"{metric.name}{side}_threshold",
                "gauge",
                tuple(name for name in metric.labels if name not in ("version", "window")),
                metric.unit,
                "As stated in the config.",
                f"{what} that `{metric.name}` may be: a limit of the config, where it has one.",
                "model",
            )


# fmt: off
_SOFTWARE = (
    _live("software.inferences", "inferwatch_inferences_total", (),
        "One inference; those with an error are among them.", "Inferences seen.",
        unit="inferences"),
    _live("software.errors", "inferwatch_inference_errors_total", ("reason",),
        "One inference that ended in an error.", "Inferences that ended in an error, by reason.",
        unit="inferences"),
    _live("software.latency", "inferwatch_inference_latency_seconds", (),
        _TIMED, "Latency of inferences as the log gives it.", kind="histogram", unit="seconds"),
    # Without version: it may be the version that could not be read.
    Metric("field.invalid", "inferwatch_field_invalid_total", "counter",
        ("model", "field", "reason"), "rows",
        "One row whose field was there and could not be read; it then counts as not given.",
        "Fields of the log that could not be read, such as time, latency, version or prediction.",
        "live"),
    _window("software.latency_quantile", "inferwatch_latency_quantile_seconds", ("q",), "seconds",
        _TIMED, "Quantile of latency in the window."),
    _window("software.throughput", "inferwatch_throughput_per_second", (), "inferences per second",
        "Seconds of the window.", "Inferences per second over the window."),
    _window("software.error_ratio", "inferwatch_error_ratio", (), "ratio", _ROWS,
        "Share of inferences that ended in an error."),
    _window("software.log_memory_bytes", "inferwatch_log_memory_bytes", (), "bytes",
        _GIVEN, "Mean memory of an inference as the log gives it."),
    _window("software.log_cpu_seconds", "inferwatch_log_cpu_seconds", (), "seconds",
        _GIVEN, "Mean processor time of an inference as the log gives it."),
    _window("software.log_gpu_memory_bytes", "inferwatch_log_gpu_memory_bytes", (), "bytes",
        _GIVEN, "Mean GPU memory of an inference as the log gives it."),
    _window("software.log_gpu_utilization_ratio", "inferwatch_log_gpu_utilization_ratio", (),
        "ratio", _GIVEN, "Mean GPU utilization of an inference as the log gives it."),
)

_INPUTS = (
    _live("input.values", "inferwatch_input_values_total", ("feature",),
        "One value present, usable or not; present and missing add up to the rows.",
        "Values present, by feature.", unit="values"),
    _live("input.missing", "inferwatch_input_missing_total", ("feature", "reason"),
        "One row without a value; present and missing add up to the rows.",
        "Values missing, by feature and reason.", unit="values"),
    _live("input.invalid", "inferwatch_input_invalid_total", ("feature", "reason"),
        "One value present and wrong; it is among the values present.",
        "Values present but invalid, by feature and reason.", unit="values"),
    _window("input.mean", "inferwatch_input_mean", ("feature",), "feature's", _USABLE,
        "Mean of a feature."),
    _window("input.stddev", "inferwatch_input_stddev", ("feature",), "feature's", _USABLE,
        "Standard deviation of a feature."),
    _window("input.quantile", "inferwatch_input_quantile", ("feature", "q"), "feature's", _USABLE,
        "Quantile of a feature."),
    _window("input.missing_ratio", "inferwatch_input_missing_ratio", ("feature",), "ratio",
        "Missing values by rows; missing and present add up to the rows.",
        "Share of rows in which a feature is missing."),
    _window("input.invalid_ratio", "inferwatch_input_invalid_ratio", ("feature",), "ratio",
        "Invalid values by values present, usable or not.",
        "Share of the values present that are invalid."),
    _window("input.length_mean", "inferwatch_input_length_mean", ("feature", "unit"),
        "see the label unit", _USABLE,
        "Mean length of a text in chars and words, or of a list in items."),
    _window("input.brightness_mean", "inferwatch_input_brightness_mean", ("feature",),
        "0 (black) to 1 (white)", _IMAGES, "Mean brightness (luma) of images."),
    _window("input.contrast_mean", "inferwatch_input_contrast_mean", ("feature",), "0 to 1",
        _IMAGES, "Mean contrast of images: the standard deviation of luma within each."),
    _window("input.image_width_mean", "inferwatch_input_image_width_pixels_mean", ("feature",),
        "pixels", _IMAGES, "Mean width of images."),
    _window("input.image_height_mean", "inferwatch_input_image_height_pixels_mean", ("feature",),
        "pixels", _IMAGES, "Mean height of images."),
    _window("input.rows_with_missing_ratio", "inferwatch_input_rows_with_missing_ratio", (),
        "ratio", _ROWS, "Share of rows in which any feature is missing."),
    _window("input.items_mean", "inferwatch_input_items_mean", (), "items",
        _RECORDS, "Mean number of inferences in a record."),
    _window("input.bytes_mean", "inferwatch_input_bytes_mean", (), "bytes",
        _RECORDS, "Mean size of a record."),
)

_OUTPUTS = (
    _live("output.nulls", "inferwatch_output_nulls_total", (),
        "One row without an error whose answer is absent, null, empty, NaN or a null word.",
        "Null answers.", unit="answers"),
    _window("output.mean", "inferwatch_output_mean", (), "prediction's",
        _ANSWERS, "Mean of the predictions."),
    _window("output.stddev", "inferwatch_output_stddev", (), "prediction's",
        _ANSWERS, "Standard deviation of the predictions."),
    _window("output.quantile", "inferwatch_output_quantile", ("q",), "prediction's",
        _ANSWERS, "Quantile of the predictions."),
    _window("output.null_ratio", "inferwatch_output_null_ratio", (), "ratio", _ANSWERED,
        "Share of answers that are null."),
    _window("output.class_ratio", "inferwatch_output_class_ratio", ("class",), "ratio",
        _ANSWERS, "Share of each class among the answers."),
    _window("output.entropy_mean", "inferwatch_output_entropy_mean", (), "nats",
        "Usable score lists of rows without an error.", "Mean entropy of the score lists."),
    _window("output.rerun_ratio", "inferwatch_output_rerun_ratio", (), "ratio", _ANSWERED,
        "Share of inferences whose input was already answered in the window."),
    _window("output.rerun_mismatch_ratio", "inferwatch_output_rerun_mismatch_ratio", (), "ratio",
        "Distinct inputs answered more than once.",
        "Share of repeated inputs that were answered differently."),
    _window("output.rerun_stddev", "inferwatch_output_rerun_stddev", (), "prediction's",
        "Inputs answered more than once, pooled.",
        "Standard deviation of the outputs over equal inputs."),
)

_WINDOWS = (
    _window("window.rows", "inferwatch_window_rows", (), "rows", _WHOLE,
        "Rows in the newest closed window."),
    _window("verdict", "inferwatch_verdict", ("subject", "reference", "verdict"), "0 or 1", _WHOLE,
        "1 for the verdict on the window, over all versions, 0 for the others."),
    _window("window.end", "inferwatch_window_end_timestamp_seconds", (), "seconds",
        _WHOLE, "Event time at which the newest closed window ends."),
    _window("window.closed", "inferwatch_window_closed_timestamp_seconds", (), "seconds",
        _WHOLE, "Wall time at which the newest closed window was closed."),
)

_ALARMS = (
    _window("score", "inferwatch_score", ("subject", "feature", "statistic", "reference"),
        "-log of a probability", _WHOLE,
        "How rare a change is, calibrated on the reference: a score of s comes by chance about "
        "once in e^s windows."),
    Metric("score.threshold", "inferwatch_score_threshold", "gauge",
        ("model", "window", "reference", "rule"), "-log of a probability", _WHOLE,
        "What a window's largest score must pass to alarm: alone, or in two of three windows.",
        "model"),
    _window("drift.distance", "inferwatch_drift_distance",
        ("subject", "feature", "part", "method", "reference"), "see the method", _WHOLE,
        "Distance of the window to the whole reference, by the methods of the config; what decides "
        "is the score."),
    _window("drift.distance_threshold", "inferwatch_drift_distance_threshold",
        ("subject", "feature", "part", "method", "reference"), "see the method", _WHOLE,
        "Above what the distance is an alarm: a fixed threshold of the config, where it has one."),
    Metric("alarms", "inferwatch_alarms_total", "counter", ("model", "window", "reference"),
        "alarms", "One entry into alarm, or one of something new that crossed by itself.",
        "Alarms since the daemon started.", "model"),
    Metric("alarms_30d", "inferwatch_alarms_30d", "gauge", ("model", "window", "reference"),
        "alarms", "The 30 days of event time before the newest window.",
        "Alarms of the last 30 days, those before a restart too.", "model"),
    Metric("alarm.since", "inferwatch_alarm_since_timestamp_seconds", "gauge",
        ("model", "window", "reference"), "seconds", "The alarm that goes on.",
        "Event time of the end of the window in which the alarm began; none while there is none.",
        "model"),
    Metric("alarm.rarity", "inferwatch_alarm_rarity_days", "gauge",
        ("model", "window", "reference"), "days", "The newest flagged window of the alarm.",
        "A window like it comes by chance once in so many days, at most a million; none while "
        "there is no alarm, or only a fixed threshold was passed.", "model"),
    Metric("alarm.moved_first", "inferwatch_alarm_moved_first", "gauge",
        ("model", "window", "reference", "subject"), "1", "The alarm that goes on.",
        "1 for what crossed when the alarm began: input, output, software, or multivariate where "
        "the inputs did so only all together.", "model"),
    _window("alarm.cause", "inferwatch_alarm_cause",
        ("subject", "feature", "reference", "change", "rank", "side"), "see the label change",
        "The newest flagged window of the alarm that goes on.",
        "What led to the alarm, rank 1 the worst: the quantity in the reference, and now."),
    _model("alarm.budget", "inferwatch_alarm_budget_per_day", "As stated in the config.",
        "False alarms that the model may have in a day.", unit="alarms per day"),
    Metric("calibration.info", "inferwatch_calibration_info", "gauge",
        ("model", "reference", "certainty", "dependence", "daily"), "1", "Always 1.",
        "How the thresholds were calibrated: interpolated, extrapolated, provisional or "
        "uncalibrated; whether the panes depend on each other for too long; and how days are "
        "judged: off, conservative or calibrated.", "model"),
    Metric("reference.mean", "inferwatch_reference_mean", "gauge",
        ("model", "feature", "reference"), "feature's", _USABLE,
        "Mean of a feature in the reference.", "model"),
    Metric("reference.quantile", "inferwatch_reference_quantile", "gauge",
        ("model", "feature", "reference", "q"), "feature's", _USABLE,
        "Quantile of a feature in the reference.", "model"),
    Metric("reference.missing_ratio", "inferwatch_reference_missing_ratio", "gauge",
        ("model", "feature", "reference"), "ratio", "Rows of the reference.",
        "Share of rows of the reference in which a feature is missing.", "model"),
    Metric("reference.panes", "inferwatch_reference_panes", "gauge", ("model", "reference"),
        "panes", "Incidents are left out.", "Panes of the reference that could be judged.",
        "model"),
    Metric("reference.end", "inferwatch_reference_end_timestamp_seconds", "gauge",
        ("model", "reference"), "seconds", "The newest pane of the reference.",
        "Event time at which the span of the reference ends.", "model"),
    Metric("expected.rows", "inferwatch_expected_rows", "gauge", ("model", "reference"), "rows",
        "The hour of the wall clock, in the time zone of the model.",
        "Rows that the reference had on average in such an hour: of the day, or of the week, where "
        "its volume has a season.", "model"),
)

_MODELS = (
    Metric("model.info", "inferwatch_model_info", "gauge", ("model", "timezone"), "1", "Always 1.",
        "A model of the config, and where its days begin.", "model"),
    Metric("version.first_seen", "inferwatch_version_first_seen_timestamp_seconds", "gauge",
        ("model", "version"), "seconds", "The version's first row.",
        "Event time of the first row of a version, until it is forgotten.", "model"),
    _model("late.rows", "inferwatch_late_rows_total",
        "One row that came after its pane was no longer kept; it is in no window.",
        "Rows that came too late for their window.", unit="rows", kind="counter"),
    _model("revisions", "inferwatch_revisions_total",
        "One pane that was published again with rows accepted after its first close.",
        "Windows published again after late rows.", unit="revisions", kind="counter"),
    _model("process.up", "inferwatch_process_up", "The model server's process.",
        "1 while the model server's process is there, else 0.", unit="0 or 1"),
    _model("process.memory_bytes", "inferwatch_process_memory_bytes", _TREE,
        "Resident memory of the model server.", unit="bytes"),
    _model("process.cpu_seconds", "inferwatch_process_cpu_seconds_total",
        "The process and its children, finished ones included.",
        "Processor time of the model server.", unit="seconds", kind="counter"),
    _model("process.threads", "inferwatch_process_threads", _TREE, "Threads of the model server.",
        unit="threads"),
    _model("process.open_files", "inferwatch_process_open_files", _TREE,
        "Open file descriptors of the model server.", unit="descriptors"),
    _model("process.gpu_memory_bytes", "inferwatch_process_gpu_memory_bytes", _TREE,
        "GPU memory of the model server, over all GPUs of the machine.", unit="bytes"),
)

_LIMITS = (
    *_limits((*_SOFTWARE, *_INPUTS, *_OUTPUTS, *_MODELS)),
    _model("process.cpu_ratio.max", "inferwatch_process_cpu_ratio_threshold",
        "As stated in the config.", "Most processor cores that the model server may keep busy: a "
        "limit of the config, where it has one.", unit="cores"),
    _model("silence.max", "inferwatch_silence_seconds_threshold",
        "As stated in the config; 15 minutes where it says nothing and the model has a reference.",
        "Longest time that a model may be without an inference, in hours that have any.",
        unit="seconds"),
)

_REPORTS = (
    Metric("report.end", "inferwatch_report_window_end_timestamp_seconds", "gauge", ("model",),
        "seconds", "The newest report.", "Event time at which the span of the report ends.",
        "model"),
    Metric("report.rows", "inferwatch_report_rows", "gauge", ("model", "side"), "rows",
        "The newest report.", "Rows that it was made from, of the span and of the reference.",
        "model"),
    Metric("report.drifted", "inferwatch_report_drifted_columns_ratio", "gauge", ("model",),
        "ratio", "Columns that Evidently could compare.",
        "Share of columns that drifted by Evidently's own rule, which is no verdict.", "model"),
    Metric("report.domain_auc", "inferwatch_report_domain_classifier_auc", "gauge", ("model",),
        "0.5 (not at all) to 1 (always)", "Rows held out.",
        "How well a classifier tells the span's rows from those of the reference.", "model"),
    Metric("report.domain_as_far", "inferwatch_report_domain_classifier_as_far_ratio", "gauge",
        ("model",), "ratio", "Parts of the reference as long as the span.",
        "Share of the reference's own parts that are told from the rest of it at least that well.",
        "model"),
    Metric("report.value", "inferwatch_report_test_value", "gauge", ("model", "feature", "method"),
        "see the method", "Rows of the report that have a value.",
        "What a test of Evidently's gives, by `evidently:NAME` of the config: a p-value or a "
        "distance, as it is.", "model"),
)

_MONITOR = (
    _monitor("records", "inferwatch_records_total", ("topic", "outcome"),
        "One record, or one item of a record that is a list.",
        "Records read, by what became of them; nothing is dropped uncounted.", unit="records",
        kind="counter"),
    _monitor("dead_letters", "inferwatch_dead_letters_total", ("outcome",),
        "One record, or one item of a record, that could not be used.",
        "Records for the dead-letter place: kept, dropped for want of room or beyond the rate, or "
        "failed.", unit="letters", kind="counter"),
    _monitor("consumer.lag_records", "inferwatch_consumer_lag_records", ("topic", "partition"),
        "Records between the position and the last known end of the partition.",
        "Records not read yet.", unit="records"),
    _monitor("consumer.lag_seconds", "inferwatch_consumer_lag_seconds", ("topic", "partition"),
        "The newest record read, by the broker's timestamp; 0 at the end of the partition.",
        "Age of the newest record read.", unit="seconds"),
    _monitor("collector.duration", "inferwatch_collector_duration_seconds", ("model", "collector"),
        "All rows since the start.",
        "Seconds that the collector has worked since the daemon started.", unit="seconds"),
    _monitor("collector.success", "inferwatch_collector_success", ("model", "collector"),
        "The newest rows.",
        "1 if the collector took in its last rows, 0 if it failed and is incomplete.",
        unit="0 or 1"),
    _monitor("series_dropped", "inferwatch_series_dropped_total", ("model", "label"),
        "One update whose label value was new when the cap of its label was full.",
        "Updates that went to the label value __other__ because of a cap.",
        unit="updates", kind="counter"),
    _monitor("checkpoint.timestamp", "inferwatch_checkpoint_timestamp_seconds", (),
        "The newest durable checkpoint.",
        "Wall time at which the state was taken that a restart would go on from.", unit="seconds"),
    _monitor("checkpoint.pause", "inferwatch_checkpoint_pause_seconds", (),
        "The newest checkpoint.", "How long reading stopped while the state was taken.",
        unit="seconds"),
    _monitor("checkpoint.bytes", "inferwatch_checkpoint_size_bytes", (),
        "The newest checkpoint.", "Size of the checkpoint file.", unit="bytes"),
    _monitor("checkpoint.unsaved_panes", "inferwatch_checkpoint_unsaved_panes", (),
        "Closed panes, revisions and events.",
        "Closed panes and events that are not on disk yet; reading stops where there are too many.",
        unit="panes and events"),
    _monitor("checkpoint.failures", "inferwatch_checkpoint_failures_total", (),
        "One try.", "Tries to write the state that failed.", unit="tries", kind="counter"),
    _monitor("archive.bytes", "inferwatch_archive_size_bytes", (),
        "Files of closed windows and of events, at the start or after the last compaction.",
        "Size of the archive's files.", unit="bytes"),
    _monitor("archive.files", "inferwatch_archive_files", (),
        "Files of closed windows and of events, at the start or after the last compaction.",
        "Files of the archive.", unit="files"),
    _monitor("archive.removed", "inferwatch_archive_removed_total", (),
        "One day of one model, or of events.",
        "Days of the archive that were older than it is kept, and removed.",
        unit="days", kind="counter"),
    _monitor("config.reload_successful", "inferwatch_config_last_reload_successful", (),
        "The newest reload; the start counts as one.",
        "1 if the newest config was taken over, 0 if it was refused and the old one stays.",
        unit="0 or 1"),
    _monitor("config.reload_timestamp", "inferwatch_config_last_reload_success_timestamp_seconds",
        (), "The newest reload that was taken over.",
        "Wall time at which the running config was taken over.", unit="seconds"),
    _monitor("job.last_success", "inferwatch_job_last_success_timestamp_seconds", ("task",),
        "The newest run that ended well.", "Wall time at which the job last ended well.",
        unit="seconds"),
    _monitor("job.duration", "inferwatch_job_duration_seconds", ("task",),
        "The newest run.", "How long the job's last run took.", unit="seconds"),
    _monitor("job.failures", "inferwatch_job_failures_total", ("task",),
        "One run.", "Runs of the job that failed.", unit="runs", kind="counter"),
    _monitor("build_info", "inferwatch_build_info", ("version", "python"), "Always 1.",
        "Version of inferwatch, and of the Python that runs it.", unit="1"),
)

# fmt: on

METRICS: tuple[Metric, ...] = (
    *_SOFTWARE,
    *_INPUTS,
    *_OUTPUTS,
    *_WINDOWS,
    *_ALARMS,
    *_MODELS,
    *_LIMITS,
    *_REPORTS,
    *_MONITOR,
)

BY_STATISTIC: Mapping[str, Metric] = MappingProxyType({m.statistic: m for m in METRICS})
"""Every metric by its statistic id."""
