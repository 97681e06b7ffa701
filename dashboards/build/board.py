"""A board: its variables, links and annotations, and the grid that its panels lie on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as kinds
from grafana_foundation_sdk.models import dashboard as model

from dashboards.build.annotations import marks
from dashboards.build.panels import Panel

WIDTH = 24
"""Columns of Grafana's grid."""

TAG = "inferwatch"


@dataclass(frozen=True, slots=True)
class About:
    """What a board is called, and where it begins.

    Attributes:
        name: the last part of its uid, and the name of its file.
        span: how far back it looks at first.
    """

    name: str
    title: str
    description: str
    span: str

    @property
    def uid(self) -> str:
        """As links name it."""
        return f"inferwatch-{self.name}"


class Board:
    """Puts panels on the grid from the top, row by row, each with a number of its own."""

    def __init__(
        self, about: About, variables: Sequence[Any], *, of_one_model: bool = False
    ) -> None:
        self.about = about
        self._y = 0
        self._next = 1
        self._board = (
            build.Dashboard(about.title)
            .uid(about.uid)
            .description(about.description)
            .tags([TAG])
            .timezone("browser")
            .time(f"now-{about.span}", "now")
            .refresh("1m")
            .tooltip(model.DashboardCursorSync.CROSSHAIR)
            .variables(list(variables))
            .annotations(marks(of_one_model=of_one_model))
            .link(
                build.DashboardLink("inferwatch")
                .type(model.DashboardLinkType.DASHBOARDS)
                .tags([TAG])
                .keep_time(True)
                .include_vars(True)
                .tooltip("the other boards, with the same time and variables")
            )
        )

    def panels(self, *panels: Panel) -> None:
        """The next panels, from left to right."""
        for panel in panels:
            self._board.with_panel(panel)
        built = self._board.build().panels or []
        self._y = self._place(built[len(built) - len(panels) :], self._y)

    def row(self, title: str, *panels: Panel, folded: bool = False) -> None:
        """A row with a title above these panels; where it is folded they open by a click."""
        row = build.Row(title).collapsed(folded).id(self._number())
        row.grid_pos(model.GridPos(h=1, w=WIDTH, x=0, y=self._y))
        self._y += 1
        if not folded:
            self._board.with_row(row)
            self.panels(*panels)
            return
        for panel in panels:
            row.with_panel(panel)
        self._place(row.build().panels, self._y)
        self._board.with_row(row)

    def text(self) -> str:
        """The JSON that Grafana takes."""
        data = json.loads(json.dumps(self._board.build(), cls=JSONEncoder))
        return json.dumps(data, indent=2, ensure_ascii=False) + "\n"

    def _place(self, panels: Sequence[Any], top: int) -> int:
        """Put panels on the grid below `top`, and give them numbers; where they end."""
        x, y, end = 0, top, top
        for panel in panels:
            width, height = panel.grid_pos.w, panel.grid_pos.h
            if x + width > WIDTH:
                x, y = 0, end
            panel.grid_pos = model.GridPos(h=height, w=width, x=x, y=y)
            panel.id_val = self._number()
            x, end = x + width, max(end, y + height)
        return end

    def _number(self) -> int:
        self._next += 1
        return self._next - 1


def datasource() -> build.DatasourceVariable:
    """Which Prometheus is asked."""
    return (
        build.DatasourceVariable("datasource")
        .label("Prometheus")
        .description("The Prometheus that scrapes inferwatch.")
        .type("prometheus")
    )


def variable(
    name: str, label: str, description: str, query: str, *, first: str = "", pattern: str = ""
) -> build.QueryVariable:
    """A variable whose values Prometheus knows.

    Args:
        first: what is chosen at first, where it is among them.
        pattern: what of each answer is the value.
    """
    made = (
        build.QueryVariable(name)
        .label(label)
        .description(description)
        .datasource(kinds.DataSourceRef(type_val="prometheus", uid="${datasource}"))
        # 5 is a query as it is written here, without the editor's parts of it.
        .query(
            {"query": query, "qryType": 5, "refId": "PrometheusVariableQueryEditor-VariableQuery"}
        )
        .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(model.VariableSort.DISABLED if pattern else model.VariableSort.ALPHABETICAL_ASC)
        .regex(pattern)
        .multi(False)
        .include_all(False)
    )
    if first:
        made.current(model.VariableOption(text=first, value=first, selected=True))
    return made


def model_of() -> build.QueryVariable:
    """Which model is looked at."""
    what = '{__name__=~"inferwatch_model_info|inferwatch_window_rows"}'
    return variable("model", "Model", "The model.", f"label_values({what}, model)")


def window_of(selector: str = "") -> build.QueryVariable:
    """Which length of window is looked at."""
    return variable(
        "window",
        "Window",
        "Length of the windows that gauges, scores and verdicts are of.",
        f"label_values(inferwatch_window_rows{selector}, window)",
        first="1h",
    )


def version_of() -> build.QueryVariable:
    """Which version is looked at, the newest first."""
    seen = 'inferwatch_version_first_seen_timestamp_seconds{model="$model"}'
    return variable(
        "version",
        "Version",
        "The version, newest first. Inputs are judged over all versions.",
        f"query_result(sort_desc(max by (version) ({seen})))",
        pattern='/version="([^"]*)"/',
    )


def beside_of() -> build.QueryVariable:
    """Which version is shown beside it, the newest of the others first."""
    seen = 'inferwatch_version_first_seen_timestamp_seconds{model="$model", version!="$version"}'
    return variable(
        "beside",
        "Beside",
        "Another version, drawn beside the first one.",
        f"query_result(sort_desc(max by (version) ({seen})))",
        pattern='/version="([^"]*)"/',
    )


def feature_of() -> build.QueryVariable:
    """Which feature is looked at."""
    what = 'inferwatch_input_missing_ratio{model="$model", window="$window"}'
    text = f"label_values({what}, feature)"
    return variable("feature", "Feature", "The feature of the inputs.", text)


def reference_of() -> build.QueryVariable:
    """Which reference is compared with: all of them, unless one is chosen."""
    names = "inferwatch_score_threshold|inferwatch_drift_distance|inferwatch_reference_panes"
    what = f'{{__name__=~"{names}", model="$model"}}'
    made = variable(
        "reference",
        "Reference",
        "What the model is compared with: the reference in force, `previous` or `seasonal`.",
        f"label_values({what}, reference)",
    )
    everything = model.VariableOption(text="All", value="$__all", selected=True)
    return made.include_all(True).all_value(".*").current(everything)
