"""An alias in MLflow: the requests to the letter, and each way in which it is not moved."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from monitor.switch.http import Client
from monitor.switch.target import Refused, Rollout, Unreachable, Unsure, Where
from monitor.switch.targets.mlflow import MlflowAlias
from tests.support.mlflow_stand_in import ALIAS, SEARCH, Registry
from tests.support.stand_in import Said, StandIn


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
def server(registry: Registry) -> Iterator[StandIn]:
    with StandIn(registry) as running:
        yield running


@pytest.fixture
def alias(server: StandIn) -> MlflowAlias:
    return MlflowAlias("arrivals", Client(server.url), "flights", "champion")


def test_what_is_asked_and_written_to_the_letter(server: StandIn, alias: MlflowAlias) -> None:
    plan = alias.plan("2")
    assert server.lines == [
        f"GET {ALIAS}?name=flights&alias=champion",
        f"GET {SEARCH}?filter=name%3D%27flights%27&max_results=200",
        f"GET {SEARCH}?filter=name%3D%27flights%27&max_results=200&page_token=2",
    ]
    assert plan.sentence == (
        f"mlflow alias champion of flights at {server.url}: from version 3 to version 2"
    )
    assert (plan.version, plan.key, plan.version_before) == ("2", "2", "3")
    server.asked.clear()
    alias.apply(plan, "key")
    get = f"GET {ALIAS}?name=flights&alias=champion"
    assert server.lines == [get, f"POST {ALIAS}", get]
    assert server.writes[0].json == {"name": "flights", "alias": "champion", "version": "2"}
    assert server.writes[0].headers["Content-Type"] == "application/json"


def test_it_took_where_the_alias_is_there(registry: Registry, alias: MlflowAlias) -> None:
    plan = alias.plan("2")
    assert alias.verify(plan).where is Where.BEFORE
    alias.apply(plan, "key")
    look = alias.verify(plan)
    assert (look.where, look.rollout) == (Where.AFTER, Rollout.DONE)
    registry.at = "1"
    assert alias.verify(plan).where is Where.OTHER
    registry.at = None
    assert alias.verify(plan).where is Where.OTHER


def test_the_same_plan_has_the_same_digest(alias: MlflowAlias) -> None:
    assert alias.plan("2").digest == alias.plan("2").digest != alias.plan("1").digest


def test_by_a_tag(server: StandIn, registry: Registry) -> None:
    alias = MlflowAlias("arrivals", Client(server.url), "flights", "champion", tag="release")
    plan = alias.plan("2024.1")
    assert (plan.key, plan.version_before) == ("1", "2024.3")
    with pytest.raises(Refused, match=r"version 1 is not held \(by its tag release\)"):
        alias.plan("1")
    registry.versions.append(registry.version("4", release="2024.1"))
    with pytest.raises(Refused, match=r"2024.1 is held 2 times \(by its tag release: 1, 4\)"):
        alias.plan("2024.1")


def test_by_a_map(server: StandIn) -> None:
    names = {"ridge-1": "1", "ridge-2": "3", "gone": "9"}
    alias = MlflowAlias("arrivals", Client(server.url), "flights", "champion", versions=names)
    assert alias.plan("ridge-1").key == "1"
    for version in ("1", "gone"):
        with pytest.raises(Refused, match="is not held"):
            alias.plan(version)


def test_a_version_that_is_not_ready_is_not_held(registry: Registry, alias: MlflowAlias) -> None:
    registry.versions.append(registry.version("4", status="FAILED_REGISTRATION"))
    with pytest.raises(Refused, match="version 4 is not held"):
        alias.plan("4")


def test_an_alias_that_is_not_set_is_named(registry: Registry, alias: MlflowAlias) -> None:
    registry.at = None
    with pytest.raises(Refused, match=r"flights has no alias champion .*; set it once"):
        alias.plan("2")


@pytest.mark.parametrize("version", ["2' OR name!='", "../../2", "2\n", "<b>2</b>", "2&alias=x"])
def test_a_hostile_version_is_in_no_request(
    server: StandIn, alias: MlflowAlias, version: str
) -> None:
    with pytest.raises(Refused, match="is not held"):
        alias.plan(version)
    asked = [one.path + one.body.decode() for one in server.asked]
    assert not any("OR" in one or ".." in one or "<" in one or "alias=x" in one for one in asked)


def test_what_changed_since_the_plan_is_not_written(
    server: StandIn, registry: Registry, alias: MlflowAlias
) -> None:
    plan = alias.plan("2")
    registry.at = "1"
    with pytest.raises(Refused, match="changed since the plan: it was version 3, and is version 1"):
        alias.apply(plan, "key")
    assert server.writes == []


def test_somebody_who_writes_right_after_makes_it_unsure(
    registry: Registry, alias: MlflowAlias
) -> None:
    plan = alias.plan("2")
    registry.after_write = lambda: setattr(registry, "at", "1")
    with pytest.raises(Unsure, match="it was written, and is version 1"):
        alias.apply(plan, "key")


def test_what_cannot_be_read_again_is_unsure(
    server: StandIn, registry: Registry, alias: MlflowAlias
) -> None:
    plan = alias.plan("2")
    registry.after_write = lambda: setattr(server, "answer", lambda _: Said(503))
    with pytest.raises(Unsure, match=r"it was written, and not read again: .*503"):
        alias.apply(plan, "key")
    assert registry.at == "2"


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (Said(403, {"error_code": "PERMISSION_DENIED", "message": "no"}), Refused),
        (Said(404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no"}), Refused),
        (Said(500, {"message": "database is locked"}), Unsure),
        (Said(cut=True), Unsure),
    ],
)
def test_it_is_sent_once_whatever_the_answer(
    server: StandIn, registry: Registry, alias: MlflowAlias, said: Said, error: type[Exception]
) -> None:
    plan = alias.plan("2")
    registry.write = said
    with pytest.raises(error):
        alias.apply(plan, "key")
    assert len(server.writes) == 1


def test_an_error_of_the_server_is_no_alias_that_is_not_set(
    server: StandIn, alias: MlflowAlias
) -> None:
    server.answer = lambda _: Said(503, {"message": "starting"})
    with pytest.raises(Unreachable, match="503: starting"):
        alias.plan("2")
    server.answer = lambda _: Said(404, {"message": "Not Found"})
    with pytest.raises(Unreachable, match="404: Not Found"):
        alias.plan("2")
