"""The section `grafana`: where Grafana is, and what inferwatch writes there."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from monitor.config_types import File, Section, Truth, Written, show
from monitor.grafana.api import parse_url


def _url(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{show(value)} is not a URL; write for example http://127.0.0.1:3000")  # noqa: TRY004 - for pydantic
    return str(parse_url(value))


class GrafanaConfig(Section):
    """Where Grafana is, and what inferwatch writes there. It needs the extra `grafana`; boards are
    put there by `inferwatch dashboards push`."""

    url: Annotated[str, BeforeValidator(_url), Written("URL")] = Field(
        description="Its address, with its path where it has one.",
        examples=["http://127.0.0.1:3000"],
    )
    token_file: File = Field(
        description="File with the token of a service account with the role Editor. It is read "
        "each time, and may come later: a monitor starts without it.",
        examples=["grafana.token"],
    )
    annotations: Truth = Field(
        default=False,
        description="Whether each change of a verdict becomes an annotation, within a minute.",
        examples=[True],
    )
