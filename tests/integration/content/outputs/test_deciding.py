"""From draft to publication: decided once, audited or not done."""

import threading

import pytest

from chancery.content.outputs.models import Decision
from chancery.core.identity.principal import Principal
from chancery.core.identity.roles import Role
from chancery.core.web.request import Call, Request
from chancery.wiring.outputs import outputs
from tests.integration.content.conftest import audited
from tests.integration.content.outputs.conftest import DECIDED, PATH, PUBLISHED, stored


def test_approval_and_publication_are_stored_with_actor_and_time(create, ask, bus):
    ref_id = create()

    approved = ask("POST", f"/{ref_id}/approve", {"comment": "Good."}, role="dm_user")[1]
    published = ask("POST", f"/{ref_id}/publish", PUBLISHED)[1]
    whole = ask("GET", f"/{ref_id}")[1]

    assert (approved["status"], approved["approvedBy"], approved["comment"]) == ("approved", "dm_user-1", "Good.")
    assert approved["approvedOn"] == approved["updatedOn"] >= approved["createdOn"]
    assert (published["status"], published["publishedBy"], published["version"]) == ("published", "user-1", 3)
    assert published["publishedUrl"] == PUBLISHED["publishedUrl"]
    assert published.items() <= whole.items()
    events = [(e["action"], e["resourceType"], e["resourceId"], e["actorId"]) for e in audited(bus, *DECIDED)]
    assert events == [
        ("activity.approved", "activity", "act-1", "dm_user-1"),
        ("deliverable.published", "deliverable", ref_id, "user-1"),
    ]
    assert audited(bus, "activity.approved")[0]["metadata"]["outputId"] == ref_id


@pytest.mark.parametrize(
    ("state", "verb", "allowed"),
    [
        ("draft", "publish", "approve or reject"),
        ("approved", "approve", "publish"),
        ("approved", "reject", "publish"),
        ("rejected", "approve", "Nothing follows"),
        ("rejected", "reject", "Nothing follows"),
        ("rejected", "publish", "Nothing follows"),
        ("published", "approve", "Nothing follows"),
        ("published", "reject", "Nothing follows"),
        ("published", "publish", "Nothing follows"),
    ],
)
def test_a_decision_that_the_state_does_not_allow_is_a_conflict_with_the_allowed_ones(
    reach, ask, connect, bus, state, verb, allowed
):
    ref_id = reach(state)
    before, heard = stored(connect, ref_id), len(bus.published)

    status, problem, _ = ask("POST", f"/{ref_id}/{verb}", PUBLISHED if verb == "publish" else None)

    assert (status, problem["title"]) == (409, "Conflict")
    assert f"is {state}" in problem["detail"] and allowed in problem["detail"]
    assert stored(connect, ref_id) == before and len(bus.published) == heard


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "javascript:alert(1)",
        "ftp://example.com/a",
        "data:text/html,x",
        "//example.com/a",
        "/posts/1",
        "https://",
        "https:///posts",
        "https://user:secret@example.com/",
        "https://example.com/a b",
        "https://example.com/\u202emoc",
        "https://exa\\mple.com",
        "http://[::1",
        "https://example.com:x/",
        "https://example.com/" + "x" * 2048,
    ],
)
def test_only_an_address_of_the_web_is_published(reach, ask, url):
    ref_id = reach("approved")

    status, problem, _ = ask("POST", f"/{ref_id}/publish", {"publishedUrl": url})

    assert status == 422
    assert [error["pointer"] for error in problem["errors"]] == ["/publishedUrl"]
    assert ask("GET", f"/{ref_id}")[1]["status"] == "approved"


def test_of_an_approval_and_a_rejection_at_once_one_wins(create, environment, ask, connect, bus):
    """Eight times, since only some meet in the database; each time exactly one of them is stored and audited."""
    for _ in range(8):
        ref_id = create()
        environment("writer")
        service, barrier, results = outputs(), threading.Barrier(2), {}

        def decide(verb, ref_id=ref_id, service=service, barrier=barrier, results=results):
            caller = Principal(f"{verb}r", Role.USER, ("acme",))
            request = Request("POST", f"{PATH}/{ref_id}/{verb}", {}, {}, b"", caller)
            call = Call(request, {"refId": ref_id}, None, Decision(), lambda: 300_000)
            barrier.wait()
            try:
                results[verb] = getattr(service, verb)(call).status
            except Exception as exc:
                results[verb] = getattr(exc, "status", exc)

        threads = [threading.Thread(target=decide, args=(verb,)) for verb in ("approve", "reject")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        document = stored(connect, ref_id)
        assert sorted(results.values()) == [200, 409], results
        winner = "approve" if results["approve"] == 200 else "reject"
        assert document["status"] == {"approve": "approved", "reject": "rejected"}[winner]
        assert document.get("approvedBy", document.get("rejectedBy")) == f"{winner}r"
        assert {e["action"] for e in audited(bus, *DECIDED) if e["metadata"]["outputId"] == ref_id} == {
            f"activity.{document['status']}"
        }
