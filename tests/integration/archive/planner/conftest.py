"""The planner on a real database, with a clock and queues of the tests."""

from datetime import timedelta

import pytest

from chancery.archive.month_selection import Month
from tests.integration.archive.planner.synthetic import SYNTHETIC, TENANTS
from tests.integration.archive.planning import Planning, stored


@pytest.fixture
def planning(connect) -> Planning:
    return Planning(connect("archiver"))


@pytest.fixture
def store(connect):
    def insert(*created, **options):
        stored(connect("writer"), *created, **options)

    return insert


@pytest.fixture
def synthetic(store):
    """60 months of 20 tenants, each with a record in its first and in its last millisecond."""
    assert len(set(SYNTHETIC)) == 60
    assert Month(2024, 2) in {month for _, month in SYNTHETIC}
    for tenant in TENANTS:
        months = [month for owner, month in SYNTHETIC if owner == tenant]
        ends = [moment for month in months for moment in (month.start, month.end - timedelta(milliseconds=1))]
        store(*ends, tenant=tenant)
