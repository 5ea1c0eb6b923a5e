"""Visible skills of a tenant: its own and the global ones that these do not hide, in lists and in full-text search."""

import pytest

from tests.builders import principal
from tests.integration.content.skills.conftest import ADMIN, skill

GLOBEX = principal("user", ("globex",))


def test_a_tenants_copy_hides_the_global_one_until_it_is_deleted(send, make, names):
    shared = make("Tone", tenant="global")
    make("Approving", tenant="global")
    own = make("Tone")

    assert names() == ["acme/Tone", "global/Approving"]
    assert names(GLOBEX) == ["global/Approving", "global/Tone"]
    assert send("GET", f"/skills/{shared['refId']}")[0] == 200  # to compare one's own with

    send("DELETE", f"/skills/{own['refId']}", headers={"If-Match": '"1"'})
    assert names() == ["global/Approving", "global/Tone"]


def test_a_copy_that_gets_another_name_hides_no_longer(send, make, names):
    make("Tone", tenant="global")
    own = make("Tone")

    send("PUT", f"/skills/{own['refId']}", skill("Our tone"), headers={"If-Match": '"1"'})

    assert names() == ["acme/Our tone", "global/Tone"]


def test_a_hidden_skill_is_hidden_with_any_filter(make, names):
    make("Tone", tenant="global", category="sop", assignedAgentRoles=["blog_writer"])
    make("Tone", category="template")

    assert names(category="sop") == []
    assert names(role="blog_writer") == []
    assert names(name="Tone") == ["acme/Tone"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"category": "sop"}, ["acme/B"]),
        ({"role": "blog_writer"}, ["acme/C", "global/D"]),
        ({"isClientContext": "true"}, ["acme/C"]),
        ({"isClientContext": "false", "role": "blog_writer"}, ["global/D"]),
        ({"name": "A"}, ["acme/A"]),
        ({"q": "warm"}, ["acme/C", "acme/B", "acme/A", "global/D"]),
        ({"q": "C"}, ["acme/C"]),
        ({"q": '"warm and short"', "category": "sop"}, ["acme/B"]),
        ({"q": "nowhere"}, []),
    ],
)
def test_filters(make, names, query, found):
    make("D", tenant="global", assignedAgentRoles=["blog_writer"])
    make("A")
    make("B", category="sop")
    make("C", assignedAgentRoles=["blog_writer", "ad_writer"], isClientContext=True)
    make("E", tenant="globex", content="Warm too", assignedAgentRoles=["blog_writer"], isClientContext=True)

    assert names(**query) == found


def test_search_finds_no_other_tenants_no_deleted_and_no_hidden_skill(send, make, names):
    make("Theirs", tenant="globex", content="the unicorn")
    make("Tone", tenant="global", content="the unicorn")
    make("Tone", content="a horse")
    gone = make("Gone", content="the unicorn")
    send("DELETE", f"/skills/{gone['refId']}", headers={"If-Match": '"1"'})
    mended = make("Mended", content="the unicorn")
    send("PUT", f"/skills/{mended['refId']}", skill("Mended", content="a mule"), headers={"If-Match": '"1"'})

    assert names(q="unicorn") == []
    assert names(GLOBEX, q="unicorn") == ["global/Tone", "globex/Theirs"]


def test_pages_go_through_own_and_global_skills_in_one_order(send, make):
    for number in range(12):
        make(f"{number:02}", tenant="global" if number % 3 else None)

    for query in ({}, {"q": "warm"}):
        found, cursor, pages = [], None, 0
        while not pages or cursor:
            asked = {"limit": "5", "fields": "name", **query, **({"cursor": cursor} if cursor else {})}
            page = send("GET", "/skills", query=asked)[1]
            found, cursor, pages = found + page["items"], page["nextCursor"], pages + 1

        assert [item["name"] for item in found] == [f"{number:02}" for number in reversed(range(12))]
        assert pages == 3
        assert found[0].keys() == {"refId", "name"}


def test_a_cursor_survives_a_copy_made_meanwhile_and_is_of_no_use_elsewhere(send, make):
    for number in range(4):
        make(str(number), tenant="global")
    cursor = send("GET", "/skills", query={"limit": "2"})[1]["nextCursor"]
    make("0")

    rest = send("GET", "/skills", query={"limit": "2", "cursor": cursor})

    assert [item["name"] for item in rest[1]["items"]] == ["1"]
    for options in ({"query": {"cursor": cursor, "category": "sop"}}, {"query": {"cursor": cursor}, "caller": GLOBEX}):
        assert send("GET", "/skills", **options)[0] == 422


def test_global_skills_are_written_by_a_super_admin_only(send, make, bus):
    shared = make("Tone", tenant="global")
    path = f"/skills/{shared['refId']}"
    bus.published.clear()

    for role in ("dm_user", "user"):
        for tenants in (("acme",), ("global",)):  # a token that calls its tenant so is no key to it
            caller = principal(role, tenants)
            assert send("PUT", path, skill(), caller=caller, headers={"If-Match": '"1"'})[0] == 403
            assert send("DELETE", path, caller=caller, headers={"If-Match": '"1"'})[0] == 403
            assert send("POST", "/skills", skill("New", tenantId="global"), caller=caller)[0] == 403
    assert send("POST", "/skills", skill("New"), caller=principal("user", ("global",)))[0] == 403
    assert bus.published == []

    assert send("PUT", path, skill("Voice"), caller=ADMIN, headers={"If-Match": '"1"'})[0] == 200
    assert [event["tenantId"] for event in bus.of("Record Audit Event")] == [None]  # the platform's own, no crossing


def test_a_super_admin_sees_one_tenant_as_it_does_the_global_set_or_everything(send, make, names):
    make("Tone", tenant="global")
    make("Tone")
    make("Theirs", tenant="globex")

    assert names(ADMIN) == ["globex/Theirs", "acme/Tone", "global/Tone"]
    assert names(ADMIN, tenantId="acme") == ["acme/Tone"]
    assert names(ADMIN, tenantId="globex") == ["globex/Theirs", "global/Tone"]
    assert names(ADMIN, tenantId="global") == names(ADMIN, tenantId="null") == ["global/Tone"]
    status, problem, _ = send("GET", "/skills", caller=ADMIN, query={"q": "warm"})
    assert (status, problem["errors"][0]["pointer"]) == (422, "/q")


def test_another_tenant_is_404_and_one_of_the_token_is_chosen_by_header(send, make, names):
    make("Theirs", tenant="globex")
    both = principal("dm_user", ("acme", "globex"))

    assert send("GET", "/skills", query={"tenantId": "globex"})[0] == 404
    assert names(both) == []
    page = send("GET", "/skills", caller=both, headers={"X-Tenant-Id": "globex"})[1]
    assert [item["name"] for item in page["items"]] == ["Theirs"]


@pytest.mark.parametrize(
    "query", [{"category": "poem"}, {"fields": "content"}, {"q": ""}, {"limit": "501"}, {"x": "y"}]
)
def test_a_wrong_query_is_named(send, query):
    status, problem, _ = send("GET", "/skills", query=query)

    assert (status, problem["errors"][0]["pointer"]) == (422, f"/{next(iter(query))}")


def test_a_view_that_a_super_admin_misses_in_another_tenant_is_audited(send, bus):
    caller = principal("super_admin", tenants=())

    assert send("GET", "/skills/01J00000000000000000000000", caller=caller, query={"tenantId": "globex"})[0] == 404
    assert send("GET", "/skills/01J00000000000000000000000")[0] == 404

    (crossed,) = bus.of("Record Audit Event")
    assert (crossed["action"], crossed["tenantId"]) == ("tenant.crossed", "globex")
    assert crossed["metadata"]["found"] is False
