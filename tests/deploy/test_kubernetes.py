"""Kubernetes' manifests, against its own schemas; assembled by the real kustomize where it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
from click.testing import CliRunner

from monitor.cli import main
from tests.support.ways import KUSTOMIZATIONS, ROOT, VERSION, kustomized, manifests, named, read

VERSIONS = ("1.29", "1.34")
"""The oldest with sidecars of its own, and that of the API server that is tried."""

OPERATOR = ("PrometheusRule", "ServiceMonitor")
"""Of the Prometheus Operator; Kubernetes has no schema of them."""

BASE, SIDECAR = KUSTOMIZATIONS


def validate(found: dict[str, Any]) -> None:
    for version in VERSIONS:
        kubernetes_validate.validate(found, version, strict=True)


@pytest.mark.parametrize("path", manifests(), ids=lambda path: path.name)
def test_each_manifest_is_valid(path: Path) -> None:
    found = read(path)
    if found["kind"] in OPERATOR:
        assert found["apiVersion"] == "monitoring.coreos.com/v1"
    else:
        validate(found)


def test_a_manifest_that_is_wrong_is_refused() -> None:
    found = read(BASE / "statefulset.yaml")
    found["spec"]["replicaz"] = 1
    with pytest.raises(kubernetes_validate.ValidationError):
        validate(found)


@pytest.mark.parametrize("folder", KUSTOMIZATIONS, ids=lambda path: path.name)
def test_kustomize_makes_valid_objects(folder: Path) -> None:
    objects = kustomized(folder)
    for found in objects:
        assert found["metadata"]["namespace"] == "monitoring"
        if found["kind"] not in OPERATOR:
            validate(found)


def test_the_base_is_one_pod_with_its_config_by_hash_and_its_secret_by_name() -> None:
    objects = kustomized(BASE)
    pod = named(objects, "StatefulSet")["spec"]["template"]["spec"]
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    name = named(objects, "ConfigMap")["metadata"]["name"]
    assert name.startswith("inferwatch-")
    assert volumes["config"]["configMap"]["name"] == name
    assert volumes["kafka"]["secret"]["secretName"] == "inferwatch-kafka"
    assert not [found for found in objects if found["kind"] == "Secret"]
    assert named(objects, "StatefulSet")["spec"]["replicas"] == 1
    assert pod["containers"][0]["image"] == f"inferwatch:{VERSION}"


def test_the_sidecar_sees_its_server_and_reads_its_log() -> None:
    objects = kustomized(SIDECAR)
    assert "StatefulSet" not in {found["kind"] for found in objects}
    template = named(objects, "Deployment")["spec"]["template"]
    pod = template["spec"]
    (sidecar,), (server,) = pod["initContainers"], pod["containers"]
    assert pod["shareProcessNamespace"] is True
    assert sidecar["restartPolicy"] == "Always"
    assert sidecar["image"] == f"inferwatch:{VERSION}"
    user = pod["securityContext"]["runAsUser"]
    assert sidecar["securityContext"]["runAsUser"] == user
    (written,) = server["volumeMounts"]
    assert {**written, "readOnly": True} in sidecar["volumeMounts"]
    config = read(SIDECAR / "inferwatch.yml")
    assert config["source"]["files"]["paths"] == [f"{written['mountPath']}/*.jsonl"]
    assert config["models"][0]["process"] == {"name": server["name"]}
    selector = named(objects, "Service")["spec"]["selector"]
    assert selector.items() <= template["metadata"]["labels"].items()


def test_no_pod_has_a_right_that_it_does_not_need() -> None:
    (main,) = read(BASE / "statefulset.yaml")["spec"]["template"]["spec"]["containers"]
    (sidecar,) = read(SIDECAR / "sidecar.yaml")["spec"]["template"]["spec"]["initContainers"]
    for container in (main, sidecar):
        rights = container["securityContext"]
        assert rights["readOnlyRootFilesystem"] is True
        assert rights["allowPrivilegeEscalation"] is False
        assert rights["capabilities"] == {"drop": ["ALL"]}
        assert "memory" in container["resources"]["limits"]
    pod = read(BASE / "statefulset.yaml")["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False


def test_the_rules_of_the_operator_are_those_of_the_folder(tmp_path: Path) -> None:
    made = tmp_path / "prometheusrule.yaml"
    arguments = ["rules", "--format", "prometheusrule", "--output", str(made)]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    assert (BASE / "prometheusrule.yaml").read_text() == made.read_text(), "run `make docs`"
    groups = read(BASE / "prometheusrule.yaml")["spec"]["groups"]
    names = {rule.get("alert") or rule.get("record") for group in groups for rule in group["rules"]}
    for path in sorted((ROOT / "rules").glob("*.yml")):
        for group in read(path)["groups"]:
            assert {rule.get("alert") or rule.get("record") for rule in group["rules"]} <= names
