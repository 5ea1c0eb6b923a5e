"""Sessions of assumed roles: kept until shortly before they end."""

from datetime import UTC, datetime, timedelta

import pytest
from moto import mock_aws

from chancery.core.aws import assumed_roles, clients
from chancery.core.aws.assumed_roles import AssumedRoles

ROLE = "arn:aws:iam::123456789012:role/chancery"
NOW = datetime(2026, 3, 1, tzinfo=UTC)


class Sts:
    """Counts what is assumed."""

    def __init__(self):
        self.asked = []
        self.now = NOW

    def assume_role(self, **asked):
        self.asked.append(asked)
        keys = {"AccessKeyId": f"id-{len(self.asked)}", "SecretAccessKey": "s", "SessionToken": "t"}
        return {"Credentials": {**keys, "Expiration": self.now + timedelta(hours=1)}}


@pytest.fixture
def sts(monkeypatch):
    found = Sts()
    monkeypatch.setattr(clients, "client", lambda _service: found)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        yield found


def test_the_role_is_assumed_once_for_all_its_clients(sts):
    roles = AssumedRoles(lambda: sts.now)

    first = roles.client("s3", ROLE, "external", "eu-central-1")

    assert roles.client("s3", ROLE, "external", "eu-central-1") is first
    assert roles.client("events", ROLE, "external", "us-east-1") is not first
    assert first.meta.region_name == "eu-central-1"
    assert sts.asked == [
        {"RoleArn": ROLE, "RoleSessionName": "chancery", "ExternalId": "external", "DurationSeconds": 3600}
    ]


def test_another_external_id_has_another_session(sts):
    roles = AssumedRoles(lambda: sts.now)

    assert roles.client("s3", ROLE, "one") is not roles.client("s3", ROLE, "two")
    assert [asked["ExternalId"] for asked in sts.asked] == ["one", "two"]


@pytest.mark.parametrize(("minutes", "times"), [(54, 1), (55, 2), (60, 2)])
def test_a_session_is_renewed_before_it_ends(sts, minutes, times):
    roles = AssumedRoles(lambda: sts.now)
    roles.client("s3", ROLE, "external")
    sts.now += timedelta(minutes=minutes)

    roles.client("s3", ROLE, "external")

    assert len(sts.asked) == times


def test_a_session_that_was_refused_is_not_used_again(sts):
    roles = AssumedRoles(lambda: sts.now)
    first = roles.client("s3", ROLE, "external")

    roles.forget(ROLE, "external")

    assert roles.client("s3", ROLE, "external") is not first


def test_the_sessions_used_longest_ago_are_dropped(sts, monkeypatch):
    monkeypatch.setattr(assumed_roles, "_MOST", 2)
    roles = AssumedRoles(lambda: sts.now)
    first = roles.client("s3", ROLE, "1")
    roles.client("s3", ROLE, "2")
    assert roles.client("s3", ROLE, "1") is first

    roles.client("s3", ROLE, "3")

    assert roles.client("s3", ROLE, "1") is first
    roles.client("s3", ROLE, "2")
    assert [asked["ExternalId"] for asked in sts.asked] == ["1", "2", "3", "2"]


@pytest.mark.parametrize("service", ["s3", "events"])
def test_a_call_ends_soon_and_is_not_repeated(sts, service):
    config = AssumedRoles(lambda: sts.now).client(service, ROLE, "external").meta.config

    assert (config.connect_timeout, config.read_timeout, config.retries["total_max_attempts"]) == (3, 10, 1)
