"""Monitor: inferwatch itself, and its alarm budget."""

from __future__ import annotations

from dashboards.build.board import About, Board, datasource
from dashboards.build.palette import BLUE, GREEN, GREY, LINES, PURPLE, VERMILLION
from dashboards.build.panels import Panel, Query, limit, lines, named, number, states
from dashboards.build.queries import ranked, share
from dashboards.build.tables import Column, Order, table

ABOUT = About(
    "monitor",
    "inferwatch / Monitor",
    "inferwatch itself: what it reads and loses, its state on disk, its jobs, and its alarm "
    "budget.",
    "6h",
)

_SPAN = "[$__rate_interval]"
_READ = f"sum(rate(inferwatch_records_total{_SPAN}))"
_UNUSED = f'sum(rate(inferwatch_records_total{{outcome!="ok"}}{_SPAN}))'
_ALARMS = "sum by (model) (inferwatch_alarms_30d)"
_BUDGET = "30 * sum by (model) (inferwatch_alarm_budget_per_day)"


def board() -> Board:
    """The board."""
    made = Board(ABOUT, [datasource()])
    made.panels(*_numbers())
    made.row("Alarm budget", _budget(), _spent())
    made.row("Reading", _records(), _unused(), _lag(), _lag_time())
    made.row("What was lost or late", _letters(), _fields(), _late(), _capped())
    made.row("State on disk", _checkpoint(), _pause(), _sizes(), _archive())
    made.row("Collectors and jobs", _collectors(), _work(), _jobs(), _failures())
    return made


def _numbers() -> list[Panel]:
    return [
        number("Daemons", "Instances of inferwatch that are scraped, by version.", "none",
            Query("count by (version) (inferwatch_build_info)", "{{version}}"),
            empty="none is scraped"),
        number("Lag", "Records not read yet, of all partitions.", "short",
            Query("sum(inferwatch_consumer_lag_records)"), empty="no partition"),
        number("Checkpoint age", "Since the newest durable checkpoint of the instance that is "
            "furthest behind: what a restart would read again.", "s",
            Query("time() - min(inferwatch_checkpoint_timestamp_seconds)"), empty="none yet",
            bad_from=300),
        number("Config", "Whether the newest reload of the config was taken over, by all "
            "instances.",
            "none", Query("min(inferwatch_config_last_reload_successful)"), empty="unknown",
            mappings=[named({"1": ("taken over", BLUE), "0": ("refused", VERMILLION)})]),
        number("Collectors failing", "Collectors that failed at their last rows, and are "
            "incomplete.",
            "none", Query("sum(1 - inferwatch_collector_success)"), empty="no model yet",
            bad_from=1),
        number("Config taken over", "When the running config was taken over.", "dateTimeFromNow",
            Query("1000 * max(inferwatch_config_last_reload_success_timestamp_seconds)"),
            empty="unknown"),
    ]  # fmt: skip


def _budget() -> Panel:
    return table(
        "Alarms of 30 days by budget",
        "Alarms of the 30 days of event time before the newest window, true ones among them, and "
        "the false ones that the model may have. More than 1 over a quiet month means that the "
        "reference is too short, or of another time.",
        [
            _ALARMS,
            _BUDGET,
            share(_ALARMS, f"({_BUDGET})"),
            "max by (model) (inferwatch_alarms_total)",
        ],
        [
            Column("model", "Model"),
            Column("alarms", "Alarms", 0, "none", 0, 90),
            Column("budget", "Budget", 1, "none", 1, 90),
            Column("used", "Used", 2, "percentunit", 0, 90),
            Column("started", "Since the start", 3, "none", 0, 120),
        ],
        order=[Order("Used")],
        empty="no model has a calibrated reference",
    )


def _spent() -> Panel:
    used = share(_ALARMS, f"({_BUDGET})")
    most = ranked(used, "model", 4)
    return lines(
        "Alarms of 30 days by budget, the four worst models",
        "1 is the whole budget. A storm that was real passes it, and should.",
        "percentunit",
        *[Query(one, "{{model}}", color) for one, color in zip(most, LINES, strict=True)],
        limit("vector(1)", "budget"),
        empty="no model has a calibrated reference",
        least=0,
    )


def _records() -> Panel:
    return lines(
        "Records read",
        "Records, and what could not be used of them, whatever the reason.",
        "reqps",
        Query(_READ, "read", BLUE),
        Query(_UNUSED, "not usable", VERMILLION, "dash"),
        empty="nothing is read",
        least=0,
    )


def _unused() -> Panel:
    by = "inferwatch_records_total"
    rate = f'sum by (outcome) (rate({by}{{outcome!="ok"}}{_SPAN}))'
    most = ranked(rate, "outcome", 4)
    return lines(
        "Records that were not usable, by reason",
        "By what became of them: malformed, too large, of the future, late, lost and others.",
        "reqps",
        *[Query(one, "{{outcome}}", color) for one, color in zip(most, LINES, strict=True)],
        empty="every record was usable",
        least=0,
    )


def _lag() -> Panel:
    return lines(
        "Records not read yet",
        "Between the position and the last known end: all partitions, and the one furthest behind.",
        "short",
        Query("sum(inferwatch_consumer_lag_records)", "all partitions", BLUE),
        Query("max(inferwatch_consumer_lag_records)", "the worst", PURPLE, "dash"),
        empty="no partition is read",
        least=0,
    )


def _lag_time() -> Panel:
    lag = "max by (topic) (inferwatch_consumer_lag_seconds)"
    most = ranked(lag, "topic", 4)
    return lines(
        "Age of the newest record read, by topic",
        "By the broker's clock; 0 at the end of a partition.",
        "s",
        *[Query(one, "{{topic}}", color) for one, color in zip(most, LINES, strict=True)],
        empty="no partition is read",
        least=0,
    )


def _letters() -> Panel:
    rate = f"sum by (outcome) (rate(inferwatch_dead_letters_total{_SPAN}))"
    most = ranked(rate, "outcome", 3)
    return lines(
        "Dead letters",
        "Records for the dead-letter place: kept, dropped for want of room or beyond the rate, "
        "failed.",
        "reqps",
        *[Query(one, "{{outcome}}", color) for one, color in zip(most, LINES, strict=False)],
        span=6,
        empty="no dead letter",
        least=0,
    )


def _fields() -> Panel:
    by = "inferwatch_field_invalid_total"
    rate = f"sum by (field) (rate({by}{_SPAN}))"
    most = ranked(rate, "field", 3)
    return lines(
        "Fields that could not be read",
        "Time, latency, version, prediction and others that were there and could not be read.",
        "reqps",
        *[Query(one, "{{field}}", color) for one, color in zip(most, LINES, strict=False)],
        span=6,
        empty="every field could be read",
        least=0,
    )


def _late() -> Panel:
    return lines(
        "Late rows",
        "Rows in no window because they came too late, and windows published again.",
        "reqps",
        Query(f"sum(rate(inferwatch_late_rows_total{_SPAN}))", "late rows", VERMILLION),
        Query(f"sum(rate(inferwatch_revisions_total{_SPAN}))", "revisions", BLUE),
        span=6,
        empty="no row came late",
        least=0,
    )


def _capped() -> Panel:
    return table(
        "Label values beyond a cap",
        "Updates that went to `__other__` because a label had as many values as its cap allows.",
        ["sum by (model, label) (inferwatch_series_dropped_total)"],
        [
            Column("model", "Model"),
            Column("label", "Label", width=80),
            Column("updates", "Updates", 0, "short", 0, 80, bad_from=1),
        ],
        order=[Order("Updates")],
        span=6,
        empty="no model yet",
    )


def _checkpoint() -> Panel:
    return lines(
        "Age of the checkpoint",
        "Since the newest durable checkpoint, and panes and events that are not on disk yet.",
        "s",
        Query("time() - min(inferwatch_checkpoint_timestamp_seconds)", "age", BLUE),
        Query("max(inferwatch_checkpoint_unsaved_panes)", "unsaved", PURPLE, "dash", right="short"),
        span=6,
        empty="no checkpoint yet",
        least=0,
    )


def _pause() -> Panel:
    return lines(
        "Checkpoints",
        "How long reading stopped for the newest one, and tries that failed.",
        "s",
        Query("max(inferwatch_checkpoint_pause_seconds)", "pause", BLUE),
        Query(f"sum(increase(inferwatch_checkpoint_failures_total{_SPAN}))", "failed tries",
            VERMILLION, "dash", right="short"),
        span=6,
        empty="no checkpoint yet",
        least=0,
    )  # fmt: skip


def _sizes() -> Panel:
    return lines(
        "Room on disk",
        "Of the archive after its last compaction, and of the newest checkpoint.",
        "bytes",
        Query("sum(inferwatch_archive_size_bytes)", "archive", BLUE),
        Query("sum(inferwatch_checkpoint_size_bytes)", "checkpoint", GREEN),
        span=6,
        empty="nothing is on disk yet",
        least=0,
    )


def _archive() -> Panel:
    return lines(
        "Files of the archive",
        "After the last compaction, and days that were too old and are removed.",
        "short",
        Query("sum(inferwatch_archive_files)", "files", BLUE),
        Query("sum(inferwatch_archive_removed_total)", "days removed", GREY, "dash"),
        span=6,
        empty="nothing is archived yet",
        least=0,
    )


def _collectors() -> Panel:
    return states(
        "Collectors",
        "Whether each collector took in its last rows; one that failed is incomplete.",
        Query(
            "min by (model, collector) (inferwatch_collector_success)", "{{model}} {{collector}}"
        ),
        named({"1": ("ok", BLUE), "0": ("failed", VERMILLION)}),
        span=12,
        height=8,
        empty="no model yet",
    )


def _work() -> Panel:
    spent = f"sum by (collector) (rate(inferwatch_collector_duration_seconds{_SPAN}))"
    return lines(
        "Work of collectors",
        "Seconds of work in a second, of all models: 1 is a whole core.",
        "none",
        *[
            Query(one, "{{collector}}", color)
            for one, color in zip(ranked(spent, "collector", 4), LINES, strict=True)
        ],
        empty="no model yet",
        least=0,
    )


def _jobs() -> Panel:
    last = "max by (task) (inferwatch_job_last_success_timestamp_seconds)"
    return table(
        "Jobs",
        "What is done by the clock: since when each has not ended well, and how long it took.",
        [
            "sum by (task) (inferwatch_job_failures_total)",
            f"time() - {last}",
            "max by (task) (inferwatch_job_duration_seconds)",
        ],
        [
            Column("task", "Job"),
            Column("last", "Last success", 1, "s", 0, 130),
            Column("took", "Took", 2, "s", 2, 100),
            Column("failed", "Failed runs", 0, "none", 0, 110, bad_from=1),
        ],
        order=[Order("Failed runs")],
        empty="no job ran yet",
    )


def _failures() -> Panel:
    by = "inferwatch_job_failures_total"
    rate = f"sum by (task) (increase({by}[1h]))"
    return lines(
        "Failed runs of jobs in an hour",
        "A job that fails is counted and said in the log; it stops nothing else.",
        "short",
        *[
            Query(one, "{{task}}", color)
            for one, color in zip(ranked(rate, "task", 4), LINES,
                strict=True)
        ],
        empty="no job ran yet",
        least=0,
    )  # fmt: skip
