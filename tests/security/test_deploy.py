"""What is shipped to run inferwatch has no right that it does not need."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.support.real import require

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "deploy" / "systemd" / "inferwatch.service"
DOCKERFILE = ROOT / "deploy" / "container" / "Dockerfile"
MOST_EXPOSED = 15  # tenths, of 100


def settings() -> dict[str, str]:
    """The unit's settings; of those given twice, both."""
    found: dict[str, str] = {}
    for key, value in re.findall(r"^(\w+)=(.*)$", UNIT.read_text(), re.MULTILINE):
        found[key] = f"{found[key]} {value}" if key in found else value
    return found


def test_the_unit_may_write_its_state_folder_and_nothing_else() -> None:
    unit = settings()
    assert unit["ProtectSystem"] == "strict"
    assert unit["ReadWritePaths"] == f"/var/lib/{unit['StateDirectory']}"
    assert unit["CapabilityBoundingSet"] == unit["AmbientCapabilities"] == ""
    for key in ("DynamicUser", "NoNewPrivileges", "PrivateTmp", "ProtectHome", "PrivateDevices"):
        assert unit[key] == "yes"
    assert unit["SystemCallFilter"].startswith("@system-service")
    assert unit["ExecReload"] == "/bin/kill -HUP $MAINPID"


@pytest.fixture
def analyzer() -> str:
    return require("systemd-analyze")


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The unit, as it would be where its program is installed."""
    file = tmp_path / UNIT.name
    file.write_text(UNIT.read_text().replace("/opt/inferwatch/bin/inferwatch", "/bin/true"))
    return file


def test_systemd_finds_nothing_wrong_with_the_unit(analyzer: str, installed: Path) -> None:
    done = subprocess.run(
        [analyzer, "verify", str(installed)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert installed.name not in done.stderr, done.stderr
    assert done.returncode == 0


def test_systemd_finds_the_unit_hardly_exposed(analyzer: str, installed: Path) -> None:
    command = [analyzer, "security", "--offline=true", "--no-pager", f"--threshold={MOST_EXPOSED}"]
    done = subprocess.run(
        [*command, str(installed)], capture_output=True, text=True, timeout=60, check=False
    )
    if "unrecognized option" in done.stderr:
        pytest.skip("this systemd-analyze cannot judge a unit that is not installed")
    assert done.returncode == 0, done.stdout[-3000:]


def test_the_image_does_not_run_as_root_and_its_base_is_given() -> None:
    lines = DOCKERFILE.read_text().splitlines()
    assert "ARG BASE_IMAGE" in lines
    assert {line.split()[1] for line in lines if line.startswith("FROM")} == {"${BASE_IMAGE}"}
    last = len(lines) - 1 - lines[::-1].index("USER 65532:65532")
    behind = [line for line in lines[last:] if line.startswith(("RUN", "ADD", "COPY"))]
    assert behind == ["COPY --from=build /opt/inferwatch /opt/inferwatch"]  # which stays root's


def test_the_image_copies_what_is_there() -> None:
    for line in DOCKERFILE.read_text().splitlines():
        if line.startswith("COPY ") and "--from" not in line:
            for source in line.split()[1:-1]:
                # The wheels are there only where they were made.
                assert list(ROOT.glob(source)) or source == "dist/wheel[s]", source
