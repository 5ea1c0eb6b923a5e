"""POST /v1/audit-logs through the real handler."""

from tests.builders import event, http, principal


def test_one_event_is_stored_and_answered_with_its_receipt(call, connect):
    status, receipt, headers = call("record_audit_logs", http("POST", "/v1/audit-logs", event(), caller=principal()))

    stored = connect("reader").audit_logs.find_one({"tenantId": "acme", "refId": receipt["refId"]})
    assert status == 201
    assert headers["Location"] == f"/v1/audit-logs/{receipt['refId']}"
    assert set(receipt) == {"refId", "createdOn", "recordedOn", "digest"}
    assert stored["action"] == "blog_post.approved" and stored["digest"] == receipt["digest"]
