"""Settings from the environment."""

import pytest

from chancery.core.settings import BusSettings, MongoSettings, load


@pytest.fixture(autouse=True)
def _fresh():
    load.cache_clear()
    yield
    load.cache_clear()


def test_fields_come_from_the_environment_with_their_type(monkeypatch):
    monkeypatch.setenv("CHANCERY_MONGODB_DATABASE", "records")
    monkeypatch.setenv("CHANCERY_MONGODB_TIMEOUT_MS", "1234")

    settings = load(MongoSettings)

    assert (settings.mongodb_database, settings.mongodb_timeout_ms) == ("records", 1234)


def test_a_missing_setting_is_named(monkeypatch):
    monkeypatch.delenv("CHANCERY_EVENT_BUS", raising=False)

    with pytest.raises(LookupError, match="CHANCERY_EVENT_BUS"):
        load(BusSettings)
