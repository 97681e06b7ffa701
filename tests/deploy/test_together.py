"""Versions, ports, paths and names are the same in every way to run."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml

from monitor.config import load
from monitor.config_web import Web
from tests.support.ways import CONFIGS, DEPLOY, ROOT, VERSION, compose, mounts, read

PORT = str(Web().address[1])
STATE = "/var/lib/inferwatch"
CONFIG = "/etc/inferwatch/inferwatch.yml"
USER = "65532"
BASE = DEPLOY / "kubernetes" / "base"
SIDECAR = DEPLOY / "kubernetes" / "overlays" / "sidecar"
DOCKERFILE = (DEPLOY / "container" / "Dockerfile").read_text()
STACK = (DEPLOY / "swarm" / "stack.yml").read_text()
UNIT = (DEPLOY / "systemd" / "inferwatch.service").read_text()


def containers() -> list[dict[str, Any]]:
    base = read(BASE / "statefulset.yaml")["spec"]["template"]["spec"]
    sidecar = read(SIDECAR / "sidecar.yaml")["spec"]["template"]["spec"]
    return [*base["containers"], *sidecar["initContainers"]]


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.parent.name)
def test_each_config_that_is_shipped_is_valid(path: Path, tmp_path: Path) -> None:
    # Secrets are where the stack puts them; here they are made.
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca")
    (tmp_path / "password").write_text("sesame")
    text = re.sub(r"password_file: .*", f"password_file: {tmp_path}/password", path.read_text())
    text = re.sub(r"ca_file: .*", f"ca_file: {tmp_path}/ca", text)
    file = tmp_path / "inferwatch.yml"
    file.write_text(text)
    loaded = load(file)
    assert str(loaded.state.dir) == STATE
    assert loaded.web.address == ("0.0.0.0", int(PORT))  # noqa: S104 - in a container


@pytest.mark.parametrize("path", CONFIGS[1:3], ids=lambda path: path.parent.name)
def test_secrets_of_a_config_are_mounted(path: Path) -> None:
    security = read(path)["source"]["kafka"]["security"]
    asked = {security["password_file"], security["ca_file"]}
    if path.parent.name == "swarm":
        names = yaml.safe_load(STACK)["secrets"]
        assert asked == {f"/run/secrets/{name}" for name in names}
    else:
        (folder,) = {file.rpartition("/")[0] for file in asked}
        assert folder in {mount["mountPath"] for mount in containers()[0]["volumeMounts"]}


def test_the_port_is_one() -> None:
    assert f"EXPOSE {PORT}\n" in DOCKERFILE
    assert f"http://127.0.0.1:{PORT}/-/healthy" in DOCKERFILE
    assert compose()["services"]["inferwatch"]["ports"] == [f"127.0.0.1:{PORT}:{PORT}"]
    scrape = read(DEPLOY / "compose" / "prometheus.yml")["scrape_configs"]
    assert scrape == [
        {"job_name": "inferwatch", "static_configs": [{"targets": [f"inferwatch:{PORT}"]}]}
    ]
    for container in containers():
        assert container["ports"] == [{"name": "metrics", "containerPort": int(PORT)}]
    (port,) = read(BASE / "service.yaml")["spec"]["ports"]
    assert (port["port"], port["targetPort"]) == (int(PORT), int(PORT))
    (ingress,) = read(BASE / "networkpolicy.yaml")["spec"]["ingress"]
    assert [port["port"] for port in ingress["ports"]] == [int(PORT)]
    assert f"tasks.inferwatch_inferwatch:{PORT}" in STACK


def test_the_ports_of_the_others_are_their_own() -> None:
    services = compose()["services"]
    ports = {"prometheus": 9090, "alertmanager": 9093, "grafana": 3000, "mailpit": 8025}
    for name, port in ports.items():
        assert services[name]["ports"] == [f"127.0.0.1:{port}:{port}"]
        if name != "mailpit":
            assert f"http://127.0.0.1:{port}/" in services[name]["healthcheck"]["test"][-1]
    (target,) = read(DEPLOY / "compose" / "prometheus.yml")["alerting"]["alertmanagers"]
    assert target["static_configs"][0]["targets"] == ["alertmanager:9093"]
    mail = read(DEPLOY / "compose" / "alertmanager.yml")["global"]["smtp_smarthost"]
    assert mail == "mailpit:1025"


def test_the_version_is_one() -> None:
    services = compose()["services"]
    assert services["inferwatch"]["image"] == f"inferwatch:{VERSION}"
    assert services["producer"]["image"] == f"inferwatch-demo:{VERSION}"
    assert f"image: ${{IMAGE:-inferwatch:{VERSION}}}" in STACK
    for folder in (BASE, SIDECAR):
        images = read(folder / "kustomization.yaml")["images"]
        assert images == [{"name": "inferwatch", "newTag": VERSION}]
    assert {container["image"] for container in containers()} == {"inferwatch"}


def test_config_and_state_have_one_place() -> None:
    assert f'CMD ["run", "{CONFIG}"]' in DOCKERFILE
    assert f"VOLUME {STATE}\n" in DOCKERFILE
    assert f"ExecStart=/opt/inferwatch/bin/inferwatch run {CONFIG}" in UNIT
    assert f"ReadWritePaths={STATE}" in UNIT
    assert {CONFIG, STATE} == {target for _, target in mounts("inferwatch")}
    said = yaml.safe_load(STACK)["services"]["inferwatch"]
    assert said["configs"][0]["target"] == CONFIG
    assert said["volumes"][0].endswith(f":{STATE}")
    for container in containers():
        assert container["args"] == ["run", CONFIG]
        assert {CONFIG, STATE} <= {mount["mountPath"] for mount in container["volumeMounts"]}


def test_the_user_is_one() -> None:
    assert f"USER {USER}:{USER}" in DOCKERFILE
    assert yaml.safe_load(STACK)["services"]["inferwatch"]["user"] == f"{USER}:{USER}"
    pod = read(BASE / "statefulset.yaml")["spec"]["template"]["spec"]["securityContext"]
    assert {pod[key] for key in ("runAsUser", "runAsGroup", "fsGroup")} == {int(USER)}


def test_prometheus_calls_it_inferwatch_everywhere() -> None:
    monitor = read(BASE / "servicemonitor.yaml")["spec"]
    service = read(BASE / "service.yaml")["metadata"]["labels"]
    assert service[monitor["jobLabel"]] == "inferwatch"
    assert monitor["selector"]["matchLabels"].items() <= service.items()


def test_every_grace_is_longer_than_a_stop_takes() -> None:
    pod = read(BASE / "statefulset.yaml")["spec"]["template"]["spec"]
    assert pod["terminationGracePeriodSeconds"] >= 30
    assert "stop_grace_period: 30s" in STACK
    assert "TimeoutStopSec=30s" in UNIT
    assert compose()["services"]["inferwatch"]["stop_grace_period"] == "30s"


def test_the_image_is_built_of_the_files_that_the_context_has() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert ignored[1] == "*"
    kept = [line[1:] for line in ignored if line.startswith("!")]
    for line in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.MULTILINE):
        for source in line.split()[:-1]:
            plain = source.replace("[s]", "s")
            assert any(plain == one or plain.startswith(f"{one}/") for one in kept), source


def test_what_the_wheel_is_made_of_is_copied() -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    wheel = build["targets"]["wheel"]
    copied = {
        source
        for line in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    }
    for wanted in [*wheel["packages"], *wheel["force-include"]]:
        assert any(f"{wanted}/".startswith(f"{one}/") for one in copied), wanted


def entries(path: Path) -> dict[str, str]:
    """What a lock says of each requirement: its line, and all of its hashes."""
    found = {}
    for block in re.split(r"\n(?=\S)", path.read_text().strip()):
        name = re.sub(r"\[[^]]*\]", "", block.split(" \\")[0].partition(" ;")[0])
        found[name] = "\n".join(sorted(re.findall(r"sha256:\w+", block)))
    return found


@pytest.mark.parametrize("name", ["requirements", "requirements-demo", "requirements-build"])
def test_the_image_is_locked_to_what_is_tested(name: str) -> None:
    tested = entries(ROOT / "requirements-dev.lock")
    locked = entries(DEPLOY / "container" / f"{name}.lock")
    assert locked
    for entry, hashes in locked.items():
        assert hashes
        assert tested[entry] == hashes


def test_hadolint_finds_nothing_wrong_with_the_dockerfile() -> None:
    hadolint = str(Path(sys.executable).with_name("hadolint"))
    command = [hadolint, str(DEPLOY / "container" / "Dockerfile")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
