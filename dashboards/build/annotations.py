"""What is marked on every timeline: alerts that fire, alarms, new versions, changes of verdicts."""

from __future__ import annotations

from typing import Any

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common as kinds
from grafana_foundation_sdk.models import dashboard as model

from dashboards.build.palette import BLUE, GREEN, PURPLE, VERMILLION

_GRAFANA = kinds.DataSourceRef(type_val="grafana", uid="-- Grafana --")


class _Marked(model.AnnotationQuery):
    """A query of Prometheus whose series are marks; the builder lacks the words of such a mark."""

    def __init__(self, name: str, color: str, query: str, **words: Any) -> None:
        source = kinds.DataSourceRef(type_val="prometheus", uid="${datasource}")
        super().__init__(name=name, datasource=source, icon_color=color, expr=query, hide=False)
        self._words = words
        self._query = query

    def to_json(self) -> dict[str, object]:
        target = {"expr": self._query, "refId": "Anno", "range": True, "interval": ""}
        return {**super().to_json(), "target": target, "builtIn": 0, **self._words}


class _Made(Builder[model.AnnotationQuery]):
    def __init__(self, made: model.AnnotationQuery) -> None:
        self._made = made

    def build(self) -> model.AnnotationQuery:
        return self._made


def marks(*, of_one_model: bool) -> list[Builder[model.AnnotationQuery]]:
    """Those of every board; of one that shows a single model, its own."""
    chosen = 'model="$model"' if of_one_model else ""
    and_chosen = f", {chosen}" if chosen else ""
    tags = [*_TAGS, "$model"] if of_one_model else _TAGS
    return [
        build.AnnotationQuery()
        .name("Annotations & Alerts")
        .datasource(_GRAFANA)
        .enable(True)
        .hide(True)
        .icon_color(BLUE)
        .type("dashboard")
        .built_in(1),
        _Made(
            _Marked(
                "Alerts",
                VERMILLION,
                "max by (alertname, severity, model, subject, window) "
                f'(ALERTS{{alertname=~"Inferwatch.+", alertstate="firing"{and_chosen}}})',
                titleFormat="{{alertname}}",
                textFormat="{{severity}}: {{model}} {{subject}} {{window}}",
                tagKeys="severity,model,subject,window",
                useValueForTime=False,
            )
        ),
        _Made(
            _Marked(
                "Alarms",
                PURPLE,
                "max by (model, subject, window) "
                f'(inferwatch_verdict{{verdict="alarm", window="$window"{and_chosen}}})'
                if of_one_model
                else 'max by (model, subject, window) (inferwatch_verdict{verdict="alarm"})',
                titleFormat="{{model}}: {{subject}} in alarm",
                textFormat="verdict alarm on windows of {{window}}",
                tagKeys="model,subject,window",
                useValueForTime=False,
            )
        ),
        _Made(
            _Marked(
                "New versions",
                GREEN,
                "1000 * max by (model, version) "
                f"(inferwatch_version_first_seen_timestamp_seconds{{{chosen}}})",
                titleFormat="{{model}}: version {{version}}",
                textFormat="first seen",
                tagKeys="model,version",
                useValueForTime=True,
            )
        ),
        build.AnnotationQuery()
        .name("Verdict changes")
        .datasource(_GRAFANA)
        .enable(True)
        .icon_color(BLUE)
        .target(build.AnnotationTarget().limit(100).match_any(False).tags(tags).type("tags")),
    ]


_TAGS = ["inferwatch", "verdict"]
"""What `monitor/jobs/annotations.py` marks a change of verdict with, and the model's name."""
