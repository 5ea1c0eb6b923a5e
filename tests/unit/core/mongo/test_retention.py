"""The retention that a deployment may set for its collections."""

import pytest

from chancery.core.mongo.collections import UnfitRetention, retention_of
from chancery.wiring.registry import COLLECTIONS


def test_retention_is_accepted_for_collections_that_expire():
    assert retention_of('{"tool_call_logs": 30, "audit_exports": 24855}', COLLECTIONS) == {
        "tool_call_logs": 30,
        "audit_exports": 24_855,
    }
    assert retention_of("{}", COLLECTIONS) == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON"),
        ("[1]", "is not a JSON object"),
        ("null", "is not a JSON object"),
        ('{"tool_call_log": 30}', "there is no collection tool_call_log"),
        ('{"audit_logs": 30}', "audit_logs is stored for ever"),
        ('{"restored_audit_logs": 30}', "restored_audit_logs is stored for ever"),
        ('{"tool_call_logs": 0}', "tool_call_logs needs 1 to 24855 whole days"),
        ('{"tool_call_logs": -1}', "tool_call_logs needs 1 to"),
        ('{"tool_call_logs": 24856}', "tool_call_logs needs 1 to"),
        ('{"tool_call_logs": 1.5}', "tool_call_logs needs 1 to"),
        ('{"tool_call_logs": "30"}', "tool_call_logs needs 1 to"),
        ('{"tool_call_logs": true}', "tool_call_logs needs 1 to"),
        ('{"tool_call_logs": null}', "tool_call_logs needs 1 to"),
    ],
)
def test_other_retention_is_refused_with_the_allowed_values(text, message):
    with pytest.raises(UnfitRetention, match=message) as refused:
        retention_of(text, COLLECTIONS)

    assert "tool_call_logs" in refused.value.detail


def test_all_errors_are_reported_at_once():
    with pytest.raises(UnfitRetention) as refused:
        retention_of('{"audit_logs": 0, "nothing": 1}', COLLECTIONS)

    for message in ("audit_logs is stored for ever", "audit_logs needs 1", "no collection nothing", "It may name: "):
        assert message in refused.value.detail
