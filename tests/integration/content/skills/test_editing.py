"""Creating, changing and deleting skills: stored documents, refusals, versions."""

import pytest

from chancery.content.skills.models import MAX_CONTENT
from tests.builders import http, principal
from tests.integration.content.skills.conftest import ADMIN, skill


def test_a_skill_is_made_and_read_again_with_its_content(send, bus):
    body = skill(assignedAgentRoles=["blog_writer", "ad_writer", "blog_writer"], isClientContext=True)

    status, made, headers = send("POST", "/skills", body)
    found = send("GET", f"/skills/{made['refId']}")

    assert (status, headers["ETag"], headers["Location"]) == (201, '"1"', f"../v1/skills/{made['refId']}")
    assert "content" not in made
    assert (found[0], found[2]["ETag"]) == (200, '"1"')
    assert found[1] == made | {"content": body["content"]}
    assert made["assignedAgentRoles"] == ["ad_writer", "blog_writer"]
    assert (made["tenantId"], made["createdBy"], made["version"]) == ("acme", "user-1", 1)
    assert made["contentBytes"] == len(body["content"].encode())
    (event,) = bus.of("Record Audit Event")
    assert (event["action"], event["resourceId"], event["tenantId"]) == ("skill.created", made["refId"], "acme")
    assert event["metadata"] == {"name": "Tone", "category": "brand_voice", "version": 1}


def test_content_is_stored_as_it_comes_but_for_credentials(send, make):
    content = "<script>alert(1)</script>\r\n\n| a | b |\nKey: AKIAABCDEFGHIJKLMNOP, mail me@example.com\n"

    made = make(content=content)

    stored = send("GET", f"/skills/{made['refId']}")[1]["content"]
    assert stored == content.replace("AKIAABCDEFGHIJKLMNOP", "[REDACTED]")


def test_a_change_stores_the_previous_version(send, make, bus):
    made = make()
    path = f"/skills/{made['refId']}"

    status, changed, headers = send("PUT", path, skill("Voice", category="sop"), headers={"If-Match": '"1"'})
    versions = send("GET", f"{path}/versions")[1]["items"]

    assert (status, changed["version"], headers["ETag"]) == (200, 2, '"2"')
    assert (changed["name"], changed["updatedBy"], changed["createdBy"]) == ("Voice", "user-1", "user-1")
    assert [(item["version"], item["name"], item["createdBy"]) for item in versions] == [
        (2, "Voice", "user-1"),
        (1, "Tone", "user-1"),
    ]
    assert [item["createdOn"] for item in versions] == [changed["updatedOn"], made["createdOn"]]
    assert not [item for item in versions if "content" in item]
    assert send("GET", f"{path}/versions/1")[1]["content"] == skill()["content"]
    assert send("GET", f"{path}/versions/2")[1]["content"] == skill("Voice")["content"]
    event = bus.of("Record Audit Event")[-1]
    assert event["action"] == "skill.updated"
    assert event["metadata"]["changed"] == ["name", "category", "content", "contentBytes"]


@pytest.mark.parametrize("number", ["3", "0", "-1", "one", "1.0", "99999999999999999999", "\u0663"])
def test_a_version_that_does_not_exist_is_404(send, make, number):
    assert send("GET", f"/skills/{make()['refId']}/versions/{number}")[0] == 404


def test_versions_are_read_page_by_page(send, make):
    path = f"/skills/{make()['refId']}"
    for number in range(1, 5):
        assert send("PUT", path, skill(content=f"take {number}"), headers={"If-Match": f'"{number}"'})[0] == 200

    found, cursor = [], None
    while not found or cursor:
        query = {"limit": "2", "fields": "version", **({"cursor": cursor} if cursor else {})}
        page = send("GET", f"{path}/versions", query=query)[1]
        found, cursor = found + page["items"], page["nextCursor"]

    assert [item["version"] for item in found] == [5, 4, 3, 2, 1]
    assert found[0].keys() == {"refId", "version"}


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize(
    ("given", "status"), [(None, 428), ('"2"', 412), ('W/"1"', 412), ("1", 412), ("nonsense", 412), ("", 412)]
)
def test_a_change_without_the_current_etag_changes_nothing(send, make, bus, method, given, status):
    made = make()
    bus.published.clear()
    headers = {} if given is None else {"If-Match": given}

    answer = send(method, f"/skills/{made['refId']}", skill("Other") if method == "PUT" else None, headers=headers)

    assert answer[0] == status
    assert answer[2]["Content-Type"] == "application/problem+json"
    assert send("GET", f"/skills/{made['refId']}")[1] == made | {"content": skill()["content"]}
    assert bus.published == []


@pytest.mark.parametrize("given", ['"1"', '"7", "1"', "*"])
def test_a_list_of_etags_and_any_will_do(send, make, given):
    assert send("PUT", f"/skills/{make()['refId']}", skill(), headers={"If-Match": given})[0] == 200


def test_a_second_change_against_the_same_version_is_412(send, make):
    path = f"/skills/{make()['refId']}"
    assert send("PUT", path, skill(), headers={"If-Match": '"1"'})[0] == 200

    status, problem, _ = send("PUT", path, skill(), headers={"If-Match": '"1"'})

    assert (status, problem["title"]) == (412, "Changed in the meantime")


def test_a_deleted_skill_is_gone_and_its_name_free_again(send, make, names, bus, connect):
    made = make()
    path = f"/skills/{made['refId']}"

    status, body, headers = send("DELETE", path, headers={"If-Match": '"1"'})

    assert (status, body) == (204, "")
    assert "ETag" not in headers
    assert [send("GET", path + more)[0] for more in ("", "/versions", "/versions/1")] == [404, 404, 404]
    assert send("PUT", path, skill(), headers={"If-Match": "*"})[0] == 404
    assert send("DELETE", path, headers={"If-Match": "*"})[0] == 404
    assert names() == []
    assert make()["refId"] != made["refId"]
    assert bus.of("Record Audit Event")[1]["action"] == "skill.archived"
    stored = connect("admin").skills.find_one({"refId": made["refId"]})
    assert (stored["deletedBy"], stored["content"]) == ("user-1", skill()["content"])
    assert connect("admin").skill_versions.count_documents({"skillId": made["refId"]}) == 1


def test_a_name_is_unique_in_a_tenant_also_after_a_change(send, make):
    make("Tone")
    other = make("Voice")

    again = send("POST", "/skills", skill("  Tone "))
    renamed = send("PUT", f"/skills/{other['refId']}", skill("Tone"), headers={"If-Match": '"1"'})

    for status, problem, _ in (again, renamed):
        assert (status, problem["errors"][0]["pointer"]) == (409, "/name")
    assert send("GET", f"/skills/{other['refId']}")[1]["name"] == "Voice"
    assert len(send("GET", f"/skills/{other['refId']}/versions")[1]["items"]) == 1


def test_a_name_that_looks_the_same_is_the_same(send, make):
    make("Caf\u00e9")

    assert send("POST", "/skills", skill("Cafe\u0301"))[0] == 409


def test_a_read_with_a_matching_if_none_match_is_304(send, make):
    made = make()
    path = f"/skills/{made['refId']}"

    for more in ("", "/versions/1"):
        status, body, headers = send("GET", path + more, headers={"If-None-Match": 'W/"1", "x"'})
        assert (status, body, headers["ETag"]) == (304, "", '"1"')
        assert send("GET", path + more, headers={"If-None-Match": '"2"'})[0] == 200
    assert headers["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"name": "two\nlines"}, "/name"),
        ({"name": "x" * 201}, "/name"),
        ({"category": "poem"}, "/category"),
        ({"content": " \n "}, "/content"),
        ({"content": "bell \x07"}, "/content"),
        ({"content": "x" * (MAX_CONTENT + 1)}, "/content"),
        ({"content": "\u00e9" * (MAX_CONTENT // 2 + 1)}, "/content"),
        ({"content": None}, "/content"),
        ({"assignedAgentRoles": ["a b"]}, "/assignedAgentRoles/0"),
        ({"assignedAgentRoles": [f"r{n}" for n in range(51)]}, "/assignedAgentRoles"),
        ({"isClientContext": "perhaps"}, "/isClientContext"),
        ({"version": 7}, "/version"),
        ({"tenantId": ""}, "/tenantId"),
    ],
)
def test_invalid_fields_are_named_and_nothing_is_stored(send, connect, change, pointer):
    status, problem, _ = send("POST", "/skills", skill() | change)

    assert (status, [error["pointer"] for error in problem["errors"]]) == (422, [pointer])
    assert connect("admin").skills.count_documents({}) == 0


@pytest.mark.parametrize("body", ["[]", "null", '"x"', "{", ""])
def test_a_body_that_is_no_object_is_422(send, body):
    assert send("POST", "/skills", body)[0] == 422


def test_a_body_over_the_limit_is_413(send):
    assert send("POST", "/skills", skill(content="x" * 5_000_000))[0] == 413


def test_the_largest_content_goes_in_and_out(send, make):
    content = "wort " * (MAX_CONTENT // 5)
    made = make(content=content)

    assert send("GET", f"/skills/{made['refId']}")[1]["content"] == content


@pytest.mark.parametrize(
    ("role", "written", "read"),
    [
        ("super_admin", 201, 200),
        ("dm_user", 201, 200),
        ("user", 201, 200),
        ("auditor", 403, 200),
        ("producer", 403, 403),
    ],
)
def test_roles(send, make, role, written, read):
    made = make()
    caller = principal(role)
    path = f"/skills/{made['refId']}"

    assert send("POST", "/skills", skill("New", tenantId="acme"), caller=caller)[0] == written
    for place in ("/skills", path, f"{path}/versions", f"{path}/versions/1", "/agents/blog_writer/skills"):
        assert send("GET", place, caller=caller, query={"tenantId": "acme"})[0] == read
    if written == 403:
        assert send("PUT", path, skill(), caller=caller, headers={"If-Match": '"1"'})[0] == 403
        assert send("DELETE", path, caller=caller, headers={"If-Match": '"1"'})[0] == 403


def test_an_auditors_reads_are_audited_and_others_are_not(send, make, bus):
    path = f"/skills/{make()['refId']}"
    places = ("/skills", path, f"{path}/versions", f"{path}/versions/1", "/agents/blog_writer/skills")
    bus.published.clear()

    for place in places:
        send("GET", place)
    assert bus.published == []
    for place in places:
        send("GET", place, caller=principal("auditor"))

    assert [event["action"] for event in bus.of("Record Audit Event")] == [
        "skill.listed",
        "skill.viewed",
        "skill.versions_listed",
        "skill.version_viewed",
        "agent.skills_viewed",
    ]


def test_another_tenants_skill_does_not_exist(send, make):
    path = f"/skills/{make()['refId']}"
    stranger = principal("user", ("globex",))

    assert [send("GET", path + more, caller=stranger)[0] for more in ("", "/versions", "/versions/1")] == [404] * 3
    assert send("PUT", path, skill(), caller=stranger, headers={"If-Match": '"1"'})[0] == 404
    assert send("DELETE", path, caller=stranger, headers={"If-Match": '"1"'})[0] == 404
    assert send("POST", "/skills", skill(tenantId="acme"), caller=stranger)[0] == 403
    assert send("GET", path)[0] == 200


def test_a_super_admin_works_on_any_tenant_and_each_crossing_is_audited(send, make, bus):
    made = make(tenant="acme")
    path = f"/skills/{made['refId']}"

    assert send("PUT", path, skill("New"), caller=ADMIN, headers={"If-Match": '"1"'})[0] == 200
    assert send("GET", path, caller=ADMIN)[0] == 200
    assert send("DELETE", path, caller=ADMIN, headers={"If-Match": '"2"'})[0] == 204

    crossed = [event for event in bus.of("Record Audit Event") if event["action"] == "tenant.crossed"]
    assert [event["metadata"]["during"] for event in crossed] == [
        "skill.created",
        "skill.updated",
        "skill.viewed",
        "skill.archived",
    ]
    assert {event["tenantId"] for event in crossed} == {"acme"}


def test_a_super_admin_must_give_the_tenant(send):
    status, problem, _ = send("POST", "/skills", skill(), caller=ADMIN)

    assert (status, problem["errors"][0]["pointer"]) == (422, "/tenantId")


def test_the_same_key_makes_one_skill_and_another_body_is_refused(send, names):
    headers = {"Idempotency-Key": "k-1"}

    first, again = (send("POST", "/skills", skill(), headers=headers) for _ in range(2))
    other = send("POST", "/skills", skill("Other"), headers=headers)

    assert first[:2] == again[:2]
    assert again[2]["ETag"] == '"1"'
    assert other[0] == 422
    assert names() == ["acme/Tone"]


def test_a_request_that_crashed_before_its_answer_was_stored_is_answered_with_its_result(send, connect, names):
    headers = {"Idempotency-Key": "k-1"}
    first = send("POST", "/skills", skill(), headers=headers)
    connect("admin").idempotency_keys.update_many({}, {"$set": {"answer": None}})

    again = send("POST", "/skills", skill(), headers=headers)

    assert again[:2] == first[:2]
    assert names() == ["acme/Tone"]


def test_a_key_does_not_take_anothers_skill_for_its_own(send, make):
    make()

    headers = {"Idempotency-Key": "k-1"}
    assert send("POST", "/skills", skill(content="mine"), headers=headers)[0] == 409
    assert send("POST", "/skills", skill(), caller=principal(principalId="user-2"), headers=headers)[0] == 409


def test_a_trace_finds_the_skill_and_each_version(send, make, call):
    made = make()
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    headers = {"If-Match": '"1"', "traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    send("PUT", f"/skills/{made['refId']}", skill(), headers=headers)

    status, found, _ = call("read_traces", http("GET", f"/v1/traces/{trace}", caller=principal()), "reader")

    assert (status, sorted(item["kind"] for item in found["items"])) == (200, ["skill", "skill_version"])
    assert not [item for item in found["items"] if "content" in item]
