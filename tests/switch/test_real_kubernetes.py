"""A switch against the real Kubernetes API server: a Deployment, and an InferenceService by its
definition alone (KServe itself is not there). Writes are counted by the object's generation."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitor.switch.http import Client
from monitor.switch.log import read
from monitor.switch.machine import LATE, Rules, Stage, Switches
from monitor.switch.room import FILE, Room
from monitor.switch.target import Refused, Rollout, Unreachable, Where
from monitor.switch.targets.deployment import Deployment
from monitor.switch.targets.inference_service import AT, InferenceService
from monitor.switch.targets.kubernetes import patch
from tests.support.kube_api import APPS, KubeApi
from tests.support.switching import Clock

pytestmark = pytest.mark.kubernetes

ROOT = Path(__file__).parents[2]
NOW = 1_000_000.0
RULES = Rules(frozenset({"ada"}))
KSERVE = "serving.kserve.io"
SERVICES = f"/apis/{KSERVE}/v1beta1/namespaces/models/inferenceservices"
URIS = {"1": "s3://models/1", "2": "s3://models/2"}
RBAC = "/apis/rbac.authorization.k8s.io/v1"


@pytest.fixture(scope="module")
def kube(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KubeApi]:
    with KubeApi(tmp_path_factory.mktemp("kube")) as running:
        _define_inference_services(running)
        yield running


@pytest.fixture
def name(kube: KubeApi) -> str:
    made = f"scorer-{uuid.uuid4().hex[:8]}"
    kube.create(made)
    return made


def client(kube: KubeApi, user: str = "admin") -> Client:
    return Client(kube.url, kube.token(user), kube.ca)


def target(kube: KubeApi, name: str, user: str = "admin") -> Deployment:
    return Deployment("m", client(kube, user), "models", name)


def generation(kube: KubeApi, name: str) -> int:
    return int(kube.deployment(name)["metadata"]["generation"])


def _define_inference_services(kube: KubeApi) -> None:
    free = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    schema = {"type": "object", "properties": {"spec": free, "status": free}}
    version = {"name": "v1beta1", "served": True, "storage": True, "subresources": {"status": {}}}
    names = {
        "plural": "inferenceservices",
        "singular": "inferenceservice",
        "kind": "InferenceService",
    }
    versions = [version | {"schema": {"openAPIV3Schema": schema}}]
    spec = {"group": KSERVE, "scope": "Namespaced", "names": names, "versions": versions}
    body = {"metadata": {"name": f"inferenceservices.{KSERVE}"}, "spec": spec}
    kube.ask("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", body)


class TestDeployment:
    def test_proposed_approved_applied_took_and_undone(
        self, tmp_path: Path, kube: KubeApi, name: str
    ) -> None:
        room = Room(tmp_path, {"m": target(kube, name)}, RULES, Clock(NOW))
        first, templates = generation(kube, name), kube.deployment(name)["spec"]["template"]
        one = room.propose("m", "1", "pipeline")
        assert one.plan.version_before == "3"
        assert generation(kube, name) == first
        for version, switch in (("1", one), ("3", None)):
            last = switch or room.undo(one.id, "pipeline")
            room.approve(last.id, last.digest, "ada")
            room.turn()
            assert room.switches()[-1].stage is Stage.APPLIED
            assert kube.version(name) == version
            kube.roll_out(name)
            room.turn()
            assert room.switches()[-1].stage is Stage.TOOK
        room.close()
        assert generation(kube, name) == first + 2
        assert kube.deployment(name)["spec"]["template"] == templates

    def test_the_whole_template_is_replaced(self, kube: KubeApi, name: str) -> None:
        one = target(kube, name)
        one.apply(one.plan("1"), "key")
        (container,) = kube.deployment(name)["spec"]["template"]["spec"]["containers"]
        assert container["env"] == [{"name": "ONLY_1", "value": "1"}]

    def test_a_dry_run_writes_nothing(self, kube: KubeApi, name: str) -> None:
        before = kube.deployment(name)
        target(kube, name).plan("1")
        assert kube.deployment(name) == before

    def test_a_stale_resource_version_is_a_conflict(self, kube: KubeApi, name: str) -> None:
        stale = kube.deployment(name)
        kube.merge(name, {"spec": {"replicas": 5}})
        template = stale["spec"]["template"]
        path = f"{APPS}/deployments/{name}"
        with pytest.raises(Refused, match=r"409: Operation cannot be fulfilled.*nothing was"):
            patch(client(kube), path, stale, "/spec/template", template)

    def test_replicas_that_somebody_changes_stay(self, kube: KubeApi, name: str) -> None:
        plan = target(kube, name).plan("1")
        kube.merge(name, {"spec": {"replicas": 5}})
        target(kube, name).apply(plan, "key")
        assert kube.deployment(name)["spec"]["replicas"] == 5

    def test_a_template_that_somebody_changed_is_left(self, kube: KubeApi, name: str) -> None:
        plan = target(kube, name).plan("1")
        kube.merge(name, {"spec": {"template": {"spec": {"hostNetwork": True}}}})
        count = generation(kube, name)
        with pytest.raises(Refused, match="changed since the plan"):
            target(kube, name).apply(plan, "key")
        assert generation(kube, name) == count

    def test_an_owner_by_the_fields_that_it_manages(self, kube: KubeApi, name: str) -> None:
        body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}}
        body |= {"spec": {"minReadySeconds": 1}}
        path = f"{APPS}/deployments/{name}?fieldManager=argocd-controller"
        kube.ask("PATCH", path, body, "apply-patch+yaml")
        with pytest.raises(Refused, match=r"Argo CD \(managedFields: argocd-controller\)"):
            target(kube, name).plan("1")

    def test_one_that_is_not_there(self, kube: KubeApi) -> None:
        with pytest.raises(Unreachable, match=r'404: deployments\.apps "none" not found'):
            target(kube, "none").plan("1")

    def test_its_rollout(self, kube: KubeApi, name: str) -> None:
        one = target(kube, name)
        plan = one.plan("1")
        one.apply(plan, "key")
        assert one.verify(plan).rollout is Rollout.WAITING
        kube.roll_out(name)
        assert (one.verify(plan).where, one.verify(plan).rollout) == (Where.AFTER, Rollout.DONE)


class TestRights:
    def grant(self, kube: KubeApi, user: str, name: str, drop: str = "") -> None:
        """The role that docs/switch.md shows, for one Deployment, without the verb `drop`."""
        page = (ROOT / "docs" / "switch.md").read_text()
        found = re.search(r"```yaml\n(apiVersion: rbac.*?)```", page, re.DOTALL)
        assert found is not None
        role: dict[str, Any] = yaml.safe_load(found[1].replace("scorer", name))
        for one in role["rules"]:
            one["verbs"] = [verb for verb in one["verbs"] if verb != drop]
        role["rules"] = [one for one in role["rules"] if one["verbs"]]
        role["metadata"]["name"] = f"{user}-{name}"
        kube.ask("POST", f"{RBAC}/namespaces/models/roles", role)
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role"}
        subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}
        binding = {
            "metadata": role["metadata"],
            "roleRef": reference | {"name": f"{user}-{name}"},
            "subjects": [subject],
        }
        kube.ask("POST", f"{RBAC}/namespaces/models/rolebindings", binding)

    def test_those_of_the_docs_are_enough(self, kube: KubeApi, name: str) -> None:
        self.grant(kube, "switch", name)
        one = target(kube, name, "switch")
        one.apply(one.plan("1"), "key")
        assert kube.version(name) == "1"

    @pytest.mark.parametrize("verb", ["get", "list", "patch"])
    def test_and_each_of_them_is_needed(self, kube: KubeApi, name: str, verb: str) -> None:
        self.grant(kube, f"without-{verb}", name, verb)
        with pytest.raises((Refused, Unreachable), match=r"403: .*may not do this"):
            target(kube, name, f"without-{verb}").plan("1")
        assert kube.version(name) == "3"

    def test_a_token_that_is_none(self, kube: KubeApi, name: str, tmp_path: Path) -> None:
        (tmp_path / "t").write_text("wrong")
        with pytest.raises(Unreachable, match=r"401.*is not valid"):
            Deployment("m", Client(kube.url, tmp_path / "t", kube.ca), "models", name).read()


class TestInferenceService:
    @pytest.fixture
    def service(self, kube: KubeApi) -> str:
        made = f"service-{uuid.uuid4().hex[:8]}"
        model = {"modelFormat": {"name": "sklearn"}, "storageUri": URIS["2"]}
        spec = {"predictor": {"minReplicas": 1, "model": model}}
        kind = {"apiVersion": f"{KSERVE}/v1beta1", "kind": "InferenceService"}
        kube.ask("POST", SERVICES, kind | {"metadata": {"name": made}, "spec": spec})
        return made

    def test_there_and_back(self, kube: KubeApi, service: str) -> None:
        one = InferenceService("m", client(kube), "models", service, URIS)
        for version in "12":
            plan = one.plan(version)
            one.apply(plan, "key")
            found = kube.ask("GET", f"{SERVICES}/{service}")
            assert found["spec"]["predictor"]["model"]["storageUri"] == URIS[version]
            assert found["spec"]["predictor"]["minReplicas"] == 1
            assert one.verify(plan).where is Where.AFTER
        assert found["metadata"]["generation"] == 3

    def test_a_stale_resource_version_is_a_conflict(self, kube: KubeApi, service: str) -> None:
        path = f"{SERVICES}/{service}"
        stale = kube.ask("GET", path)
        kube.ask("PATCH", path, {"metadata": {"labels": {"a": "b"}}}, "merge-patch+json")
        with pytest.raises(Refused, match="409"):
            patch(client(kube), path, stale, AT, URIS["1"])


def child(kube: KubeApi, folder: Path, moment: int, now: float, name: str) -> int:
    at = (kube.url, name, kube.token("admin"), kube.ca)
    command = [sys.executable, "-m", "tests.switch.kill_child", folder, now, moment, *at]
    whole = [str(part) for part in command]
    return subprocess.run(whole, check=False, cwd=ROOT, timeout=60).returncode


def test_kill_9_at_each_moment_from_the_intent_to_what_came_of_it(
    tmp_path: Path, kube: KubeApi
) -> None:
    ends = set()
    for moment in range(11, 21):
        name = f"killed-{moment}"
        kube.create(name)
        first = generation(kube, name)
        folder = tmp_path / name
        folder.mkdir()
        assert child(kube, folder, moment, NOW, name) == -signal.SIGKILL
        assert child(kube, folder, 0, NOW + LATE, name) == 0
        moved = kube.version(name) == "1"
        assert generation(kube, name) - first == int(moved)
        (one,) = Switches(RULES, read(folder / FILE).entries).all()
        assert one.stage is (Stage.APPLIED if moved else Stage.NOT_APPLIED)
        ends.add(moved)
    assert ends == {True, False}
