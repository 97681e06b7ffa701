"""The stack file, as the real client of Docker reads it."""

from __future__ import annotations

from tests.support.ways import VERSION, stack


def test_there_is_one_daemon_and_the_old_one_ends_before_the_new_one_begins() -> None:
    deploy = stack()["services"]["inferwatch"]["deploy"]
    assert (deploy["mode"], deploy["replicas"]) == ("replicated", 1)
    assert deploy["update_config"]["order"] == deploy["rollback_config"]["order"] == "stop-first"
    assert deploy["update_config"]["failure_action"] == "rollback"
    assert deploy["placement"]["constraints"] == ["node.labels.inferwatch.state == true"]


def test_it_has_no_right_beyond_its_state_folder() -> None:
    said = stack()["services"]["inferwatch"]
    assert said["user"] == "65532:65532"
    assert said["read_only"] is True
    assert said["cap_drop"] == ["ALL"]
    writable = {volume["target"] for volume in said["volumes"]}
    assert writable == {"/var/lib/inferwatch", "/tmp"}  # noqa: S108 - in the container
    assert "ports" not in said


def test_secrets_are_made_elsewhere_and_read_by_its_user_alone() -> None:
    found = stack()
    assert all(secret["external"] for secret in found["secrets"].values())
    for secret in found["services"]["inferwatch"]["secrets"]:
        assert (secret["uid"], secret["mode"]) == ("65532", 0o400)


def test_image_network_and_config_are_given_from_outside() -> None:
    found = stack(IMAGE="registry.example/inferwatch:9.9.9", NETWORK="host", CONFIG="7")
    assert found["services"]["inferwatch"]["image"] == "registry.example/inferwatch:9.9.9"
    assert found["networks"]["monitoring"]["name"] == "host"
    assert found["configs"]["inferwatch_yml"]["name"] == "inferwatch_yml_7"
    assert stack()["services"]["inferwatch"]["image"] == f"inferwatch:{VERSION}"
