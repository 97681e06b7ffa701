"""An InferenceService: its storage URI, to one that the config names and to no other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from monitor.switch.http import Client
from monitor.switch.target import Refused, Rollout, Where
from monitor.switch.targets.inference_service import InferenceService
from tests.support.kube_stand_in import Kube
from tests.support.stand_in import StandIn

PATH = "/apis/serving.kserve.io/v1beta1/namespaces/models/inferenceservices/scorer"
URIS = {
    "ridge-1": "s3://models/scorer/1",
    "ridge-2": "https://ada:secret@models.example/2?token=secret",
}


@pytest.fixture
def kube() -> Kube:
    meta = {"name": "scorer", "uid": "uid-1", "resourceVersion": "100", "generation": 7}
    model = {"modelFormat": {"name": "sklearn"}, "storageUri": URIS["ridge-2"]}
    return Kube(
        {PATH: {"metadata": meta, "spec": {"predictor": {"minReplicas": 1, "model": model}}}}
    )


@pytest.fixture
def server(kube: Kube) -> Iterator[StandIn]:
    with StandIn(kube) as running:
        yield running


@pytest.fixture
def target(server: StandIn) -> InferenceService:
    return InferenceService("m", Client(server.url), "models", "scorer", URIS)


def test_its_uri_is_patched_at_the_version_that_was_read(
    server: StandIn, kube: Kube, target: InferenceService
) -> None:
    plan = target.plan("ridge-1")
    assert (plan.key, plan.version_before) == ("ridge-1", "ridge-2")
    target.apply(plan, "key")
    assert server.lines == [f"GET {PATH}", f"GET {PATH}", f"PATCH {PATH}?fieldManager=inferwatch"]
    (patch,) = kube.written
    assert patch[1]["value"] == "100"
    assert patch[2:] == [
        {
            "op": "replace",
            "path": "/spec/predictor/model/storageUri",
            "value": "s3://models/scorer/1",
        }
    ]
    assert kube.objects[PATH]["spec"]["predictor"]["minReplicas"] == 1


def test_a_login_in_a_uri_is_shown_to_nobody(target: InferenceService) -> None:
    assert (
        "from https://models.example/2 to s3://models/scorer/1" in target.plan("ridge-1").sentence
    )
    assert "secret" not in repr(target.plan("ridge-1"))


@pytest.mark.parametrize("version", ["s3://evil/1", "ridge-3", "", "../ridge-1", "<b>"])
def test_a_version_that_the_config_does_not_name_is_refused(
    server: StandIn, target: InferenceService, version: str
) -> None:
    with pytest.raises(Refused, match=r"is not held \(by the map in the config\)"):
        target.plan(version)
    assert server.writes == []


def test_who_wrote_in_between_wins(server: StandIn, kube: Kube, target: InferenceService) -> None:
    plan = target.plan("ridge-1")

    def slow(asked: Any) -> Any:
        if asked.method == "PATCH":
            kube.change(PATH)
        return kube(asked)

    server.answer = slow
    with pytest.raises(Refused, match="409"):
        target.apply(plan, "key")
    kube.objects[PATH]["spec"]["predictor"]["model"]["storageUri"] = "s3://by/hand"
    with pytest.raises(Refused, match="changed since the plan"):
        target.apply(plan, "key")
    assert kube.written == []


def test_an_owner_is_named(kube: Kube, target: InferenceService) -> None:
    kube.objects[PATH]["metadata"]["labels"] = {"kustomize.toolkit.fluxcd.io/name": "x"}
    with pytest.raises(Refused, match="is managed by Flux"):
        target.plan("ridge-1")


def test_one_without_a_uri_is_refused(kube: Kube, target: InferenceService) -> None:
    kube.objects[PATH]["spec"]["predictor"] = {"containers": []}
    with pytest.raises(Refused, match=r"has no spec\.predictor\.model\.storageUri"):
        target.plan("ridge-1")


READY = [{"type": "Ready", "status": "True"}]


@pytest.mark.parametrize(
    ("told", "rollout"),
    [
        ({}, Rollout.WAITING),
        ({"observedGeneration": 7, "conditions": READY}, Rollout.WAITING),
        ({"observedGeneration": 8, "conditions": READY}, Rollout.DONE),
        ({"observedGeneration": 8}, Rollout.WAITING),
        (
            {
                "observedGeneration": 8,
                "conditions": READY,
                "modelStatus": {"transitionStatus": "InProgress"},
            },
            Rollout.WAITING,
        ),
        (
            {
                "observedGeneration": 8,
                "conditions": READY,
                "modelStatus": {"transitionStatus": "BlockedByFailedLoad"},
            },
            Rollout.FAILED,
        ),
    ],
)
def test_it_took_where_kserve_says_so(
    kube: Kube, target: InferenceService, told: dict[str, Any], rollout: Rollout
) -> None:
    plan = target.plan("ridge-1")
    assert target.verify(plan).where is Where.BEFORE
    target.apply(plan, "key")
    kube.objects[PATH]["status"] = told
    assert target.verify(plan).where is Where.AFTER
    assert target.verify(plan).rollout is rollout
