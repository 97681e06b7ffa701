"""What several rooms' tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.support.kafka import Broker, unique

# How fast the machine is says nothing about the code.
settings.register_profile(
    "inferwatch", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("inferwatch")


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One real Kafka for all tests of the run."""
    running = Broker(tmp_path_factory.mktemp("kafka"))
    running.start()
    yield running
    running.stop()


@pytest.fixture
def topic(broker: Broker) -> str:
    """A fresh topic of three partitions."""
    name = unique()
    broker.create(name, partitions=3)
    return name
