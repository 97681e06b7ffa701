"""docker-compose.yml, as docker-compose, promtool and amtool read what it mounts."""

from __future__ import annotations

import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
import yaml

from monitor.demo.show import alarms, config
from tests.support.real import absent, require
from tests.support.ways import DEPLOY, ROOT, compose, mounts, read

SERVICES = compose()["services"]


def place(service: str, root: Path) -> None:
    """Put what a service mounts of this repository where its container has it, below `root`."""
    for source, target in mounts(service):
        if source.startswith("./"):
            there, here = ROOT / source, root / target.lstrip("/")
            if not there.exists():
                absent(source)
            here.parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if there.is_dir() else shutil.copy)(there, here)


def test_docker_compose_takes_the_file() -> None:
    command = [require("docker-compose"), "-f", str(ROOT / "docker-compose.yml"), "config"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    read_back = yaml.safe_load(done.stdout)
    assert set(read_back["services"]) == set(SERVICES)


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_each_service_is_pinned_and_watched(service: str) -> None:
    said = SERVICES[service]
    assert re.search(r":v?\d+\.\d+\.\d+$", said["image"])
    assert "healthcheck" in said or service == "inferwatch"  # whose image has one
    assert said["restart"] in ("unless-stopped", "on-failure")


@pytest.mark.parametrize("service", sorted(set(SERVICES) - {"kafka"}))
def test_each_service_has_no_right_beyond_its_own(service: str) -> None:
    said = SERVICES[service]
    assert said["cap_drop"] == ["ALL"]
    assert said["security_opt"] == ["no-new-privileges:true"]
    assert said.get("read_only") or service == "grafana"  # which writes plugins beside itself


def test_nothing_is_reached_from_beyond_this_machine() -> None:
    ports = [port for said in SERVICES.values() for port in said.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_every_volume_is_declared_or_there(service: str) -> None:
    for source, _ in mounts(service):
        if source.startswith("./"):
            if not (ROOT / source).exists():
                absent(source)
        else:
            assert source in compose()["volumes"]


def test_no_secret_stands_inside() -> None:
    for said in SERVICES.values():
        for name, value in said.get("environment", {}).items():
            if re.search("PASSWORD|TOKEN|SECRET|KEY", name):
                assert value.startswith("/run/secrets/")
                assert value.removeprefix("/run/secrets/") in said["secrets"]
    for secret in compose()["secrets"].values():
        folder = secret["file"].removeprefix("./").rpartition("/")[0]
        assert f"{folder}/" in (ROOT / ".gitignore").read_text().splitlines()


def test_the_secrets_are_made_once_and_for_their_container(tmp_path: Path) -> None:
    script = shutil.copy(DEPLOY / "compose" / "secrets.sh", tmp_path)
    made = tmp_path / "secrets" / "grafana_admin_password"
    texts = set()
    for _ in range(2):
        said = subprocess.run(["sh", script], capture_output=True, text=True, check=True).stdout
        texts.add(made.read_text())
    (text,) = texts
    assert len(text) == 36
    assert text not in said
    assert stat.S_IMODE(made.stat().st_mode) == 0o444
    assert stat.S_IMODE(made.parent.stat().st_mode) == 0o700


@pytest.mark.promtool
def test_prometheus_takes_what_is_mounted(tmp_path: Path) -> None:
    place("prometheus", tmp_path)
    file = tmp_path / "etc" / "prometheus" / "prometheus.yml"
    done = subprocess.run(
        [require("promtool"), "check", "config", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "recording.yml" in done.stdout


def test_alertmanager_takes_what_is_mounted(tmp_path: Path) -> None:
    place("alertmanager", tmp_path)
    file = tmp_path / "etc" / "alertmanager" / "alertmanager.yml"
    done = subprocess.run(
        [require("amtool"), "check-config", str(file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SUCCESS" in done.stdout
    defined = "".join(path.read_text() for path in (file.parent / "templates").glob("*.tmpl"))
    for name in re.findall(r'template "([\w.]+)"', file.read_text()):
        assert f'define "{name}"' in defined


def test_alertmanager_differs_from_the_shipped_one_in_whom_it_tells_alone() -> None:
    shipped = read(DEPLOY / "alertmanager" / "alertmanager.yml")
    here = read(DEPLOY / "compose" / "alertmanager.yml")
    del shipped["global"], here["global"]
    del shipped["route"]["routes"][0]["routes"]  # the teams'
    mails = {one["name"]: one["email_configs"] for one in shipped.pop("receivers")}
    assert here.pop("receivers") == [
        {"name": name, "email_configs": mails[name]} for name in ("pages", "tickets")
    ]
    assert here == shipped


def test_prometheus_differs_from_the_shipped_one_in_addresses_and_pace_alone() -> None:
    shipped = (DEPLOY / "prometheus" / "prometheus.yml").read_text()
    there = {"127.0.0.1:9093": "alertmanager:9093", "127.0.0.1:10464": "inferwatch:10464"}
    for address, name in there.items():
        assert address in shipped
        shipped = shipped.replace(address, name)
    wanted = yaml.safe_load(shipped)
    wanted["global"]["scrape_interval"] = "5s"
    assert read(DEPLOY / "compose" / "prometheus.yml") == wanted


def test_grafana_finds_its_boards_and_its_data_source() -> None:
    provisioning = ROOT / "dashboards" / "provisioning"
    if not provisioning.exists():
        absent("dashboards/provisioning")
    targets = [target for _, target in mounts("grafana")]
    for path in (provisioning / "dashboards").glob("*.yml"):
        for provider in read(path)["providers"]:
            assert provider["options"]["path"] in targets
    for path in (provisioning / "datasources").glob("*.yml"):
        for source in read(path)["datasources"]:
            assert "prometheus:9090" in source["url"]


def test_the_flights_are_read_as_the_demo_reads_them() -> None:
    text = config("kafka:9092", None, "inferences", "0.0.0.0:10464", Path("/var/lib"), 1)
    of_demo = yaml.safe_load(text + alarms(Path("reference.parquet")))
    shipped = read(DEPLOY / "compose" / "inferwatch.yml")
    (wanted,), (found,) = of_demo["models"], shipped["models"]
    assert found.pop("reference") == {"first": 4 * 7 * 24}
    assert {**wanted, **found} == wanted
    assert wanted.keys() - found.keys() == {"process", "reference"}
    assert shipped["source"] == of_demo["source"]


def test_the_producer_writes_where_inferwatch_reads() -> None:
    command = SERVICES["producer"]["command"]
    said = dict(part.removeprefix("--").split("=") for part in command if "=" in part)
    source = read(DEPLOY / "compose" / "inferwatch.yml")["source"]["kafka"]
    assert source["topics"] == [said["topic"]]
    assert source["bootstrap_servers"] == [said["bootstrap-servers"]]
    listeners = SERVICES["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]
    assert listeners == f"PLAINTEXT://{said['bootstrap-servers']}"
    assert int(said["at-once"]) > 28  # the reference's weeks, and the quiet days behind them
