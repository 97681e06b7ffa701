"""The ways to run inferwatch, as the files of this repository say them."""

from __future__ import annotations

import functools
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.real import require

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
VERSION: str = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

CONFIGS = (
    DEPLOY / "compose" / "inferwatch.yml",
    DEPLOY / "swarm" / "inferwatch.yml",
    DEPLOY / "kubernetes" / "base" / "inferwatch.yml",
    DEPLOY / "kubernetes" / "overlays" / "sidecar" / "inferwatch.yml",
)
"""Every configuration of inferwatch that is shipped."""

KUSTOMIZATIONS = (
    DEPLOY / "kubernetes" / "base",
    DEPLOY / "kubernetes" / "overlays" / "sidecar",
)


def read(path: Path) -> Any:
    """What one YAML file says."""
    return yaml.safe_load(path.read_text("utf-8"))


@functools.cache
def compose() -> dict[str, Any]:
    """`docker-compose.yml`, its aliases resolved and its variables left as they are."""
    found: dict[str, Any] = read(ROOT / "docker-compose.yml")
    return found


def stack(**environ: str) -> dict[str, Any]:
    """Swarm's stack file as the real client of Docker reads it."""
    command = [require("docker"), "stack", "config", "-c", str(DEPLOY / "swarm" / "stack.yml")]
    done = subprocess.run(command, capture_output=True, text=True, env=environ, check=False)
    if "is not a docker command" in done.stderr or "unknown command" in done.stderr:
        pytest.skip("this docker has no `docker stack config`")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = yaml.safe_load(done.stdout)
    return found


def mounts(service: str) -> Iterator[tuple[str, str]]:
    """Source and target of each of a Compose service's volumes."""
    for volume in compose()["services"][service].get("volumes", []):
        source, target = volume.split(":")[:2]
        yield source, target


def manifests() -> list[Path]:
    """Every file that is a Kubernetes object by itself: no kustomization, no patch, no config."""
    found = []
    for folder in KUSTOMIZATIONS:
        wanted = read(folder / "kustomization.yaml")["resources"]
        found += [folder / name for name in wanted if name.endswith(".yaml")]
    return found


def kustomized(folder: Path) -> list[dict[str, Any]]:
    """What `kubectl apply -k` would send, by the real kustomize inside kubectl."""
    # Debian's is too old; it is never installed for the tests.
    kubectl = require("kubectl", optional=True)
    done = subprocess.run(
        [kubectl, "kustomize", str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def named(objects: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    """The one object of this kind."""
    (found,) = [one for one in objects if one["kind"] == kind]
    return found
