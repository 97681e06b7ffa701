"""A Deployment: to a whole template of its own, at the resourceVersion that was read."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from monitor.switch.http import Client
from monitor.switch.target import Refused, Rollout, Unreachable, Unsure, Where
from monitor.switch.targets.deployment import Deployment
from tests.support.kube_stand_in import Kube
from tests.support.stand_in import Said, StandIn

ROOT = "/apis/apps/v1/namespaces/models"
PATH = f"{ROOT}/deployments/scorer"
LABEL = "app.kubernetes.io/version"


def template(version: str, **more: Any) -> dict[str, Any]:
    labels = {"app": "scorer", LABEL: version}
    container = {"name": "scorer", "image": f"registry.example/scorer@sha256:{version}"}
    return {"metadata": {"labels": labels}, "spec": {"containers": [container], **more}}


def replica_set(name: str, made: dict[str, Any], owner: str = "uid-1") -> dict[str, Any]:
    made = copy.deepcopy(made)
    made["metadata"]["labels"]["pod-template-hash"] = name
    owners = [{"uid": owner, "controller": True, "kind": "Deployment", "name": "scorer"}]
    return {"metadata": {"name": name, "ownerReferences": owners}, "spec": {"template": made}}


@pytest.fixture
def kube() -> Kube:
    meta = {"name": "scorer", "uid": "uid-1", "resourceVersion": "100", "generation": 7}
    selector = {"matchLabels": {"app": "scorer"}}
    spec = {"replicas": 3, "selector": selector, "template": template("v3", extra="kept out")}
    sets = [
        replica_set("rs-3", template("v3", extra="kept out")),
        replica_set("rs-2", template("v2")),
        replica_set("rs-1", template("v1")),
        replica_set("theirs", template("v9"), owner="another"),
    ]
    objects = {f"{ROOT}/replicasets/{one['metadata']['name']}": one for one in sets}
    return Kube({PATH: {"metadata": meta, "spec": spec}, **objects})


@pytest.fixture
def server(kube: Kube) -> Iterator[StandIn]:
    with StandIn(kube) as running:
        yield running


@pytest.fixture
def target(server: StandIn) -> Deployment:
    return Deployment("m", Client(server.url), "models", "scorer")


def timed_out(name: str) -> dict[str, str]:
    """What the controller says of a ReplicaSet that made no progress in time."""
    says = f'ReplicaSet "{name}" has timed out progressing.'
    return {"type": "Progressing", "reason": "ProgressDeadlineExceeded", "message": says}


def status(kube: Kube, **more: Any) -> None:
    generation = kube.objects[PATH]["metadata"]["generation"]
    kube.objects[PATH]["status"] = {"observedGeneration": generation, **more}


def test_the_whole_template_is_patched_at_the_version_that_was_read(
    server: StandIn, kube: Kube, target: Deployment
) -> None:
    plan = target.plan("v2")
    assert kube.written == []
    assert (plan.key, plan.version_before) == ("rs-2", "v3")
    assert "scorer=registry.example/scorer@sha256:v2" in plan.sentence
    server.asked.clear()
    target.apply(plan, "key")
    assert server.lines == [
        f"GET {PATH}",
        f"GET {ROOT}/replicasets?labelSelector=app%3Dscorer",
        f"PATCH {PATH}?fieldManager=inferwatch&dryRun=All",
        f"PATCH {PATH}?fieldManager=inferwatch",
    ]
    assert kube.written == [
        [
            {"op": "test", "path": "/metadata/uid", "value": "uid-1"},
            {"op": "replace", "path": "/metadata/resourceVersion", "value": "100"},
            {"op": "replace", "path": "/spec/template", "value": template("v2")},
        ]
    ]
    assert kube.objects[PATH]["spec"]["template"] == template("v2")
    assert kube.objects[PATH]["spec"]["replicas"] == 3


def test_and_back(kube: Kube, target: Deployment) -> None:
    target.apply(target.plan("v2"), "key")
    back = target.plan("v3")
    target.apply(back, "key")
    assert kube.objects[PATH]["spec"]["template"] == template("v3", extra="kept out")
    assert target.verify(back).where is Where.AFTER


def test_what_the_server_adds_is_part_of_the_plan(kube: Kube, target: Deployment) -> None:
    kube.defaults = {"enableServiceLinks": True}
    plan = target.plan("v2")
    target.apply(plan, "key")
    assert target.verify(plan).where is Where.AFTER
    kube.objects[PATH]["spec"]["template"]["spec"]["enableServiceLinks"] = False
    assert target.verify(plan).where is Where.OTHER


@pytest.mark.parametrize("version", ["v9", "v4", "", "v2,app!=x", "../v2", "v2\n"])
def test_what_none_of_its_own_sets_has_is_not_held(
    server: StandIn, target: Deployment, version: str
) -> None:
    with pytest.raises(Refused, match=r"is not held \(by the label app.kubernetes.io/version"):
        target.plan(version)
    assert server.lines == [f"GET {PATH}", f"GET {ROOT}/replicasets?labelSelector=app%3Dscorer"]


def test_two_sets_of_one_version_are_refused(kube: Kube, target: Deployment) -> None:
    twin = replica_set("rs-2b", template("v2", other=True))
    kube.objects[f"{ROOT}/replicasets/rs-2b"] = twin
    with pytest.raises(Refused, match=r"v2 is held 2 times .*rs-2, rs-2b"):
        target.plan("v2")


class TestChanged:
    def test_the_template_since_the_plan(self, kube: Kube, target: Deployment) -> None:
        plan = target.plan("v2")
        kube.objects[PATH]["spec"]["template"] = template("v1")
        with pytest.raises(Refused, match="changed since the plan"):
            target.apply(plan, "key")
        assert kube.written == []

    def test_anything_between_the_reading_and_the_write(
        self, server: StandIn, kube: Kube, target: Deployment
    ) -> None:
        plan = target.plan("v2")

        def slow(asked: Any) -> Any:
            if asked.method == "PATCH" and "dryRun" not in asked.path:
                kube.change(PATH)
            return kube(asked)

        server.answer = slow
        with pytest.raises(Refused, match="409: the object has been modified; nothing was written"):
            target.apply(plan, "key")
        assert kube.written == []

    def test_replicas_alone_are_no_change(self, kube: Kube, target: Deployment) -> None:
        plan = target.plan("v2")
        kube.objects[PATH]["spec"]["replicas"] = 9
        kube.change(PATH)
        assert target.plan("v2").digest == plan.digest
        target.apply(plan, "key")
        assert kube.objects[PATH]["spec"]["replicas"] == 9

    def test_another_object_of_the_same_name(
        self, server: StandIn, kube: Kube, target: Deployment
    ) -> None:
        plan = target.plan("v2")

        def anew(asked: Any) -> Any:
            if asked.method == "PATCH":
                kube.objects[PATH]["metadata"]["uid"] = "uid-2"
            return kube(asked)

        server.answer = anew
        with pytest.raises(Refused, match="422: the test failed"):
            target.apply(plan, "key")

    def test_a_set_that_is_gone(self, kube: Kube, target: Deployment) -> None:
        plan = target.plan("v2")
        del kube.objects[f"{ROOT}/replicasets/rs-2"]
        with pytest.raises(Refused, match="ReplicaSet rs-2 is gone"):
            target.apply(plan, "key")

    def test_a_set_that_was_edited(self, kube: Kube, target: Deployment) -> None:
        plan = target.plan("v2")
        edited = replica_set("rs-2", template("v2", hostNetwork=True))
        kube.objects[f"{ROOT}/replicasets/rs-2"] = edited
        with pytest.raises(Refused, match="ReplicaSet rs-2 changed since the plan"):
            target.apply(plan, "key")
        assert kube.written == []


class TestOwners:
    @pytest.mark.parametrize(
        ("metadata", "name"),
        [
            ({"annotations": {"argocd.argoproj.io/tracking-id": "x"}}, "Argo CD"),
            ({"labels": {"argocd.argoproj.io/instance": "x"}}, "Argo CD"),
            ({"labels": {"kustomize.toolkit.fluxcd.io/name": "x"}}, "Flux"),
            ({"labels": {"helm.toolkit.fluxcd.io/name": "x"}}, "Flux"),
            ({"annotations": {"meta.helm.sh/release-name": "x"}}, "Helm"),
            ({"labels": {"app.kubernetes.io/managed-by": "Helm"}}, "Helm"),
            ({"labels": {"heritage": "Tiller"}}, "Tiller"),
            ({"annotations": {"objectset.rio.cattle.io/id": "x"}}, "Rancher Fleet"),
            ({"annotations": {"configmanagement.gke.io/managed": "x"}}, "Config Sync"),
            ({"managedFields": [{"manager": "argocd-controller"}]}, "Argo CD"),
            ({"managedFields": [{"manager": "kustomize-controller"}]}, "Flux"),
            ({"managedFields": [{"manager": "helm"}]}, "Helm"),
            ({"managedFields": [{"manager": "Terraform"}]}, "Terraform"),
            (
                {"ownerReferences": [{"kind": "Rollout", "name": "r", "controller": True}]},
                "Rollout r",
            ),
        ],
    )
    def test_each_is_refused_by_name_before_anything_is_written(
        self, server: StandIn, kube: Kube, target: Deployment, metadata: Any, name: str
    ) -> None:
        plan = target.plan("v2")
        kube.objects[PATH]["metadata"] |= metadata
        server.asked.clear()
        for question in (lambda: target.plan("v2"), lambda: target.apply(plan, "key"), target.read):
            with pytest.raises(Refused, match=f"is managed by {name}.*opens a pull request"):
                question()
        assert server.writes == []

    def test_who_only_looks_after_pods_owns_nothing(self, kube: Kube, target: Deployment) -> None:
        managers = ["kubectl-client-side-apply", "kube-controller-manager", "inferwatch"]
        fields = [{"manager": one} for one in managers]
        note = {"deployment.kubernetes.io/revision": "3"}
        kube.objects[PATH]["metadata"] |= {"managedFields": fields, "annotations": note}
        assert target.plan("v2").key == "rs-2"


class TestRollout:
    @pytest.mark.parametrize(
        ("told", "rollout"),
        [
            ({"observedGeneration": 1}, Rollout.WAITING),
            ({"updatedReplicas": 1, "replicas": 4, "availableReplicas": 3}, Rollout.WAITING),
            ({"updatedReplicas": 3, "replicas": 4, "availableReplicas": 3}, Rollout.WAITING),
            ({"updatedReplicas": 3, "replicas": 3, "availableReplicas": 2}, Rollout.WAITING),
            ({"updatedReplicas": 3, "replicas": 3, "availableReplicas": 3}, Rollout.DONE),
            ({"conditions": [timed_out("rs-2")]}, Rollout.FAILED),
            ({"conditions": [timed_out("rs-3")]}, Rollout.WAITING),
        ],
    )
    def test_as_the_controller_tells_it(
        self, kube: Kube, target: Deployment, told: dict[str, Any], rollout: Rollout
    ) -> None:
        plan = target.plan("v2")
        target.apply(plan, "key")
        status(kube, **told)
        look = target.verify(plan)
        assert (look.where, look.rollout) == (Where.AFTER, rollout)


NO_ANSWERS = [Said(504), Said(cut=True), Said(raw=b"HTTP/1.0 200 OK\r\n\r\n<")]


class TestHalfDead:
    @pytest.mark.parametrize("said", NO_ANSWERS)
    def test_a_dry_run_without_an_answer_is_no_plan(
        self, server: StandIn, kube: Kube, target: Deployment, said: Said
    ) -> None:
        server.answer = lambda asked: said if asked.method == "PATCH" else kube(asked)
        with pytest.raises(Unreachable):
            target.plan("v2")

    @pytest.mark.parametrize("said", NO_ANSWERS)
    def test_a_write_without_one_may_have_been_done(
        self, server: StandIn, kube: Kube, target: Deployment, said: Said
    ) -> None:
        plan = target.plan("v2")

        def lost(asked: Any) -> Any:
            answer = kube(asked)
            real = asked.method == "PATCH" and "dryRun" not in asked.path
            return said if real else answer

        server.answer = lost
        with pytest.raises(Unsure):
            target.apply(plan, "key")
        assert len(kube.written) == 1
        assert target.verify(plan).where is Where.AFTER


def test_it_is_read_as_it_is_planned(target: Deployment) -> None:
    reading = target.read()
    assert [one.version for one in reading.held] == ["v3", "v2", "v1"]
    assert reading.now == reading.held[0].state


def test_one_whose_default_is_already_there_has_nothing_to_do(
    kube: Kube, target: Deployment
) -> None:
    kube.objects[PATH]["spec"]["template"] = template("v2", enableServiceLinks=True)
    kube.defaults = {"enableServiceLinks": True}
    with pytest.raises(Refused, match="would not change"):
        target.plan("v2")


def test_a_paused_one_is_refused(kube: Kube, target: Deployment) -> None:
    kube.objects[PATH]["spec"]["paused"] = True
    with pytest.raises(Refused, match="is paused"):
        target.plan("v2")


def test_without_the_right_to_patch_there_is_no_plan(kube: Kube, target: Deployment) -> None:
    kube.forbidden = True
    with pytest.raises(Refused, match=r"403: may not patch \(the credential may not do this\)"):
        target.plan("v2")


def test_one_that_is_gone_is_not_reached(kube: Kube, target: Deployment) -> None:
    del kube.objects[PATH]
    with pytest.raises(Unreachable, match="404: not found"):
        target.plan("v2")
