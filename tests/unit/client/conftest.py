"""A client on a bus that is a fake."""

import pytest

from chancery_client import AuditClient
from tests.unit.client.bus import Bus, pending


@pytest.fixture
def bus():
    return Bus()


@pytest.fixture
def make(bus, tmp_path):
    made = []

    def client(**options) -> AuditClient:
        options = {
            "spool_dir": tmp_path / "spool",
            "retry_pause": 0.001,
            "replay_every": 0.02,
            "linger": 0.005,
            "spool_after": 600,
            "put_events": bus,
        } | options
        made.append(AuditClient("bus", **options))
        return made[-1]

    yield client
    bus.open.set()
    for item in made:
        item.close(2)
        assert pending(item.stats) == 0
