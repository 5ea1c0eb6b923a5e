"""The skills of an agent's role: selection, order, forms and ETags."""

import pytest

from chancery.content.skills.models import MAX_CONTENT
from tests.builders import principal
from tests.integration.content.skills.conftest import ADMIN, skill

ROLE = "blog_writer"
PATH = f"/agents/{ROLE}/skills"


@pytest.fixture
def given(send):
    """The skills of a role, as `<tenant>/<name>`."""

    def names(role=ROLE, **options):
        status, bundle, _ = send("GET", f"/agents/{role}/skills", **options)
        assert (status, bundle["role"]) == (200, role)
        return [f"{item['tenantId']}/{item['name']}" for item in bundle["skills"]]

    return names


def test_client_context_comes_first_then_category_then_name(make, given):
    mine = {"assignedAgentRoles": [ROLE]}
    make("z", category="template", **mine)
    make("y", category="sop", **mine)
    make("b", category="brand_voice", **mine)
    make("a", category="brand_voice", tenant="global", **mine)
    make("x", category="client_context", **mine)
    make("w", category="platform_guide", **mine)
    make("v", category="template", isClientContext=True)
    make("u", category="client_context", isClientContext=True, tenant="global")
    make("not mine", assignedAgentRoles=["ad_writer"])
    make("theirs", tenant="globex", isClientContext=True)

    own = "global/u acme/v acme/x global/a acme/b acme/y acme/w acme/z"
    assert given() == own.split()
    assert given("nobody") == ["global/u", "acme/v"]
    assert given(caller=ADMIN, query={"tenantId": "global"}) == ["global/u", "global/a"]


def test_a_copy_hides_the_global_skill_even_when_it_is_assigned_to_no_role(send, make, given):
    make("Tone", tenant="global", assignedAgentRoles=[ROLE])
    assert given() == ["global/Tone"]

    own = make("Tone")
    assert given() == []
    send("PUT", f"/skills/{own['refId']}", skill(assignedAgentRoles=[ROLE]), headers={"If-Match": '"1"'})
    assert given() == ["acme/Tone"]
    send("DELETE", f"/skills/{own['refId']}", headers={"If-Match": '"2"'})
    assert given() == ["global/Tone"]


def test_a_byte_order_mark_before_a_skill_leaves_its_heading_a_heading(send, make):
    make("A", assignedAgentRoles=[ROLE], content="\ufeff# Tone\n")

    _, prompt, _ = send("GET", PATH, headers={"Accept": "text/markdown"})

    assert "\n\n# Tone\n" in prompt and "\ufeff" not in prompt


def test_each_skill_comes_with_its_content_and_version(send, make):
    made = make(assignedAgentRoles=[ROLE])

    ((item,),) = [send("GET", PATH)[1]["skills"]]

    assert item == {name: made[name] for name in ("refId", "tenantId", "name", "category", "isClientContext")} | {
        "version": 1,
        "content": skill()["content"],
    }


def test_as_markdown_it_is_one_text_each_skill_under_its_heading(send, make):
    make("Tone", assignedAgentRoles=[ROLE], content="\nWarm.\n\n## Words\n\nShort.\n\n")
    make("Approving", category="sop", assignedAgentRoles=[ROLE], content="Ask.")
    make("Acme", category="client_context", isClientContext=True, content="Sells anvils.")

    status, text, headers = send("GET", PATH, headers={"Accept": "text/markdown"})

    assert (status, headers["Content-Type"]) == (200, "text/markdown; charset=utf-8")
    assert text == (
        "# Client context: Acme\n\nSells anvils.\n\n"
        "# Brand voice: Tone\n\nWarm.\n\n## Words\n\nShort.\n\n"
        "# SOP: Approving\n\nAsk.\n"
    )
    assert send("GET", PATH, headers={"Accept": "text/markdown"})[1] == text


def test_its_etag_changes_exactly_when_the_answer_changes(send, make):
    made = make(assignedAgentRoles=[ROLE])

    def etag(**headers):
        return send("GET", PATH, headers=headers)[2]["ETag"]

    first = etag()
    make("Other")  # for no role
    assert etag() == first
    assert etag(Accept="text/markdown") != first
    seen = [first]
    send("PUT", f"/skills/{made['refId']}", skill(assignedAgentRoles=[ROLE]), headers={"If-Match": '"1"'})
    seen.append(etag())
    make("Shared", tenant="global", assignedAgentRoles=[ROLE])
    seen.append(etag())
    make("Shared")  # hides it
    assert etag() == seen[1]
    assert len(set(seen)) == 3


def test_a_matching_if_none_match_is_304_in_either_form(send, make):
    make(assignedAgentRoles=[ROLE])

    for accept in ("application/json", "text/markdown"):
        etag = send("GET", PATH, headers={"Accept": accept})[2]["ETag"]
        status, body, headers = send("GET", PATH, headers={"Accept": accept, "If-None-Match": etag})
        assert (status, body, headers["ETag"]) == (304, "", etag)


def test_a_prompt_too_long_for_an_answer_is_refused_with_the_longest_skills_named(send, make):
    for number in range(5):
        make(f"Long {number}", assignedAgentRoles=[ROLE], content="wort " * (MAX_CONTENT // 5 - number))

    status, problem, _ = send("GET", PATH)

    assert status == 409
    assert "Longest: Long 0 (1048575 bytes), Long 1" in problem["detail"]


def test_a_prompt_too_long_by_its_escapes_is_refused_too(send, make):
    for number in range(2):
        make(f"Quotes {number}", assignedAgentRoles=[ROLE], content='"' * MAX_CONTENT)

    assert send("GET", PATH)[0] == 409
    assert send("GET", PATH, headers={"Accept": "text/markdown"})[0] == 200


def test_a_role_or_a_tenant_that_cannot_be_is_named(send):
    for path, query, caller, pointer in (
        ("/agents/-x/skills", None, principal(), "/role"),
        (PATH, None, ADMIN, "/tenantId"),
    ):
        status, problem, _ = send("GET", path, query=query, caller=caller)
        assert (status, problem["errors"][0]["pointer"]) == (422, pointer)
    assert send("GET", PATH, query={"tenantId": "globex"})[0] == 404
