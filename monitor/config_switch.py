"""The section `switch`: what may be switched to another version, and who approves it.

It is no key of the file yet: `Config` takes it in once the daemon makes a `Room` of it, by
`monitor.switch.making`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from monitor.config_alertmanager import Url
from monitor.config_types import (
    File,
    Misplaced,
    Name,
    Section,
    SomeDuration,
    Text,
    Whole,
    Written,
    show,
)
from monitor.switch.targets.deployment import LABEL
from monitor.switch.targets.kubernetes import IN_CLUSTER

Versions = Annotated[
    Mapping[Name, Text], Field(min_length=1), Written("mapping of versions to text")
]

_KUBE = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_LABEL = re.compile(
    r"([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?", re.ASCII
)
_SERVICE = re.compile(r"[A-Za-z0-9][-\w.]{0,127}", re.ASCII)
_MLFLOW = re.compile(r"[^/:'\"%]{1,250}")
_ALIAS = re.compile(r"(?!latest$)(?!v[0-9]+$)[-\w]{1,255}", re.ASCII | re.IGNORECASE)


def _matching(pattern: re.Pattern[str], what: str, example: str) -> BeforeValidator:
    def matched(value: Any) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value) or not value.isprintable():
            raise ValueError(f"{show(value)} is no {what}; write for example {example}")
        return value

    return BeforeValidator(matched)


KubeName = Annotated[
    str, _matching(_KUBE, "name of an object in Kubernetes", "scorer"), Written("text")
]
Label = Annotated[str, _matching(_LABEL, "name of a label", LABEL), Written("text")]
Service = Annotated[str, _matching(_SERVICE, "name of a Swarm service", "scorer"), Written("text")]
Registered = Annotated[
    str, _matching(_MLFLOW, "name of a registered model", "arrival-delay"), Written("text")
]
Alias = Annotated[str, _matching(_ALIAS, "alias that MLflow takes", "champion"), Written("text")]


def _socket(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"unix:///[^\s?#%]+", value):
        example = "unix:///var/run/docker.sock"
        raise ValueError(f"{show(value)} is no socket on this machine; write for example {example}")
    return value


Socket = Annotated[str, BeforeValidator(_socket), Written("unix:///PATH")]


def _only_one(section: Section, first: str, second: str) -> None:
    if getattr(section, first) is not None and getattr(section, second) is not None:
        raise Misplaced(f"stands beside {first}; a version is found by one of them", second)


class MlflowTarget(Section):
    """The alias of a registered model in an MLflow registry. A version is the number in the
    registry, unless `tag` or `versions` says otherwise."""

    url: Url = Field(description="The tracking server.", examples=["http://mlflow.example:5000"])
    registered_model: Registered = Field(
        description="Name of the registered model.", examples=["arrival-delay"]
    )
    alias: Alias = Field(
        description="The alias that the model server follows.", examples=["champion"]
    )
    tag: Text | None = Field(
        default=None,
        description="Tag of a registered version that says what records call it.",
        examples=["release"],
    )
    versions: Versions | None = Field(
        default=None,
        description="What records call a version, and its number in the registry.",
        examples=[{"ridge-1": "3"}],
    )
    token_file: File | None = Field(
        default=None, description="File with a bearer token.", examples=["mlflow.token"]
    )
    login_file: File | None = Field(
        default=None, description="File with `user:password`.", examples=["mlflow.login"]
    )
    ca_file: File | None = Field(
        default=None, description="Who signs the server's certificate (PEM).", examples=["ca.pem"]
    )

    @model_validator(mode="after")
    def _one_way(self) -> MlflowTarget:
        _only_one(self, "tag", "versions")
        _only_one(self, "token_file", "login_file")
        return self


class _Cluster(Section):
    """Where an object in Kubernetes is."""

    namespace: KubeName = Field(description="Its namespace.", examples=["models"])
    name: KubeName = Field(description="Its name.", examples=["scorer"])
    url: Url = Field(
        default=IN_CLUSTER,
        description="The API server; by default the one of the cluster that inferwatch runs in.",
        examples=["https://10.0.0.1:6443"],
    )
    token_file: File | None = Field(
        default=None,
        description="File with a token; in the cluster, its own service account's.",
        examples=["kube.token"],
    )
    ca_file: File | None = Field(
        default=None,
        description="Who signs the API server's certificate (PEM); in the cluster, its own.",
        examples=["kube-ca.pem"],
    )


class DeploymentTarget(_Cluster):
    """A Deployment: to the pod template of one of its own ReplicaSets."""

    label: Label = Field(
        default=LABEL,
        description="Label or annotation of the pod template that says what records call a "
        "version.",
        examples=[LABEL],
    )


class InferenceServiceTarget(_Cluster):
    """A KServe InferenceService: to another storage URI of this list."""

    versions: Versions = Field(
        description="What records call a version, and its storage URI.",
        examples=[{"ridge-1": "s3://models/arrival-delay/1"}],
    )


class SwarmTarget(Section):
    """A Docker Swarm service: to what its earlier spec ran, or to an image of this list."""

    service: Service = Field(description="Its name.", examples=["scorer"])
    socket: Socket = Field(
        default="unix:///var/run/docker.sock",
        description="The engine's socket, on a manager: who may write there is root.",
        examples=["unix:///var/run/docker.sock"],
    )
    label: Text | None = Field(
        default=None,
        description="Label of the service or its containers that says what records call a version.",
        examples=["org.opencontainers.image.version"],
    )
    versions: Versions | None = Field(
        default=None,
        description="What records call a version, and its image.",
        examples=[{"ridge-1": "registry.example/scorer@sha256:0123"}],
    )

    @model_validator(mode="after")
    def _one_way(self) -> SwarmTarget:
        _only_one(self, "label", "versions")
        if self.label is None and self.versions is None:
            raise Misplaced("is missing, and versions too; say how a version is found", "label")
        return self


class WebhookTarget(Section):
    """A program of yours that switches, or opens a pull request."""

    url: Url = Field(description="Where it is told to.", examples=["https://ci.example/switch"])
    state_url: Url = Field(
        description="Where it says what runs.", examples=["https://ci.example/state"]
    )
    secret_file: File = Field(
        description="File with the secret by which requests are signed.", examples=["hook.secret"]
    )
    versions: Versions = Field(
        description="What records call a version, and what the program is told.",
        examples=[{"ridge-1": "refs/tags/ridge-1"}],
    )
    ca_file: File | None = Field(
        default=None, description="Who signs its certificate (PEM).", examples=["ca.pem"]
    )


KINDS = ("mlflow", "deployment", "inference_service", "swarm", "webhook")


class TargetConfig(Section):
    """What one model is switched by: one of the five."""

    model: Text = Field(description="The model.", examples=["arrival-delay"])
    mlflow: MlflowTarget | None = Field(default=None, description="An alias in MLflow.")
    deployment: DeploymentTarget | None = Field(default=None, description="A Deployment.")
    inference_service: InferenceServiceTarget | None = Field(
        default=None, description="A KServe InferenceService."
    )
    swarm: SwarmTarget | None = Field(default=None, description="A Docker Swarm service.")
    webhook: WebhookTarget | None = Field(default=None, description="A program of yours.")

    @model_validator(mode="after")
    def _one_kind(self) -> TargetConfig:
        given = [kind for kind in KINDS if getattr(self, kind) is not None]
        if not given:
            raise ValueError(f"names no target; write one of {', '.join(KINDS)}")
        if len(given) > 1:
            raise Misplaced(f"stands beside {given[0]}; a model has one target", given[1])
        return self


class SwitchConfig(Section):
    """What may be switched to another version of a model, and who approves it. Nothing is ever
    applied without a person."""

    targets: tuple[TargetConfig, ...] = Field(
        min_length=1, description="What is switched, a model each."
    )
    approvers: tuple[Text, ...] = Field(
        min_length=1,
        description="Names of users who may approve and reject; all others may only propose.",
        examples=[["ada", "grace"]],
    )
    approvals: Whole = Field(
        default=1,
        ge=1,
        le=2,
        description="How many approvals a switch takes: 1, or 2 by others than who proposed it "
        "(name three approvers, if they propose too).",
        examples=[2],
    )
    expire: SomeDuration = Field(
        default=86_400.0, description="How long a proposal waits.", examples=["4h"]
    )
    take_within: SomeDuration = Field(
        default=900.0,
        description="How long the target may take to roll out what was written.",
        examples=["30m"],
    )

    @model_validator(mode="after")
    def _possible(self) -> SwitchConfig:
        models = [one.model for one in self.targets]
        for place, model in enumerate(models):
            if model in models[:place]:
                what = f"{show(model)} has a target already; a model has one"
                raise Misplaced(what, "targets", place, "model")
        if len(set(self.approvers)) < self.approvals:
            what = f"{self.approvals} approvals take as many approvers; name another"
            raise Misplaced(what, "approvers")
        return self
