"""Daily quotas against the real server, by its own clock, and through the routes that they hold for."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from chancery.core.web import quotas
from chancery.core.web.quotas import QUOTA_USES, Quota, QuotaExceeded, Quotas


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(
        quotas,
        "QUOTAS",
        {
            "exports": Quota(3, "exports", "exportsPerDay"),
            "uploads": Quota(1000, "bytes of uploads", "uploadBytesPerDay"),
        },
    )


@pytest.fixture
def quota(connect):
    return Quotas(connect("writer"), lambda _: {})


def stored(connect, key):
    return connect("admin")[QUOTA_USES.name].find_one({"_id": key})


def test_a_tenant_has_its_quota_and_no_more(quota, connect):
    for _ in range(3):
        quota.take("acme", "exports")

    with pytest.raises(QuotaExceeded) as refused:
        quota.take("acme", "exports")

    problem = refused.value.as_problem()
    assert (problem["status"], problem["violated-policies"]) == (429, ["exports"])
    assert problem["detail"].startswith("This tenant has used 3 of its 3 exports today")
    assert 1 <= int(refused.value.headers["Retry-After"]) <= 86_400
    assert stored(connect, "exports:acme")["used"] == 3


def test_an_amount_that_is_refused_does_not_count(quota, connect):
    quota.take("acme", "uploads", 600)
    with pytest.raises(QuotaExceeded):
        quota.take("acme", "uploads", 401)
    quota.take("acme", "uploads", 400)

    assert stored(connect, "uploads:acme")["used"] == 1000


def test_tenants_and_quotas_do_not_share(quota):
    for tenant in ("acme", "globex", None, ""):
        quota.take(tenant, "uploads", 500)
        quota.take(tenant, "exports")


def test_a_tenant_may_have_a_quota_of_its_own(connect):
    quota = Quotas(connect("writer"), lambda tenant: {"exportsPerDay": 1} if tenant == "acme" else {})
    quota.take("acme", "exports")
    quota.take("globex", "exports", 3)

    with pytest.raises(QuotaExceeded, match="1 of its 1 exports"):
        quota.take("acme", "exports")


def test_a_new_day_begins_anew(quota, connect):
    quota.take("acme", "exports", 3)
    connect("admin")[QUOTA_USES.name].update_one(
        {"_id": "exports:acme"}, {"$set": {"day": stored(connect, "exports:acme")["day"] - timedelta(days=1)}}
    )

    quota.take("acme", "exports", 2)

    assert stored(connect, "exports:acme")["used"] == 2


def test_of_requests_at_the_same_time_no_more_pass(quota):
    def passes(_):
        try:
            quota.take("acme", "exports")
        except QuotaExceeded:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(passes, range(24))) == 3
