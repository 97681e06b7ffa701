"""Targets and rules from the section `switch`.

For the daemon: `Room(state.dir, make_targets(section), make_rules(section), time.time, told)`.
"""

from __future__ import annotations

from monitor.config_switch import (
    DeploymentTarget,
    InferenceServiceTarget,
    MlflowTarget,
    SwarmTarget,
    SwitchConfig,
    TargetConfig,
    WebhookTarget,
)
from monitor.switch.http import Client
from monitor.switch.machine import Rules
from monitor.switch.target import Target
from monitor.switch.targets.deployment import Deployment
from monitor.switch.targets.inference_service import InferenceService
from monitor.switch.targets.kubernetes import cluster
from monitor.switch.targets.mlflow import MlflowAlias
from monitor.switch.targets.swarm import SwarmService
from monitor.switch.targets.webhook import Webhook


def make_rules(section: SwitchConfig) -> Rules:
    """Who may approve, and for how long."""
    approvers = frozenset(section.approvers)
    return Rules(approvers, section.approvals, section.expire, section.take_within)


def make_targets(section: SwitchConfig) -> dict[str, Target]:
    """What is switched, by its model; nothing is asked yet."""
    return {one.model: _target(one) for one in section.targets}


def _target(one: TargetConfig) -> Target:
    if one.mlflow is not None:
        return _mlflow(one.model, one.mlflow)
    if one.deployment is not None:
        return _deployment(one.model, one.deployment)
    if one.inference_service is not None:
        return _inference_service(one.model, one.inference_service)
    if one.swarm is not None:
        return _swarm(one.model, one.swarm)
    assert one.webhook is not None  # noqa: S101 - the config has one of five
    return _webhook(one.model, one.webhook)


def _mlflow(model: str, at: MlflowTarget) -> Target:
    client = Client(at.url, at.token_file, at.ca_file, login_file=at.login_file)
    return MlflowAlias(model, client, at.registered_model, at.alias, at.tag, at.versions)


def _deployment(model: str, at: DeploymentTarget) -> Target:
    client = cluster(at.url, at.token_file, at.ca_file)
    return Deployment(model, client, at.namespace, at.name, at.label)


def _inference_service(model: str, at: InferenceServiceTarget) -> Target:
    client = cluster(at.url, at.token_file, at.ca_file)
    return InferenceService(model, client, at.namespace, at.name, at.versions)


def _swarm(model: str, at: SwarmTarget) -> Target:
    return SwarmService(model, Client(at.socket), at.service, at.label, at.versions)


def _webhook(model: str, at: WebhookTarget) -> Target:
    return Webhook(model, at.url, at.state_url, at.secret_file, at.versions, at.ca_file)
