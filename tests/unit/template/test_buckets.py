"""Buckets: private, encrypted, over TLS only; locks and lifecycles."""

import pytest

from chancery.wiring.deployment import UnfitLifecycle, refuse_unfit_lifecycle
from tests.unit.template.parsed import functions, resources, template

BUCKETS = resources("AWS::S3::Bucket")
POLICIES = {item["Bucket"]["Ref"]: item["PolicyDocument"] for item in resources("AWS::S3::BucketPolicy").values()}
WRITTEN_ONCE = {"LogBucket": "Days", "ArchiveBucket": "Years", "ContractBucket": "Years"}


@pytest.mark.parametrize("name", BUCKETS)
def test_a_bucket_is_private_encrypted_and_refuses_plain_http(name):
    assert set(BUCKETS[name]["PublicAccessBlockConfiguration"].values()) == {True}
    assert BUCKETS[name]["BucketEncryption"]
    tls = POLICIES[name]["Statement"][0]
    assert (tls["Effect"], tls["Principal"], tls["Action"]) == ("Deny", "*", "s3:*")
    assert tls["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


@pytest.mark.parametrize("name", WRITTEN_ONCE)
def test_a_bucket_of_proofs_is_locked_and_nothing_in_it_is_deleted_or_written_twice(name):
    lock = BUCKETS[name]["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]
    no_deletion, once = POLICIES[name]["Statement"][1:]

    assert lock["Mode"] == "COMPLIANCE" and WRITTEN_ONCE[name] in lock
    assert template()["Resources"][name]["DeletionPolicy"] == "RetainExceptOnCreate"
    assert no_deletion["Action"] == ["s3:DeleteObject", "s3:DeleteObjectVersion"]
    assert (once["Effect"], once["Action"]) == ("Deny", "s3:PutObject")
    assert once["Condition"]["Null"] == {"s3:if-none-match": "true"}


def test_bodies_of_tool_calls_outlive_their_documents_and_follow_their_retention():
    rules = BUCKETS["ContentBucket"]["LifecycleConfiguration"]["Rules"]
    expiring = {rule["Prefix"]: rule["ExpirationInDays"] for rule in rules if "ExpirationInDays" in rule}
    earlier = {
        rule["Prefix"]: rule["NoncurrentVersionExpiration"]["NoncurrentDays"] for rule in rules if "Prefix" in rule
    }
    days, of_exchanges = {"Ref": "ToolCallBodyDays"}, {"Ref": "ExchangeBodyDays"}

    assert BUCKETS["ContentBucket"]["VersioningConfiguration"] == {"Status": "Enabled"}
    assert earlier == {"tool-calls/": 1, "exchanges/": 1, "uploads/": 1, "content/": 30}
    assert expiring == {"tool-calls/": days, "exchanges/": of_exchanges, "uploads/": 1}
    defaults = {name: value.get("Default") for name, value in template()["Parameters"].items()}
    refuse_unfit_lifecycle({}, defaults["ToolCallBodyDays"], defaults["ExchangeBodyDays"])
    assert functions()["apply_schema"]["Environment"]["Variables"]["CHANCERY_TOOL_CALL_BODY_DAYS"] == days
    assert functions()["apply_schema"]["Environment"]["Variables"]["CHANCERY_EXCHANGE_BODY_DAYS"] == of_exchanges
    assert resources("Custom::MongoSchema")["Schema"]["ToolCallBodyDays"] == days
    assert resources("Custom::MongoSchema")["Schema"]["ExchangeBodyDays"] == of_exchanges
    assert template()["Resources"]["ContentBucket"]["DependsOn"] == "Schema"


@pytest.mark.parametrize(
    ("retention", "body_days", "fits"),
    [({}, 91, True), ({}, 97, True), ({}, 90, False), ({}, 98, False)]
    + [({"tool_call_logs": 30}, days, fits) for days, fits in ((30, False), (31, True), (37, True), (92, False))],
)
def test_a_lifecycle_that_loses_bodies_or_stores_them_for_too_long_is_refused(retention, body_days, fits):
    of_exchanges = {"integration_logs": retention["tool_call_logs"]} if retention else {}
    if fits:
        refuse_unfit_lifecycle(retention, body_days, 92)
        refuse_unfit_lifecycle(of_exchanges, 92, body_days)
    else:
        with pytest.raises(UnfitLifecycle, match="set ToolCallBodyDays to"):
            refuse_unfit_lifecycle(retention, body_days, 92)
        with pytest.raises(UnfitLifecycle, match="set ExchangeBodyDays to"):
            refuse_unfit_lifecycle(of_exchanges, 92, body_days)
