"""A client on a bus that is a fake."""

import pytest

from chancery_client import AuditClient
from tests.unit.client.bus import Bus, pending
from tests.unit.client.exchange_bus import ExchangeBus, log_to


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


@pytest.fixture
def exchange_bus():
    return ExchangeBus()


@pytest.fixture
def exchange_log(exchange_bus):
    """A log of exchanges; each of its events has an outcome at the end."""
    log = log_to(exchange_bus)
    yield log
    log.close(2)
    assert pending(log.stats) == 0


@pytest.fixture
def logged(exchange_bus, exchange_log):
    """Returns the exchanges that were logged."""

    def exchanges():
        assert exchange_log.flush(30)
        return exchange_bus.exchanges

    return exchanges
