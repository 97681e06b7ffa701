"""What only a restart can change is refused at a reload, by name, and all else stays as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.archives import read
from tests.support.harness import HEAD, Harness
from tests.support.lives import MODEL, row, series

SUCCESS = "inferwatch_config_last_reload_successful{}"
TO_TOPIC = HEAD.replace("dir: state", "dir: state, dead_letters: {topic: letters}")
KAFKA_CHANGED = "source.kafka has changed, and dead letters go there too; restart, or restore it"

MOVED = ('"127.0.0.1:1"', '"127.0.0.1:2"')
LOGS_IN = ("topics:", "security: {protocol: SSL}, topics:")


def began(folder: Path, head: str) -> Harness:
    """A daemon that has counted two rows."""
    harness = Harness(folder, MODEL, head)
    harness.start()
    harness.feed([row(), row()])
    harness.settle()
    return harness


def reloaded(harness: Harness, head: str, models: str = MODEL) -> str | None:
    """What a reload of this config says."""
    (harness.folder / "inferwatch.yml").write_text(head + models)
    return harness.app.reload()


@pytest.mark.parametrize("change", [MOVED, LOGS_IN], ids=["another address", "another login"])
def test_another_kafka_is_refused_while_dead_letters_go_to_it(
    tmp_path: Path, change: tuple[str, str]
) -> None:
    one = began(tmp_path, TO_TOPIC)
    source, pipeline = one.app._source, one.app.pipeline
    # Nothing of the config is taken over, also not what could have been.
    more = MODEL.replace("m\n", "renamed\n", 1)
    assert reloaded(one, TO_TOPIC.replace(*change), more) == KAFKA_CHANGED
    assert one.metrics()[SUCCESS] == 0
    assert (one.app._source, one.app.pipeline) == (source, pipeline)
    one.feed([row()])
    # Restored, and with a change that may be made, it is taken over.
    assert reloaded(one, TO_TOPIC, MODEL + "    lateness: 1m\n") is None
    assert one.metrics()[SUCCESS] == 1
    one.finish()
    one.app.stop()
    assert [pane["rows"] for pane in read(tmp_path / "state").values()] == [3]


def test_another_kafka_is_taken_over_where_dead_letters_go_to_files(tmp_path: Path) -> None:
    one = began(tmp_path, HEAD)
    assert reloaded(one, HEAD.replace(*MOVED)) is None
    one.feed([row()])
    assert sum(series(one, "inferences_total").values()) == 3
    one.app.stop()


@pytest.mark.parametrize(
    "heads", [(TO_TOPIC, HEAD), (HEAD, TO_TOPIC)], ids=["to files", "to Kafka"]
)
def test_another_place_for_dead_letters_is_refused_by_its_own_name(
    tmp_path: Path, heads: tuple[str, str]
) -> None:
    one = began(tmp_path, heads[0])
    refusal = reloaded(one, heads[1])
    assert refusal == (
        "state.dead_letters has changed, and only a restart can change it; restart, or restore it"
    )
    one.app.stop()
