"""The image and the stack file, by a real engine: built, run, scraped, updated and rolled back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.exporter.test_real_prometheus import prometheus
from tests.oracle import compare
from tests.support.daemon import samples, summed
from tests.support.engine import Engine, own_network, wait_for
from tests.support.kafka_security import PASSWORDS, SecureBroker
from tests.support.real import absent
from tests.support.root import write_root
from tests.support.traffic import HOUR, MODEL, Sender, begin, make
from tests.support.ways import DEPLOY, ROOT

pytestmark = pytest.mark.engine

SERVICE = "inferwatch_inferwatch"
METRICS = "http://127.0.0.1:10464/metrics"
TOPIC = "inferences"
HOURS, RECORDS = 24, 30_000


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    if not list((ROOT / "dist" / "wheels").glob("*.whl")):
        absent("dist/wheels (make wheels)")
    with own_network(), Engine() as running:
        yield running


@pytest.fixture(scope="module")
def image(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The image of deploy/container/Dockerfile, on a base made of this machine's packages."""
    root = tmp_path_factory.mktemp("root") / "root.tar"
    write_root(root)
    base = engine.docker("import", str(root))
    file = DEPLOY / "container" / "Dockerfile"
    told = [f"--file={file}", f"--build-arg=BASE_IMAGE={base}", "--build-arg=PIP_NO_INDEX=1"]
    return engine.build(ROOT, *told)


def based_on(engine: Engine, image: str, folder: Path, line: str) -> str:
    """An image that is this one and a line more."""
    (folder / "Dockerfile").write_text(f"FROM {image}\n{line}\n")
    return engine.build(folder)


class Stack:
    """Swarm with the stack file, as docs/deploy.md says."""

    def __init__(self, engine: Engine, broker: SecureBroker, folder: Path) -> None:
        self._engine = engine
        node = engine.docker("swarm", "init", "--advertise-addr=127.0.0.1") and engine.docker(
            "node", "ls", "--quiet"
        )
        engine.docker("node", "update", "--label-add=inferwatch.state=true", node)
        (folder / "password").write_text(PASSWORDS["SCRAM-SHA-512"] + "\n")
        engine.docker("secret", "create", "kafka_password", str(folder / "password"))
        engine.docker("secret", "create", "kafka_ca", str(broker.files.ca))
        # The shipped config, with this Kafka and the model of the traffic in place of the examples.
        text = (DEPLOY / "swarm" / "inferwatch.yml").read_text()
        address = broker.login.address
        text = text.replace('"kafka:9093"', f'"{address}"').replace(
            f"topics: [{TOPIC}]", f"topics: [{TOPIC}]\n    start: earliest"
        )
        text = re.sub(r"(?<=models:\n).*?(?=log:)", MODEL.replace("TOPIC", TOPIC), text, flags=re.S)
        self._config = folder / "inferwatch.yml"
        self._config.write_text(text)

    def deploy(self, image: str) -> None:
        """`docker stack deploy`, with the image, the network and the config given from outside."""
        environ = {"IMAGE": image, "NETWORK": "host", "CONFIG_FILE": str(self._config)}
        file = str(DEPLOY / "swarm" / "stack.yml")
        self._engine.docker(
            "stack", "deploy", "--resolve-image=never", "-c", file, "inferwatch", **environ
        )

    def wait_until(self, state: str) -> None:
        """Wait until the last update has come to this."""

        def reached() -> bool:
            status = self._engine.inspect("service", SERVICE).get("UpdateStatus") or {}
            return status.get("State") == state

        wait_for(reached, self.said)

    def container(self) -> dict[str, Any]:
        """The one container that runs, once it is healthy."""

        def healthy() -> str:
            filters = [f"--filter=name={SERVICE}", "--filter=health=healthy"]
            return self._engine.docker("ps", "--quiet", *filters)

        (found,) = wait_for(healthy, self.said).split()
        return self._engine.inspect("container", found)

    def remove(self) -> None:
        """`docker stack rm`, and no container is left."""
        self._engine.docker("stack", "rm", "inferwatch")
        wait_for(lambda: not self._engine.docker("ps", "--quiet"), self.said)

    def said(self) -> str:
        """What there is to know when it goes wrong."""
        tasks = self._engine.run("service", "ps", "--no-trunc", SERVICE).stdout
        ended = self._engine.run("ps", "--all", "--quiet", "--filter=status=exited").stdout
        logs = [self._engine.run("logs", "--tail=20", one) for one in ended.split()[:1]]
        return tasks + "".join(log.stdout + log.stderr for log in logs)


@pytest.fixture(scope="module")
def broker(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureBroker]:
    """A real Kafka with a login, in the engine's network."""
    running = SecureBroker(tmp_path_factory.mktemp("kafka"))
    running.start()
    running.create(TOPIC, partitions=3, max_message_bytes="1048576")
    yield running
    running.stop()


def metrics() -> dict[str, float]:
    try:
        return samples(httpx.get(METRICS, timeout=10).text)
    except httpx.HTTPError:
        return {}


def test_the_image_runs_as_nobody_and_has_what_it_needs(engine: Engine, image: str) -> None:
    config = engine.inspect("image", image)["Config"]
    assert config["User"] == "65532:65532"
    assert config["Healthcheck"]["Test"][:2] == ["CMD", "python3"]
    assert list(config["Volumes"]) == ["/var/lib/inferwatch"]
    bare = ["run", "--rm", "--network=host", "--read-only", "--cap-drop=ALL"]
    assert engine.docker(*bare, image, "version").startswith("inferwatch ")
    # What the wheels ask of the system is in the base, too.
    engine.docker(
        *bare, "--entrypoint=python3", image, "-c", "import pyarrow, scipy.stats, monitor.app"
    )
    id_of = engine.docker(*bare, "--entrypoint=id", image, "-u")
    assert id_of == "65532"
    writes = engine.run(*bare, "--entrypoint=touch", image, "/opt/inferwatch/x")
    assert "Read-only file system" in writes.stderr
    own = engine.run(
        "run", "--rm", "--network=host", "--entrypoint=touch", image, "/opt/inferwatch/x"
    )
    assert "Permission denied" in own.stderr  # with a root that may be written, too


def test_no_window_is_lost_by_an_update_a_rollback_and_an_update_that_fails(
    engine: Engine, image: str, broker: SecureBroker, tmp_path: Path
) -> None:
    start = begin(HOURS)
    traffic, sender = make(RECORDS, HOURS, start, seed=7), Sender(broker.address, TOPIC)
    newer = based_on(engine, image, tmp_path, "LABEL release=2")
    broken = based_on(engine, image, tmp_path, 'ENTRYPOINT ["false"]')
    stack = Stack(engine, broker, tmp_path)

    def send() -> None:
        sender.send(traffic, most=RECORDS // 6)
        sender.flush()

    send()
    stack.deploy(image)
    container = stack.container()
    assert container["Image"] == image
    assert container["HostConfig"]["ReadonlyRootfs"] is True
    assert container["HostConfig"]["CapDrop"] == ["ALL"]

    job = {"job_name": "inferwatch", "static_configs": [{"targets": ["127.0.0.1:10464"]}]}
    with prometheus(tmp_path, [job]) as client:

        def scraped() -> float:
            query = {"query": 'sum(inferwatch_records_total{outcome="ok",job="inferwatch"})'}
            try:
                found = client.get("/query", params=query).json()["data"]["result"]
            except httpx.TransportError:
                return 0.0
            return float(found[0]["value"][1]) if found else 0.0

        assert wait_for(scraped, stack.said) > RECORDS / 12

    stack.deploy(newer)
    send()  # while the old one ends and the new one begins
    stack.wait_until("completed")
    assert stack.container()["Image"] == newer

    engine.docker("service", "rollback", "--detach", SERVICE)
    send()
    stack.wait_until("rollback_completed")
    assert stack.container()["Image"] == image

    stack.deploy(broken)
    send()
    wait_for(
        lambda: "Rejected" in stack.said() or "Failed" in stack.said(), stack.said
    )  # it was really tried
    stack.wait_until("rollback_completed")
    assert stack.container()["Image"] == image

    sender.send(traffic)
    sender.flush()
    end = start + HOURS * HOUR

    def closed() -> dict[str, float]:
        found = metrics()
        ends = [v for k, v in found.items() if k.startswith("inferwatch_window_end")]
        done = summed(found, "inferwatch_consumer_lag_records") == 0 and max(ends, default=0) >= end
        return found if done and found.get("inferwatch_checkpoint_unsaved_panes") == 0 else {}

    state = engine.volume("inferwatch_inferwatch-state")

    def whole() -> bool:
        return not compare.archive(broker.address, TOPIC, state).problems

    # While nobody sent anything the wall clock had closed the last hour: its rows are a revision.
    wait_for(whole, lambda: compare.archive(broker.address, TOPIC, state).said())
    found = wait_for(closed, stack.said)
    stack.remove()
    result = compare.archive(broker.address, TOPIC, state)
    lengths = {"1h": HOUR, "6h": 6 * HOUR}
    result.problems += compare.scrape(found, broker.address, TOPIC, lengths)
    assert not result.problems, result.said()
    assert result.panes > HOURS
    assert result.rows > RECORDS * 0.8
    assert state.stat().st_uid == 65532
