"""What `pip install .` installs: both packages, the command, the rules and the boards."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_wheel_installs_and_its_command_runs(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=120)
    wheel = next(tmp_path.glob("inferwatch-*.whl"))
    site = tmp_path / "site"
    install = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--quiet"]
    options = ["--disable-pip-version-check", "--target", str(site), str(wheel)]
    subprocess.run([*install, *options], check=True, capture_output=True, timeout=120)
    for board in (ROOT / "dashboards").glob("*.json"):
        assert (
            site / "monitor" / "grafana" / "boards" / board.name
        ).read_text() == board.read_text()
    assert not (site / "dashboards").exists()
    assert (site / "monitor" / "py.typed").exists()
    assert (site / "collectors" / "py.typed").exists()
    code = f"""
import sys; sys.path.insert(0, {str(site)!r})
import monitor; from monitor.cli import main; print(monitor.__file__)
main(["rules", "--output", "rules"], standalone_mode=False); main(["version"])
"""
    done = subprocess.run(
        [sys.executable, "-I", "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    place, *written, said = done.stdout.splitlines()
    assert written == ["rules/recording.yml", "rules/alerts.yml"]
    for rules in (ROOT / "rules").glob("*.yml"):
        assert (tmp_path / "rules" / rules.name).read_text() == rules.read_text()
    assert place.startswith(str(site))
    assert said.startswith("inferwatch 0.")
