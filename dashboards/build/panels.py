"""Panels: small helpers, so that each has a unit, a description, and words where it is empty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, TypeVar

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    prometheus,
    stat,
    statetimeline,
    timeseries,
)
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import table as tables
from grafana_foundation_sdk.models import common as kinds
from grafana_foundation_sdk.models import dashboard as model

from dashboards.build.palette import BLUE, GREY, VERDICTS, VERMILLION

Style = Literal["solid", "dash", "dot"]
Panel: TypeAlias = (
    timeseries.Panel | stat.Panel | tables.Panel | bargauge.Panel | statetimeline.Panel
)

AnyPanel = TypeVar("AnyPanel", bound=Panel)

DATASOURCE = kinds.DataSourceRef(type_val="prometheus", uid="${datasource}")

TOGETHER = 2 * 60 * 60 * 1000
"""Gaps up to two hours (ms) are drawn over: in an imported history a window is one sample."""

WITHOUT = "no data in this span"
"""What an empty panel says where nothing better is known."""


@dataclass(frozen=True, slots=True)
class Query:
    """One query of a panel.

    Attributes:
        legend: name of its series; `{{label}}` stands for a label's value.
        color: of its lines; without one they are as the panel has it.
        right: the unit of an axis of its own on the right; "" for none.
    """

    expression: str
    legend: str = ""
    color: str = ""
    style: Style = "solid"
    right: str = ""


def limit(expression: str, legend: str = "limit") -> Query:
    """A limit: dashed, in one colour on every panel."""
    return Query(expression, legend, VERMILLION, "dash")


def reference(expression: str, legend: str) -> Query:
    """What the reference has: dotted and grey."""
    return Query(expression, legend, GREY, "dot")


def link(title: str, url: str) -> build.DashboardLink:
    """A link that a click on a value offers."""
    return build.DashboardLink(title).url(url)


def lines(
    title: str,
    description: str,
    unit: str,
    *queries: Query,
    span: int = 12,
    height: int = 8,
    empty: str = WITHOUT,
    least: float | None = None,
    most: float | None = None,
    links: Sequence[build.DashboardLink] = (),
) -> timeseries.Panel:
    """Lines over time."""
    panel = (
        timeseries.Panel()
        .tooltip(
            common.VizTooltipOptions()
            .mode(kinds.TooltipDisplayMode.MULTI)
            .sort(kinds.SortOrder.DESCENDING)
        )
        .legend(_legend(wide=span >= 12))
        .line_width(2)
        .fill_opacity(0)
        .show_points(kinds.VisibilityMode.AUTO)
        .span_nulls(TOGETHER)
        .color_scheme(fixed(BLUE))
        .data_links(list(links))
    )
    if least is not None:
        panel.min(least)
    if most is not None:
        panel.axis_soft_max(most)
    for ref, query in lettered(queries):
        panel.with_target(target_of(query, ref))
        panel.override_by_query(ref, _line(query))
    return finish(panel, title, description, unit, span, height, empty)


def number(
    title: str,
    description: str,
    unit: str,
    *queries: Query,
    span: int = 4,
    height: int = 4,
    empty: str = "none",
    bad_from: float | None = None,
    mappings: Sequence[model.ValueMapping] = (),
    names: bool = False,
    decimals: int | None = None,
    links: Sequence[build.DashboardLink] = (),
) -> stat.Panel:
    """One number, or one of each query, as it is at the end of the span.

    Args:
        bad_from: from where on it has the colour of what is wrong.
        names: whether the name of the series is what is shown.
    """
    several = len(queries) > 1 or names
    panel = (
        stat.Panel()
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
        .graph_mode(kinds.BigValueGraphMode.NONE)
        .color_mode(
            kinds.BigValueColorMode.BACKGROUND
            if mappings
            else kinds.BigValueColorMode.NONE
            if bad_from is None
            else kinds.BigValueColorMode.VALUE
        )
        .orientation(kinds.VizOrientation.AUTO)
        .text_mode(
            kinds.BigValueTextMode.NAME
            if names
            else kinds.BigValueTextMode.VALUE_AND_NAME
            if several or "{{" in queries[0].legend
            else kinds.BigValueTextMode.VALUE
        )
        .thresholds(steps_from(bad_from, "text"))
        .color_scheme(build.FieldColor().mode(model.FieldColorModeId.THRESHOLDS))
        .mappings(list(mappings))
        .data_links(list(links))
    )
    if decimals is not None:
        panel.decimals(decimals)
    for ref, query in lettered(queries):
        panel.with_target(target_of(query, ref).instant())
    return finish(panel, title, description, unit, span, height, empty)


def bars(
    title: str,
    description: str,
    unit: str,
    query: Query,
    *,
    span: int = 12,
    height: int = 8,
    empty: str = WITHOUT,
    bad_from: float | None = None,
    links: Sequence[build.DashboardLink] = (),
) -> bargauge.Panel:
    """A bar for each series, as it is at the end of the span, in the order of the query."""
    panel = (
        bargauge.Panel()
        .orientation(kinds.VizOrientation.HORIZONTAL)
        .display_mode(kinds.BarGaugeDisplayMode.BASIC)
        .value_mode(kinds.BarGaugeValueMode.TEXT)
        .show_unfilled(True)
        .min_viz_height(16)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
        .thresholds(steps_from(bad_from))
        .color_scheme(build.FieldColor().mode(model.FieldColorModeId.THRESHOLDS))
        .min(0)
        .decimals(2)
        .data_links(list(links))
        .with_target(target_of(query, "A").instant())
    )
    return finish(panel, title, description, unit, span, height, empty)


def states(
    title: str,
    description: str,
    query: Query,
    mapping: model.ValueMapping,
    *,
    span: int = 24,
    height: int = 6,
    empty: str = WITHOUT,
    links: Sequence[build.DashboardLink] = (),
) -> statetimeline.Panel:
    """A lane for each series, with its state written on it."""
    panel = (
        statetimeline.Panel()
        .mappings([mapping])
        .color_scheme(fixed(GREY))
        .merge_values(True)
        .show_value(kinds.VisibilityMode.AUTO)
        .row_height(0.85)
        .fill_opacity(85)
        .line_width(1)
        .align_value(kinds.TimelineValueAlignment.LEFT)
        .legend(common.VizLegendOptions().show_legend(False))
        .tooltip(common.VizTooltipOptions().mode(kinds.TooltipDisplayMode.SINGLE))
        .data_links(list(links))
        .with_target(target_of(query, "A"))
    )
    return finish(panel, title, description, "none", span, height, empty)


def verdicts() -> model.ValueMapping:
    """The names and colours of verdicts, as `queries.verdict` numbers them."""
    return named({str(number): (name, color) for name, (number, color) in VERDICTS.items()})


def named(values: Mapping[str, tuple[str, str]]) -> model.ValueMapping:
    """Words and colours for values."""
    return model.ValueMap(
        {
            value: model.ValueMappingResult(text=text.replace("_", " "), color=color, index=place)
            for place, (value, (text, color)) in enumerate(values.items())
        }
    )


def finish(
    panel: AnyPanel, title: str, description: str, unit: str, span: int, height: int, empty: str
) -> AnyPanel:
    """What every panel has: its words, its unit, its size."""
    panel.title(title).description(description).datasource(DATASOURCE)
    panel.unit(unit).no_value(empty).span(span).height(height)
    return panel


def lettered(queries: Sequence[Any]) -> list[tuple[str, Any]]:
    """Queries as Grafana names them: A, B, C and so on."""
    return [(chr(ord("A") + place), query) for place, query in enumerate(queries)]


def target_of(query: Query, ref: str) -> prometheus.Dataquery:
    """A query as Prometheus' data source of Grafana takes it."""
    target = prometheus.Dataquery().expr(query.expression).ref_id(ref).datasource(DATASOURCE)
    target.range()
    return target.legend_format(query.legend) if query.legend else target


def _legend(*, wide: bool) -> common.VizLegendOptions:
    """With numbers where there is room for them."""
    mode = kinds.LegendDisplayMode.TABLE if wide else kinds.LegendDisplayMode.LIST
    made = common.VizLegendOptions().display_mode(mode).show_legend(True)
    made.placement(kinds.LegendPlacement.BOTTOM)
    return made.calcs(["lastNotNull", "max"] if wide else [])


def fixed(color: str) -> build.FieldColor:
    """One colour for everything that has none of its own."""
    return build.FieldColor().mode(model.FieldColorModeId.FIXED).fixed_color(color)


def _line(query: Query) -> list[model.DynamicConfigValue]:
    dashes = {"dash": [10, 10], "dot": [2, 8]}
    found = []
    if query.color:
        color = {"mode": "fixed", "fixedColor": query.color}
        found.append(model.DynamicConfigValue("color", color))
    if query.style != "solid":
        style = {"fill": "dash", "dash": dashes[query.style]}
        found.append(model.DynamicConfigValue("custom.lineStyle", style))
        found.append(model.DynamicConfigValue("custom.showPoints", "never"))
    if query.right:
        found.append(model.DynamicConfigValue("custom.axisPlacement", "right"))
        found.append(model.DynamicConfigValue("unit", query.right))
    return found


def steps_from(bad_from: float | None, good: str = BLUE) -> build.ThresholdsConfig:
    """A colour from a value on, and below it another."""
    steps = [model.Threshold(value=None, color=good)]
    if bad_from is not None:
        steps.append(model.Threshold(value=bad_from, color=VERMILLION))
    return build.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(steps)
