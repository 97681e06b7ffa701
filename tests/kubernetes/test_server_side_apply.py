"""The manifests, applied by the server of a real Kubernetes API that has the operator's types."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.api_server import BUILT
from tests.support.kubernetes_api import KubernetesApi
from tests.support.ways import KUSTOMIZATIONS, VERSION, kustomized

pytestmark = pytest.mark.kubernetes

BASE, SIDECAR = KUSTOMIZATIONS
STRICT = ("apply", "--server-side", "--validate=strict")


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KubernetesApi]:
    """With what docs/deploy.md asks for first: the namespace, and the operator's definitions."""
    with KubernetesApi(tmp_path_factory.mktemp("kubernetes")) as running:
        running.kubectl("create", "namespace", "monitoring")
        running.kubectl("apply", "--server-side", f"--filename={BUILT / 'crds'}")
        running.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
        yield running


@pytest.mark.parametrize("folder", KUSTOMIZATIONS, ids=lambda path: path.name)
def test_the_api_takes_every_object(api: KubernetesApi, folder: Path) -> None:
    objects = kustomized(folder)
    said = api.kubectl(*STRICT, f"--kustomize={folder}").splitlines()
    assert len(said) == len(objects)
    assert all(line.endswith("serverside-applied") for line in said)


def test_applied_again_nothing_is_another(api: KubernetesApi) -> None:
    api.kubectl(*STRICT, f"--kustomize={BASE}")
    kinds = ("statefulset", "service", "networkpolicy", "prometheusrule", "servicemonitor")
    before = [api.get(kind, "inferwatch")["metadata"]["resourceVersion"] for kind in kinds]
    api.kubectl(*STRICT, f"--kustomize={BASE}")
    after = [api.get(kind, "inferwatch")["metadata"]["resourceVersion"] for kind in kinds]
    assert before == after


def test_the_rules_are_held_whole(api: KubernetesApi) -> None:
    api.kubectl(*STRICT, f"--kustomize={BASE}")
    (wanted,) = [found for found in kustomized(BASE) if found["kind"] == "PrometheusRule"]
    # Nothing was pruned as unknown to the operator.
    assert api.get("prometheusrule", "inferwatch")["spec"] == wanted["spec"]


def test_the_sidecar_is_a_container_that_starts_first_and_stays(api: KubernetesApi) -> None:
    api.kubectl(*STRICT, f"--kustomize={SIDECAR}")
    pod = api.get("deployment", "model-server")["spec"]["template"]["spec"]
    (sidecar,) = pod["initContainers"]
    assert (sidecar["image"], sidecar["restartPolicy"]) == (f"inferwatch:{VERSION}", "Always")


def test_pods_keep_to_the_restricted_standard_that_a_namespace_asks_for(
    api: KubernetesApi,
) -> None:
    label = "pod-security.kubernetes.io/warn=restricted"
    api.kubectl("label", "--overwrite", "namespace", "monitoring", label)
    for folder in KUSTOMIZATIONS:
        done = api.run(*STRICT, "--dry-run=server", f"--kustomize={folder}")
        assert done.returncode == 0
        assert "would violate PodSecurity" not in done.stderr


def test_a_key_that_kubernetes_lacks_is_refused(api: KubernetesApi, tmp_path: Path) -> None:
    text = (BASE / "statefulset.yaml").read_text().replace("replicas:", "replicaz:")
    (tmp_path / "wrong.yaml").write_text(text)
    done = api.run(*STRICT, "--namespace=monitoring", f"--filename={tmp_path / 'wrong.yaml'}")
    assert done.returncode != 0
    assert "replicaz" in done.stderr
