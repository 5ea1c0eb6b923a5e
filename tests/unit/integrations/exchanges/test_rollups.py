"""Histograms of durations: percentiles within 5 %, sums that do not depend on how exchanges are grouped."""

from datetime import UTC, datetime, timedelta
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chancery.integrations.exchanges.rollups import Figures, bucket_of, duration_of, increments

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DURATIONS = st.integers(0, 7 * 24 * 3600 * 1000)
EXCHANGES = st.lists(
    st.fixed_dictionaries(
        {
            "tenantId": st.sampled_from(("acme", "globex")),
            "systemCode": st.sampled_from(("sap", "crm")),
            "endpointCode": st.sampled_from(("orders", None)),
            "startedAt": st.integers(0, 7200).map(lambda seconds: NOON + timedelta(seconds=seconds)),
            "status": st.sampled_from(("SUCCESS", "FAILED", "TIMEOUT", "CANCELLED")),
            "durationMs": DURATIONS,
        }
    ),
    min_size=1,
)


def figures_of(rollups, period, **wanted):
    """The figures of rollups, as they are stored."""
    figures = Figures()
    for key, changes in rollups.items():
        if key.period == period and all(getattr(key, name) == value for name, value in wanted.items()):
            durations = {path.partition(".")[2]: n for path, n in changes.items() if path.startswith("durations.")}
            figures.add_rollup({**changes, "durations": durations})
    return figures.as_json()


@given(DURATIONS)
def test_the_duration_of_a_bucket_is_within_5_percent_of_all_in_it(duration):
    assert duration_of(bucket_of(duration)) == pytest.approx(duration, rel=0.05, abs=1)


@given(DURATIONS, DURATIONS)
def test_buckets_have_the_order_of_durations(one, other):
    assert (bucket_of(one) <= bucket_of(other)) or one > other


@given(EXCHANGES)
def test_rollups_have_the_figures_of_the_exchanges_themselves(exchanges):
    rollups, directly = increments(exchanges), Figures()
    for exchange in exchanges:
        directly.add_exchange(exchange)
    durations = sorted(exchange["durationMs"] for exchange in exchanges)

    for period in ("minute", "hour"):
        assert figures_of(rollups, period, endpoint_code=None) == directly.as_json()
    p95 = durations[ceil(len(durations) * 0.95) - 1]
    assert directly.as_json()["p95DurationMs"] == pytest.approx(p95, rel=0.05, abs=1)


@given(EXCHANGES, DURATIONS)
def test_an_exchange_that_ends_anew_is_moved_and_leaves_nothing_behind(exchanges, duration):
    rollups = increments(exchanges)
    ended = {"status": "SUCCESS", "durationMs": duration}
    anew = [
        {**item, **ended, "countedAs": {name: item[name] for name in ("status", "durationMs")}} for item in exchanges
    ]
    for key, changes in increments(anew).items():
        rollups[key].update(changes)

    assert figures_of(rollups, "hour", endpoint_code=None) == figures_of(
        increments([{**item, "countedAs": None} for item in anew]), "hour", endpoint_code=None
    )
