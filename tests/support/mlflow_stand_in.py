"""What of an MLflow registry the switch asks, as MLflow answers it: one model, one alias."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.support.stand_in import Asked, Said

ALIAS = "/api/2.0/mlflow/registered-models/alias"
SEARCH = "/api/2.0/mlflow/model-versions/search"


class Registry:
    """A registry with three versions of `flights`, whose alias `champion` is at 3."""

    def __init__(self) -> None:
        self.at: str | None = "3"
        self.versions = [self.version(n, release=f"2024.{n}") for n in "321"]
        self.page = 2
        self.write = Said()
        self.after_write: Callable[[], None] = lambda: None

    def version(self, number: str, status: str = "READY", **tags: str) -> dict[str, Any]:
        return {
            "name": "flights",
            "version": number,
            "status": status,
            "source": f"models:/{number}",
            "run_id": f"run{number}",
            "tags": [{"key": key, "value": value} for key, value in tags.items()],
        }

    def __call__(self, asked: Asked) -> Said:
        parts = urlsplit(asked.path)
        query = {key: one for key, (one,) in parse_qs(parts.query).items()}
        if asked.method == "POST" and parts.path == ALIAS:
            if self.write.status == 200 and not self.write.cut:
                self.at = asked.json["version"]
            self.after_write()
            return self.write
        if parts.path == ALIAS:
            if self.at is None:
                code = {"error_code": "INVALID_PARAMETER_VALUE", "message": "alias not found"}
                return Said(400, code)
            return Said(200, {"model_version": self.found(self.at)})
        if parts.path == SEARCH:
            begin = int(query.get("page_token", "0"))
            page = self.versions[begin : begin + self.page]
            more = begin + self.page < len(self.versions)
            token = {"next_page_token": str(begin + self.page)} if more else {}
            return Said(200, {"model_versions": page} | token)
        return Said(404)

    def found(self, number: str) -> dict[str, Any]:
        return next(one for one in self.versions if one["version"] == number)
