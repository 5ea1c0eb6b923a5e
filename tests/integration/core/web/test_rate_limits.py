"""Rate limits against the real server, by its own clock."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from chancery.core.errors import TooLarge, Unavailable
from chancery.core.identity.principal import Principal
from chancery.core.identity.roles import Role
from chancery.core.mongo import client as mongo
from chancery.core.web.rate_limits import (
    RATE_LIMITS,
    RateCounters,
    RateLimit,
    RateLimited,
    RateLimiter,
    tenant_of,
)
from tests.builders import http, principal, set_settings

ACME = Principal("user-1", Role.USER, ("acme",))
SLOW = {"write": {"perSecond": 0.01, "burst": 500}}  # no test lasts until a record comes back


@pytest.fixture
def limiter(connect):
    return RateLimiter(connect("writer"), lambda _: SLOW)


def stored(connect, key="write:acme"):
    return connect("reader")[RATE_LIMITS.name].find_one({"_id": key})


def test_a_burst_passes_and_then_no_more(limiter):
    assert limiter.take(ACME, "write", 499)["RateLimit-Policy"] == '"write";q=500;w=50000'
    assert limiter.take(ACME, "write", 1)["RateLimit"].startswith('"write";r=0;t=')

    with pytest.raises(RateLimited) as refused:
        limiter.take(ACME, "write", 10)

    wait = int(refused.value.headers["Retry-After"])
    assert 500 <= wait <= 1000
    assert refused.value.headers["RateLimit"] == f'"write";r=0;t={wait}'


def test_what_was_refused_does_not_count(limiter, connect):
    limiter.take(ACME, "write", 500)
    before = stored(connect)["spentUntil"]

    with pytest.raises(RateLimited):
        limiter.take(ACME, "write", 500)

    assert stored(connect)["spentUntil"] == before


@pytest.mark.parametrize(("ahead_ms", "gains_ms", "within_ms"), [(3_000, 0, 0), (3_600_000, 3_600_000, 600_000)])
def test_a_request_that_began_before_others_does_not_set_the_time_back(limiter, connect, ahead_ms, gains_ms, within_ms):
    """`$$NOW` is the begin of an operation; a clock that is an hour ahead was another server's."""
    limiter.take(ACME, "write", 500)
    counters = connect("writer")[RATE_LIMITS.name]
    counters.update_one({"_id": "write:acme"}, {"$inc": {"now": float(ahead_ms), "spentUntil": float(ahead_ms)}})
    before = stored(connect)["spentUntil"]

    with pytest.raises(RateLimited):
        limiter.take(ACME, "write", 500)

    assert before - stored(connect)["spentUntil"] == pytest.approx(gains_ms, abs=within_ms)


def test_time_brings_back_what_the_rate_says(limiter, connect):
    limiter.take(ACME, "write", 500)
    connect("writer")[RATE_LIMITS.name].update_one({"_id": "write:acme"}, {"$inc": {"spentUntil": -10_000_000.0}})

    assert limiter.take(ACME, "write", 100)

    with pytest.raises(RateLimited):
        limiter.take(ACME, "write", 100)


def test_more_records_than_pass_at_once_are_too_large(limiter):
    with pytest.raises(TooLarge, match="500 records at once"):
        limiter.take(ACME, "write", 501)


def test_a_raised_limit_holds_at_once(connect):
    own = {"write": {"perSecond": 1, "burst": 500}}
    limiter = RateLimiter(connect("writer"), lambda _: own)
    limiter.take(ACME, "write", 500)

    own["write"] = {"perSecond": 1000, "burst": 500}
    with pytest.raises(RateLimited) as refused:
        limiter.take(ACME, "write", 500)

    assert int(refused.value.headers["Retry-After"]) == 1


def test_tenants_and_classes_do_not_share_a_limit(limiter, connect):
    limiter.take(ACME, "write", 500)

    assert limiter.take(ACME._replace(tenants=("globex",)), "write", 500)
    assert limiter.take(ACME, "read", 1)
    assert limiter.take(Principal("root", Role.SUPER_ADMIN, ("acme",)), "write", 500)


@pytest.mark.parametrize(
    ("caller", "tenant"),
    [
        (ACME, "acme"),
        (ACME._replace(requested_tenant="globex"), "acme"),
        (ACME._replace(tenants=("acme", "globex"), requested_tenant="globex"), "globex"),
        (ACME._replace(tenants=()), None),
        (Principal("root", Role.SUPER_ADMIN, ("acme",), requested_tenant="globex"), None),
    ],
)
def test_a_request_counts_against_a_tenant_of_its_token_whatever_the_header_names(caller, tenant):
    assert tenant_of(caller) == tenant


def test_fifty_callers_of_many_instances_get_the_burst_and_what_the_rate_adds(connect):
    limit = {"perSecond": 400, "burst": 200}
    limiters = [RateLimiter(connect("writer"), lambda _: {"write": limit}) for _ in range(5)]

    def call(at: int) -> int:
        passed = 0
        for _ in range(40):
            try:
                limiters[at % 5].take(ACME, "write", 1)
                passed += 1
            except RateLimited:
                pass
        return passed

    began = connect("writer").command("hello")["localTime"].timestamp() * 1000
    with ThreadPoolExecutor(50) as pool:
        passed = sum(pool.map(call, range(50)))
    end = stored(connect)

    due = 200 + (end["now"] - began) / 1000 * 400
    leased = 5 * 200 // 100
    assert passed <= due * 1.02 + leased
    if end["granted"] == 0:  # the limit was reached, and held to the end
        assert passed >= due * 0.98 - leased


def test_a_busy_instance_spends_a_lease_without_asking_again(connect, monkeypatch):
    limiter = RateLimiter(connect("writer"), lambda _: {"write": {"perSecond": 100, "burst": 1000}})
    moment = [50.0]
    monkeypatch.setattr("chancery.core.web.rate_limits.time.monotonic", lambda: moment[0])
    asked = []
    counters = limiter._counters
    monkeypatch.setattr(counters, "take", lambda *args: asked.append(args[2:]) or RateCounters.take(counters, *args))

    for _ in range(12):
        limiter.take(ACME, "write", 1)
    assert asked == [(1, 0), (1, 10)]

    moment[0] += 1.5  # the lease is over, and the instance no longer busy
    limiter.take(ACME, "write", 1)
    assert asked[2:] == [(1, 0)]


def test_what_is_given_back_may_be_taken_again(connect):
    counters, limit = RateCounters(connect("writer")), RateLimit(0.01, 1)

    assert counters.take("calls:acme/sap", limit)["granted"] == 1
    assert counters.take("calls:acme/sap", limit)["granted"] == 0
    counters.give_back("calls:acme/sap", limit)
    assert counters.take("calls:acme/sap", limit)["granted"] == 1


def test_each_one_that_waits_has_a_turn_of_its_own(connect):
    counters = RateCounters(connect("writer"))

    waits = [counters.wait("calls:acme/sap:queue", RateLimit(0.001, 5)) for _ in range(3)]

    assert [round(wait / 1000) for wait in waits] == [1, 2, 3]


def test_without_the_database_no_request_passes(limiter):
    with mongo.time_budget(0), pytest.raises(Unavailable):
        limiter.take(ACME, "write", 1)


def test_a_tenants_own_limit_holds_for_the_api(call, connect):
    set_settings(connect("writer"), limits={"read": {"perSecond": 1, "burst": 500}})
    connect("writer")[RATE_LIMITS.name].insert_one({"_id": "read:acme", "spentUntil": 4e12, "granted": 0, "now": 0.0})

    status, problem, headers = call(
        "read_audit_logs", http("GET", "/v1/audit-logs", caller=principal("user")), "reader"
    )

    assert (status, problem["violated-policies"]) == (429, ["read"])
    assert int(headers["Retry-After"]) == 1
