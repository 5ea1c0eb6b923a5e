"""Lists and single outputs, and the roles that may read them."""

import orjson
import pytest

from tests.builders import http
from tests.integration.content.conftest import audited
from tests.integration.content.outputs.conftest import PATH, PUBLISHED, output


def test_lists_are_filtered_and_leave_content_and_metadata_out(create, ask, reach):
    reach("approved")
    create(activityId="act-2", type="report")
    newest = create(activityId="act-2")

    def found(**query):
        return ask("GET", query=query)[1]["items"]

    assert [item["refId"] for item in found(activityId="act-2", type="blog_post")] == [newest]
    assert {item["type"] for item in found(status="draft")} == {"report", "blog_post"}
    assert [item["status"] for item in found(status="approved", fields="status")] == ["approved"]
    assert found(status="approved", fields="status")[0].keys() == {"refId", "status"}
    assert not {"content", "metadata", "bodies", "requestKey"} & {key for item in found() for key in item}
    assert ask("GET", query={"status": "lost", "limit": "0"})[1]["errors"].__len__() == 2
    assert ask("GET", query={"fields": "content"})[0] == 422


def test_another_tenants_output_does_not_exist(create, ask):
    ref_id = create()
    others = {"tenants": ("globex",)}

    assert ask("GET", f"/{ref_id}", **others)[0] == 404
    assert ask("GET", **others)[1]["items"] == []
    for verb, body in (("approve", None), ("reject", None), ("publish", PUBLISHED)):
        assert ask("POST", f"/{ref_id}/{verb}", body, **others)[0] == 404
    assert ask("POST", body=output(tenantId="acme"), role="producer", **others)[0] == 403
    assert ask("GET", f"/{ref_id}")[1]["status"] == "draft"


def test_a_super_admin_crosses_tenants_and_that_is_audited(create, ask, bus):
    ref_id = create()

    status, answer, _ = ask("POST", f"/{ref_id}/approve", role="super_admin")
    refused = ask("POST", body=output(), role="super_admin")
    created = ask("POST", body=output(tenantId="globex"), role="super_admin")

    assert (status, answer["status"]) == (200, "approved")
    assert refused[0] == 422 and created[1]["tenantId"] == "globex"
    assert audited(bus, "activity.approved")[0]["tenantId"] == "acme"
    assert [event["resourceId"] for event in audited(bus, "tenant.crossed")] == ["acme", "globex"]


@pytest.mark.parametrize(
    ("role", "may"),
    [
        ("super_admin", {"POST", "GET list", "GET", "approve", "reject", "publish"}),
        ("dm_user", {"POST", "GET list", "GET", "approve", "reject", "publish"}),
        ("user", {"POST", "GET list", "GET", "approve", "reject", "publish"}),
        ("auditor", {"GET list", "GET"}),
        ("producer", {"POST"}),
    ],
)
def test_roles(reach, ask, role, may):
    ids = {"approve": reach("draft"), "reject": reach("draft"), "publish": reach("approved"), "GET": reach("draft")}
    asked = {
        "POST": ("POST", "", output(tenantId="acme")),
        "GET list": ("GET", "", None),
        "GET": ("GET", f"/{ids['GET']}", None),
        "approve": ("POST", f"/{ids['approve']}/approve", None),
        "reject": ("POST", f"/{ids['reject']}/reject", {"comment": "no"}),
        "publish": ("POST", f"/{ids['publish']}/publish", PUBLISHED),
    }

    statuses = {name: ask(*parts, role=role)[0] for name, parts in asked.items()}

    assert {name for name, status in statuses.items() if status in (200, 201)} == may
    assert {status for name, status in statuses.items() if name not in may} <= {403}


def test_requests_without_a_token_are_401(call, content_bucket):
    assert call("manage_activity_outputs", http("GET", PATH))[0] == 401


def test_only_reads_by_auditors_are_audited(create, ask, bus):
    ref_id = create()
    for role in ("user", "auditor"):
        ask("GET", f"/{ref_id}", role=role)
        ask("GET", query={"status": "draft"}, role=role)

    seen = audited(bus, "activity_output.viewed", "activity_output.listed")
    assert [(e["action"], e["actorId"]) for e in seen] == [
        ("activity_output.viewed", "auditor-1"),
        ("activity_output.listed", "auditor-1"),
    ]


def test_a_list_of_large_outputs_is_small(create, ask, connect, mongod):
    """Fifty outputs of 1 MB each: what MongoDB sends for a list of them, counted by the server itself."""
    for _ in range(2):
        create(content="x" * 1_000_000)
    admin = connect("admin")
    sample = admin.activity_outputs.find_one({}, {"_id": 0})
    admin.activity_outputs.insert_many(
        [{**sample, "refId": f"{n:026d}", "content": "x" * 1_000_000} for n in range(48)]
    )
    ask("GET", query={"limit": "1"})

    def sent():
        return admin.command("serverStatus")["network"]["bytesOut"]

    idle = -sent() + sent()
    before = sent()
    items = ask("GET", query={"limit": "50"})[1]["items"]
    after = sent()

    assert len(items) == 50
    assert len(orjson.dumps(items)) < 50_000
    assert 0 < after - before - idle < 100_000  # the documents hold 48 MB
