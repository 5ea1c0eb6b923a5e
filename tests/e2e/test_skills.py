"""Skills over the deployed API: seeded on deploy, written against the version that was read, put before agents."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from chancery.content.skills.library import packaged, read_library
from chancery.core.formats.identifiers import new_ref_id
from tests.e2e.deployed import resource
from tests.e2e.test_audit_trail import chancery

ROLE = "blog_writer"


def body(name: str, content: str = "Warm and short.", **changes):
    return {"name": name, "category": "brand_voice", "content": content, "assignedAgentRoles": [ROLE], **changes}


@pytest.fixture
def name():
    """A name that no other test has."""
    return f"Tone {new_ref_id()}"


def test_the_deployment_has_seeded_the_library_and_audited_it(api, eventually):
    seeded = api("GET", "/skills", "super_admin", params={"tenantId": "global", "limit": "100"}).json()["items"]

    files = {file.path: file.fields.name for file in read_library(packaged())}
    assert {item["filePath"]: item["name"] for item in seeded if item.get("filePath")} == files
    query = {"tenantId": "null", "action": "skill.created", "actorId": "skills-library", "limit": "100"}
    audited = eventually(
        lambda: [
            item for item in api("GET", "/audit-logs", "super_admin", params=query).json()["items"]
            if item["resourceId"] in {skill["refId"] for skill in seeded}
        ]
    )  # fmt: skip
    assert {item["actorType"] for item in audited} == {"system"}


def test_a_skill_from_post_to_delete(api, name, eventually):
    created = api("POST", "/skills", json=body(name), headers={"Idempotency-Key": new_ref_id()})
    path = created.headers["Location"].removeprefix("/v1")
    read = api("GET", path)

    assert (created.status_code, created.headers["ETag"]) == (201, '"1"')
    assert (read.json()["content"], read.headers["ETag"]) == ("Warm and short.", '"1"')
    known = api("GET", path, headers={"If-None-Match": read.headers["ETag"]})
    assert (known.status_code, known.content, known.headers["ETag"]) == (304, b"", '"1"')

    assert api("PUT", path, json=body(name, "Louder.")).status_code == 428
    changed = api("PUT", path, json=body(name, "Louder."), headers={"If-Match": '"1"'})
    assert (changed.status_code, changed.headers["ETag"]) == (200, '"2"')
    stale = api("PUT", path, json=body(name, "Lost?"), headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.headers["Content-Type"]) == (412, "application/problem+json")
    versions = api("GET", f"{path}/versions").json()["items"]
    assert [(item["version"], item["createdBy"]) for item in versions] == [
        (2, changed.json()["updatedBy"]),
        (1, created.json()["createdBy"]),
    ]
    assert api("GET", f"{path}/versions/1").json()["content"] == "Warm and short."

    assert api("DELETE", path).status_code == 428
    gone = api("DELETE", path, headers={"If-Match": '"2"'})
    assert (gone.status_code, gone.content) == (204, b"")
    assert api("GET", path).status_code == 404

    def audited():
        found = api("GET", "/audit-logs", params={"resourceId": path.rpartition("/")[2]}).json()["items"]
        return {item["action"] for item in found} == {"skill.created", "skill.updated", "skill.archived"}

    assert eventually(audited)


def test_two_editors_at_once_through_the_api(api, name):
    path = api("POST", "/skills", json=body(name)).headers["Location"].removeprefix("/v1")

    with ThreadPoolExecutor(2) as pool:
        edits = [
            pool.submit(api, "PUT", path, json=body(name, f"by {number}"), headers={"If-Match": '"1"'})
            for number in range(2)
        ]
        answers = [edit.result() for edit in edits]

    assert sorted(answer.status_code for answer in answers) == [200, 412]
    winner = next(number for number, answer in enumerate(answers) if answer.status_code == 200)
    assert api("GET", path).json()["content"] == f"by {winner}"


def test_a_copy_hides_the_global_skill_in_lists_search_and_for_agents(api, name):
    word = f"anvil{new_ref_id().lower()}"
    shared = api("POST", "/skills", "super_admin", json=body(name, f"Theirs: {word}", tenantId="global"))
    own = api("POST", "/skills", json=body(name, f"Ours: {word}"))

    def seen(caller):
        found = api("GET", "/skills", caller, params={"q": word}).json()["items"]
        skills = api("GET", f"/agents/{ROLE}/skills", caller).json()["skills"]
        return [item["tenantId"] for item in found], [item["content"] for item in skills if item["name"] == name]

    assert seen("user") == (["acme"], [f"Ours: {word}"])
    assert seen("other_tenant_user") == (["global"], [f"Theirs: {word}"])
    assert api("GET", own.headers["Location"].removeprefix("/v1"), "other_tenant_user").status_code == 404
    path = shared.headers["Location"].removeprefix("/v1")
    assert api("PUT", path, "dm_user", json=body(name), headers={"If-Match": '"1"'}).status_code == 403

    api("DELETE", own.headers["Location"].removeprefix("/v1"), headers={"If-Match": '"1"'})
    assert seen("user") == (["global"], [f"Theirs: {word}"])
    assert api("DELETE", path, "super_admin", headers={"If-Match": '"1"'}).status_code == 204


def test_a_prompt_is_one_markdown_text_and_the_client_context_comes_first(api):
    path, headers = f"/agents/{ROLE}/skills", {"Accept": "text/markdown"}
    prompt = api("GET", path, headers=headers)

    assert prompt.headers["Content-Type"] == "text/markdown; charset=utf-8"
    assert prompt.text.startswith("# Client context: ")
    assert "\n# SOP: Approving content\n\n" in prompt.text
    known = api("GET", path, headers={**headers, "If-None-Match": prompt.headers["ETag"]})
    assert (known.status_code, known.content) == (304, b"")
    assert api("GET", path).headers["ETag"] != prompt.headers["ETag"]


def test_roles_are_enforced_and_wrong_methods_are_405_with_the_allowed_ones(api, name):
    assert api("POST", "/skills", "auditor", json=body(name)).status_code == 403
    assert api("POST", "/skills", "producer", json=body(name)).status_code == 403
    assert api("GET", "/skills", "producer").status_code == 403
    assert api("GET", f"/agents/{ROLE}/skills", "producer").status_code == 403
    assert api("GET", f"/agents/{ROLE}/skills", "auditor").status_code == 200
    for method, path, allowed in (
        ("PUT", "/skills", "GET, OPTIONS, POST"),
        ("DELETE", "/skills", "GET, OPTIONS, POST"),
        ("POST", "/skills/x", "DELETE, GET, OPTIONS, PUT"),
        ("PATCH", "/skills/x", "DELETE, GET, OPTIONS, PUT"),
        ("DELETE", "/skills/x/versions", "GET, OPTIONS"),
        ("PUT", "/skills/x/versions/1", "GET, OPTIONS"),
        ("POST", f"/agents/{ROLE}/skills", "GET, OPTIONS"),
    ):
        refused = api(method, path)
        assert (refused.status_code, refused.headers.get("Allow")) == (405, allowed), path


def test_a_megabyte_goes_in_and_out_and_more_is_refused(api, name):
    content = "wort " * 209_715
    created = api("POST", "/skills", json=body(name, content, assignedAgentRoles=[]))
    path = created.headers["Location"].removeprefix("/v1")

    assert api("GET", path).json()["content"] == content
    assert len(api("GET", "/skills").content) < 100_000
    assert api("POST", "/skills", json=body(f"{name} 2", content + "wort ")).status_code == 422
    assert api("DELETE", path, headers={"If-Match": '"1"'}).status_code == 204


def test_the_seeding_function_may_write_skills_and_tell_the_bus_only(aws):
    document = json.dumps(policies(aws, resource(aws, "SeedSkillsRole")))

    assert "secretsmanager:GetSecretValue" in document
    assert "events:PutEvents" in document
    assert "s3:" not in document and "sqs:" not in document


def policies(aws, role):
    iam = aws("iam")
    return [
        iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
        for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]
    ]


def test_the_command_line_seeds_lists_and_shows(settings, running):
    seeded = chancery(settings, "skills", "seed", "--json")
    listed = chancery(settings, "skills", "list", "--role", "ads_manager", "--json")
    (item,) = [json.loads(line) for line in listed.stdout.splitlines()]
    printed = chancery(settings, "skills", "show", item["refId"])

    assert json.loads(seeded.stdout)["created"] == [], seeded.stderr
    assert item["name"] == "Google search ads"
    assert printed.stdout.startswith("A search ad answers a question")
