"""Tables: queries side by side, a row for each set of labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import common
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import table as tables
from grafana_foundation_sdk.models import common as kinds
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from dashboards.build.palette import BLUE
from dashboards.build.panels import (
    WITHOUT,
    Query,
    finish,
    fixed,
    lettered,
    steps_from,
    target_of,
)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        name: of the label that it shows; of a value where `query` is given.
        query: place of its query among those of the table, from 0; -1 for a label.
        shown: whether it is; a label may be there for a link alone.
    """

    name: str
    title: str = ""
    query: int = -1
    unit: str = ""
    decimals: int | None = None
    width: int | None = None
    bad_from: float | None = None
    mappings: Sequence[model.ValueMapping] = ()
    links: Sequence[build.DashboardLink] = ()
    shown: bool = True


@dataclass(frozen=True, slots=True)
class Order:
    """By what a table is sorted, the largest first unless said otherwise."""

    title: str
    descending: bool = True


def table(
    title: str,
    description: str,
    queries: Sequence[str],
    columns: Sequence[Column],
    *,
    order: Sequence[Order] = (),
    span: int = 12,
    height: int = 8,
    empty: str = WITHOUT,
    unit: str = "none",
) -> tables.Panel:
    """Queries beside one another, joined by the labels that all of them have.

    Each query gives a table at the end of the span; a row has all that has the same labels.
    """
    panel = (
        tables.Panel()
        .show_header(True)
        .cell_height(kinds.TableCellHeight.SM)
        .filterable(False)
        .color_scheme(fixed(BLUE))
        .sort_by(
            [
                common.TableSortByFieldState().display_name(one.title).desc(one.descending)
                for one in order
            ]
        )
    )
    for ref, expression in lettered(queries):
        target = target_of(Query(expression), ref)
        panel.with_target(target.instant().format(PromQueryFormat.TABLE))
    if len(queries) > 1:
        panel.with_transformation(model.DataTransformerConfig("merge", options={}))
    fields = [_field(column, len(queries)) for column in columns]
    panel.with_transformation(
        model.DataTransformerConfig(
            "organize",
            options={
                "excludeByName": {"Time": True}
                | {name: True for name in _values(queries) if name not in fields},
                "indexByName": {name: place for place, name in enumerate(fields)},
                "renameByName": {
                    name: column.title
                    for name, column in zip(fields, columns, strict=True)
                    if column.title
                },
            },
        )
    )
    for column in columns:
        panel.override_by_name(column.title or column.name, _cells(column))
    return finish(panel, title, description, unit, span, height, empty)


def _values(queries: Sequence[str]) -> list[str]:
    return ["Value"] if len(queries) == 1 else [f"Value #{ref}" for ref, _ in lettered(queries)]


def _field(column: Column, queries: int) -> str:
    """The name of a column as the queries give it."""
    if column.query < 0:
        return column.name
    return "Value" if queries == 1 else f"Value #{chr(ord('A') + column.query)}"


def _cells(column: Column) -> list[model.DynamicConfigValue]:
    found = []
    if column.unit:
        found.append(model.DynamicConfigValue("unit", column.unit))
    if column.decimals is not None:
        found.append(model.DynamicConfigValue("decimals", column.decimals))
    if column.width is not None:
        found.append(model.DynamicConfigValue("custom.width", column.width))
    if column.bad_from is not None:
        steps = steps_from(column.bad_from, "transparent").build()
        found.append(model.DynamicConfigValue("thresholds", steps))
        found.append(model.DynamicConfigValue("color", {"mode": "thresholds"}))
    if column.mappings:
        found.append(model.DynamicConfigValue("mappings", list(column.mappings)))
    if column.bad_from is not None or column.mappings:
        cell = {"type": "color-background", "mode": "basic"}
        found.append(model.DynamicConfigValue("custom.cellOptions", cell))
    if column.links:
        built = [one.build() for one in column.links]
        found.append(model.DynamicConfigValue("links", built))
    if not column.shown:
        found.append(model.DynamicConfigValue("custom.hidden", True))
    return found
