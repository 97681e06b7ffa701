"""Where a click on a value leads, with the time and the variables of the board that it is on."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as build

from dashboards.build.panels import link

_KEPT = "${datasource:queryparam}&${window:queryparam}&${__url_time_range}"


def to_model(value: str) -> build.DashboardLink:
    """To the board of the model that `value` names."""
    return link("Model", f"/d/inferwatch-model?var-model=${{{value}:percentencode}}&{_KEPT}")


def to_feature(value: str) -> build.DashboardLink:
    """To the board of the feature that `value` names, of the model that is looked at."""
    feature = f"var-feature=${{{value}:percentencode}}"
    chosen = "${model:queryparam}&${version:queryparam}&${reference:queryparam}"
    return link("Feature", f"/d/inferwatch-feature?{feature}&{chosen}&{_KEPT}")


def to_this_version(value: str) -> build.DashboardLink:
    """To the same board, with the version that `value` names beside the chosen one."""
    beside = f"var-beside=${{{value}:percentencode}}"
    chosen = "${model:queryparam}&${version:queryparam}&${reference:queryparam}"
    return link("Beside", f"/d/inferwatch-model?{beside}&{chosen}&{_KEPT}")
