"""The section `switch`: each kind of target, and each mistake by what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from monitor.config_switch import SwitchConfig
from monitor.switch.machine import Rules
from monitor.switch.making import make_rules, make_targets
from monitor.switch.targets.deployment import Deployment
from monitor.switch.targets.inference_service import InferenceService
from monitor.switch.targets.mlflow import MlflowAlias
from monitor.switch.targets.swarm import SwarmService
from monitor.switch.targets.webhook import Webhook

GOOD = """
approvers: [ada, grace]
approvals: 2
expire: 4h
targets:
  - model: a
    mlflow: {url: "http://mlflow.example:5000/", registered_model: flights, alias: champion}
  - model: b
    deployment: {namespace: models, name: scorer}
  - model: c
    inference_service: {namespace: models, name: scorer, versions: {1.0: "s3://models/1"}}
  - model: d
    swarm: {service: scorer, label: version}
  - model: e
    webhook:
      {url: "https://ci.example/do", state_url: "https://ci.example/at", secret_file: s,
       versions: {x: y}}
"""


def section(text: str) -> SwitchConfig:
    return SwitchConfig.model_validate(yaml.safe_load(text), context={"folder": Path("/etc/iw")})


def refusal(path: str, value: Any) -> str:
    """What is said to the good section with one value changed."""
    made = yaml.safe_load(GOOD)
    *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    at = made
    for step in steps:
        at = at[step]
    at[last] = value
    with pytest.raises(ValidationError) as caught:
        SwitchConfig.model_validate(made)
    return " ".join(error["msg"] for error in caught.value.errors())


def test_each_kind_becomes_its_target() -> None:
    targets = make_targets(section(GOOD))
    kinds = [MlflowAlias, Deployment, InferenceService, SwarmService, Webhook]
    assert [type(one) for one in targets.values()] == kinds
    assert [one.describe() for one in targets.values()] == [
        "mlflow alias champion of flights at http://mlflow.example:5000",
        "Deployment models/scorer at https://kubernetes.default.svc",
        "InferenceService models/scorer at https://kubernetes.default.svc",
        "Swarm service scorer at unix:///var/run/docker.sock",
        "webhook https://ci.example/do",
    ]


def test_the_rules() -> None:
    assert make_rules(section(GOOD)) == Rules(frozenset({"ada", "grace"}), 2, 4 * 3600.0, 900.0)


def test_files_lie_beside_the_config() -> None:
    webhook = section(GOOD).targets[4].webhook
    assert webhook is not None
    assert webhook.secret_file == Path("/etc/iw/s")


def test_a_version_that_yaml_takes_for_a_number_is_the_text_of_records() -> None:
    service = section(GOOD).targets[2].inference_service
    assert service is not None
    assert service.versions == {"1": "s3://models/1"}


@pytest.mark.parametrize(
    ("path", "value", "what"),
    [
        ("targets.1.model", "a", "'a' has a target already; a model has one"),
        ("targets.1", {"model": "b"}, "names no target; write one of mlflow, deployment"),
        ("targets.0.swarm", {"service": "s", "label": "v"}, "stands beside mlflow"),
        ("targets.0.mlflow.url", "http://ada:pw@x", "has a login inside"),
        ("targets.0.mlflow.url", "file:///etc", "is not a URL of http"),
        ("targets.0.mlflow.registered_model", "x' OR '1", "is no name of a registered model"),
        ("targets.0.mlflow.alias", "latest", "is no alias that MLflow takes"),
        ("targets.1.deployment.namespace", "../x", "is no name of an object in Kubernetes"),
        ("targets.1.deployment.label", "a b", "is no name of a label"),
        ("targets.2.inference_service.versions", {}, "at least 1"),
        ("targets.3.swarm.socket", "tcp://10.0.0.1:2375", "is no socket on this machine"),
        ("targets.3.swarm.versions", {"a": "b"}, "stands beside label"),
        ("targets.3.swarm.label", None, "is missing, and versions too"),
        ("approvals", 3, "less than or equal to 2"),
        ("approvals", 0, "greater than or equal to 1"),
        ("approvers", ["ada"], "2 approvals take as many approvers"),
        ("approvers", [], "at least 1"),
        ("approvers", ["ada", "ada"], "2 approvals take as many approvers"),
        ("who", "x", "Extra inputs are not permitted"),
    ],
)
def test_each_mistake_says_what_to_do(path: str, value: Any, what: str) -> None:
    assert what in refusal(path, value)


def test_a_tag_and_a_map_at_once() -> None:
    mlflow = {"url": "http://x", "registered_model": "m", "alias": "a", "tag": "t"}
    assert "stands beside tag" in refusal("targets.0.mlflow", mlflow | {"versions": {"1": "2"}})
    files = {"token_file": "a", "login_file": "b"}
    assert "stands beside token_file" in refusal("targets.0.mlflow", mlflow | files)
