"""Leases on documents of their own, and within a document that is there."""

from datetime import UTC, datetime, timedelta

import pytest

from chancery.core.mongo.leases import DURATION, Leases

KEY = {"tenantId": "acme"}
ITEM = {"tenantId": "acme", "refId": "01J0000000000000000000000A"}


class Clock:
    now = datetime(2026, 3, 1, tzinfo=UTC)

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture(params=["whole", "within"])
def lease(request, connect, clock):
    """Leases and the key of one."""
    if request.param == "whole":
        return Leases(connect("pusher").live_leases, clock, creates=True), KEY
    connect("writer").destination_states.insert_one({**ITEM, "positions": {}})
    return Leases(connect("deliverer").destination_states, clock, within="lease"), ITEM


def test_one_process_has_a_lease_until_it_gives_it_back(lease):
    leases, key = lease

    assert leases.take(key, "one", None)
    assert leases.is_held(key)
    assert not leases.take(key, "two", None)
    assert not leases.reserve(key)

    assert leases.release(key, "one")
    assert not leases.is_held(key)
    assert leases.take(key, "two", None)
    assert not leases.release(key, "one")
    assert not leases.renew(key, "one")
    assert leases.renew(key, "two")


def test_a_lease_is_handed_over_by_its_token(lease):
    leases, key = lease
    leases.take(key, "one", None)

    assert not leases.take(key, "two", "other")
    assert leases.take(key, "two", "one")
    assert not leases.renew(key, "one")


def test_a_reservation_is_made_once_and_taken_by_any_process(lease):
    leases, key = lease

    assert leases.reserve(key)
    assert not leases.reserve(key)
    assert leases.take(key, "one", None)
    assert not leases.release(key)
    assert leases.is_held(key)


def test_a_lease_that_is_not_renewed_expires(lease, clock):
    leases, key = lease
    leases.take(key, "one", None)
    clock.now += DURATION - timedelta(milliseconds=1)
    assert leases.renew(key, "one")

    clock.now += DURATION - timedelta(milliseconds=1)
    assert not leases.take(key, "two", None)
    clock.now += timedelta(milliseconds=1)
    assert leases.take(key, "two", None)


def test_a_lease_that_was_given_back_is_free_at_once_whatever_the_clock_of_another_says(lease, clock):
    leases, key = lease
    leases.take(key, "one", None)
    leases.release(key, "one")

    clock.now -= timedelta(minutes=1)

    assert not leases.is_held(key)
    assert leases.reserve(key)


def test_a_document_that_is_missing_has_no_lease_where_none_is_made(connect, clock):
    leases = Leases(connect("deliverer").destination_states, clock, within="lease")

    assert not leases.take(ITEM, "one", None)
    assert not leases.reserve(ITEM)
