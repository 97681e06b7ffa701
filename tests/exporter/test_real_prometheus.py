"""The real Prometheus scrapes over TLS, with a login."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.boards import small_board
from tests.support.kafka import free_port
from tests.support.real import require
from tests.support.web import Certificates, hashed, make_certificates, port_of, serving, web


@contextmanager
def prometheus(folder: Path, jobs: list[dict[str, Any]]) -> Iterator[httpx.Client]:
    config = folder / "prometheus.yml"
    config.write_text(json.dumps({"global": {"scrape_interval": "1s"}, "scrape_configs": jobs}))
    address = f"127.0.0.1:{free_port()}"
    command = [
        require("prometheus"),
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
    ]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            with httpx.Client(base_url=f"http://{address}/api/v1", timeout=30) as client:
                yield client
        finally:
            process.terminate()
            process.wait(30)


def targets(client: httpx.Client, number: int) -> dict[str, dict[str, Any]]:
    """Every target by its job, once all of them were scraped."""
    pause = threading.Event()
    for _ in range(300):
        try:
            answer = client.get("/targets")
            found = answer.json()["data"]["activeTargets"] if answer.is_success else []
        except httpx.TransportError:  # not up yet
            found = []
        known = {one["labels"]["job"]: one for one in found if one["health"] != "unknown"}
        if len(known) == number:
            return known
        pause.wait(0.1)
    raise AssertionError("Prometheus has not scraped")


@pytest.mark.slow
def test_prometheus_scrapes_over_tls_with_a_login(tmp_path: Path) -> None:
    files: Certificates = make_certificates(tmp_path)
    files.authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    settings = web(
        tls_server_config=files.settings, basic_auth_users={"prometheus": hashed("right")}
    )

    def job(name: str, password: str) -> dict[str, Any]:
        return {
            "job_name": name,
            "scheme": "https",
            "tls_config": {"ca_file": str(tmp_path / "ca.pem")},
            "basic_auth": {"username": "prometheus", "password": password},
            "static_configs": [{"targets": [f"127.0.0.1:{port_of(exporter)}"]}],
        }

    with serving(settings, small_board()) as exporter:
        jobs = [job("right", "right"), job("wrong", "wrong")]
        with prometheus(tmp_path, jobs) as client:
            found = targets(client, 2)
            assert (found["right"]["health"], found["right"]["lastError"]) == ("up", "")
            assert found["wrong"]["health"] == "down"
            assert "401" in found["wrong"]["lastError"]
            query = {"query": "count({__name__=~'inferwatch_.+'})"}
            counted = client.get("/query", params=query).json()["data"]["result"]
            series = [line for line in exporter_text(exporter.url, files) if line[0] != "#"]
            assert int(counted[0]["value"][1]) == len(series)


def exporter_text(url: str, files: Certificates) -> list[str]:
    answer = httpx.get(
        f"{url}/metrics", auth=("prometheus", "right"), verify=files.client(), timeout=30
    )
    return answer.text.splitlines()
