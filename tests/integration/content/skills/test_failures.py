"""Concurrent editors, crashes between two steps, unavailable dependencies, and the bytes that a list reads."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise
from threading import Barrier

import pytest
from bson import encode
from pymongo import monitoring

from chancery.audit.access import AccessTrail
from chancery.content.skills.editing import SkillEditor
from chancery.content.skills.models import MAX_CONTENT
from chancery.content.skills.routes import EDITS
from chancery.content.skills.store import SkillStore
from chancery.core.errors import ChanceryError, Conflict, PreconditionFailed, Unavailable
from chancery.core.mongo import client as mongo
from chancery.core.web.idempotency import IdempotencyKeys
from chancery.core.web.request import request_of
from tests.builders import NOON, handle, http, principal
from tests.crashes import Crash
from tests.fakes import FakeBus
from tests.integration.content.skills.conftest import skill

EDITORS = 8


@pytest.fixture
def editor(connect) -> SkillEditor:
    database = connect("writer")
    return SkillEditor(SkillStore(database), IdempotencyKeys(database), AccessTrail(FakeBus()))


def all_at_once(work, count=EDITORS):
    """What each of so many threads gets that begin together."""
    start = Barrier(count)

    def run(number):
        start.wait()
        try:
            return work(number)
        except ChanceryError as exc:
            return exc

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def create(editor, body):
    return handle(EDITS, editor, http("POST", "/v1/skills", body, caller=principal()))


def edit(editor, method, made, body=None, version=1):
    headers = {"If-Match": f'"{version}"'}
    path = f"/v1/skills/{made['refId']}"
    return handle(EDITS, editor, http(method, path, body, caller=principal(), headers=headers))


def test_of_editors_at_once_one_wins_and_no_change_is_lost(editor, connect):
    made = create(editor, skill()).body

    outcomes = all_at_once(lambda number: edit(editor, "PUT", made, skill(content=f"by {number}")))

    (winner,) = [number for number, outcome in enumerate(outcomes) if not isinstance(outcome, Exception)]
    assert {type(outcome) for number, outcome in enumerate(outcomes) if number != winner} == {PreconditionFailed}
    stored = connect("admin").skills.find_one({"refId": made["refId"]})
    assert (stored["version"], stored["content"]) == (2, f"by {winner}")
    versions = connect("admin").skill_versions.find({"skillId": made["refId"]}).sort("version")
    assert [version["content"] for version in versions] == [skill()["content"], f"by {winner}"]


def test_editors_that_read_again_after_412_all_succeed(editor, connect):
    """Each editor appends its line to the text it has read: in the end every line is there, in as many versions."""
    made = create(editor, skill(content="start")).body

    def append(number):
        while True:
            stored = editor.store.get(principal_scope(), made["refId"])
            body = skill(content=f"{stored['content']}\n{number}")
            try:
                return edit(editor, "PUT", made, body, stored["version"])
            except PreconditionFailed:
                continue

    assert {done.status for done in all_at_once(append)} == {200}

    versions = list(connect("admin").skill_versions.find({"skillId": made["refId"]}).sort("version"))
    assert [version["version"] for version in versions] == list(range(1, EDITORS + 2))
    assert sorted(versions[-1]["content"].splitlines()[1:]) == [str(number) for number in range(EDITORS)]
    for before, after in pairwise(versions):
        assert after["content"].startswith(before["content"])
        assert after["createdOn"] > before["createdOn"]


def principal_scope():
    return request_of(http("GET", "/v1/skills", caller=principal())).caller.read_scope()


def test_of_posts_of_one_name_at_once_one_makes_it(editor, connect):
    outcomes = all_at_once(lambda number: create(editor, skill(content=f"by {number}")))

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Answer"] + ["Conflict"] * (EDITORS - 1)
    assert connect("admin").skills.count_documents({}) == 1
    assert connect("admin").skill_versions.count_documents({}) == 1


def test_one_that_is_deleted_and_changed_at_once_ends_in_one_of_both(editor, connect):
    made = create(editor, skill()).body

    def either(number):
        return edit(editor, "DELETE", made) if number else edit(editor, "PUT", made, skill("New"))

    changed, deleted = all_at_once(either, 2)

    stored = connect("admin").skills.find_one({"refId": made["refId"]})
    assert stored["version"] == 2
    assert isinstance(changed, ChanceryError) is ("deletedOn" in stored)
    assert isinstance(deleted, ChanceryError) is ("deletedOn" not in stored)


@pytest.mark.parametrize(
    ("kind", "step"),
    [(kind, step) for kind in ("create", "replace") for step in ("document", "version", "audit")]
    + [("delete", "document"), ("delete", "audit")],
)
def test_a_crash_after_any_step_leaves_nothing_of_the_change(editor, connect, monkeypatch, step, kind):
    made = create(editor, skill()).body
    admin = connect("admin")
    before = [list(admin[name].find({}, {"_id": 0})) for name in ("skills", "skill_versions")]
    target, method = {
        "document": (editor.store.skills, "add" if kind == "create" else "change"),
        "version": (editor.store.versions, "add"),
        "audit": (editor.trail.bus, "publish"),
    }[step]
    real = getattr(target, method)

    def dies(*args, **more):
        real(*args, **more)
        raise Crash

    monkeypatch.setattr(target, method, dies)
    attempt = {
        "create": lambda: create(editor, skill("New")),
        "replace": lambda: edit(editor, "PUT", made, skill("New")),
        "delete": lambda: edit(editor, "DELETE", made),
    }
    with pytest.raises(Crash):
        attempt[kind]()

    assert [list(admin[name].find({}, {"_id": 0})) for name in ("skills", "skill_versions")] == before
    monkeypatch.undo()
    assert edit(editor, "PUT", made, skill("New")).status == 200


def test_changes_that_cannot_be_audited_are_not_made(send, make, bus, names):
    made = make()
    bus.unavailable = True

    assert send("POST", "/skills", skill("New"))[0] == 503
    assert send("PUT", f"/skills/{made['refId']}", skill("New"), headers={"If-Match": '"1"'})[0] == 503
    assert send("DELETE", f"/skills/{made['refId']}", headers={"If-Match": '"1"'})[0] == 503
    assert send("GET", "/skills", caller=principal("auditor"))[0] == 503

    bus.unavailable = False
    assert names() == ["acme/Tone"]
    assert send("GET", f"/skills/{made['refId']}/versions")[1]["items"][0]["version"] == 1


def test_an_unavailable_database_is_503(editor):
    with mongo.connect("mongodb://127.0.0.1:9/?directConnection=true", timeout_ms=300) as client:
        unreachable = SkillStore(client.chancery)
        broken = SkillEditor(unreachable, editor.keys, editor.trail)
        with pytest.raises(Unavailable):
            create(broken, skill())
        with pytest.raises(Unavailable), unreachable.snapshot() as session:
            unreachable.effective("acme", {}, ("refId",), session)


def test_the_server_itself_refuses_a_second_skill_of_a_name_and_a_changed_version(editor, connect):
    made = create(editor, skill()).body
    with pytest.raises(Conflict):
        create(editor, skill())

    with pytest.raises(mongo.DatabaseFailure), mongo.translated():
        connect("writer").skill_versions.update_one({"skillId": made["refId"]}, {"$set": {"content": "x"}})
    with pytest.raises(mongo.DatabaseFailure), mongo.translated():
        connect("writer").skills.delete_one({"refId": made["refId"]})


class Replies(monitoring.CommandListener):
    """Adds up the sizes of the server's replies to reads."""

    def __init__(self):
        self.bytes = 0

    def started(self, event):
        pass

    def succeeded(self, event):
        if event.command_name in ("find", "getMore"):
            batches = event.reply["cursor"]
            self.bytes += sum(
                len(encode(item)) for name in ("firstBatch", "nextBatch") for item in batches.get(name, ())
            )

    def failed(self, event):
        pass


def test_fifty_skills_of_a_megabyte_are_listed_without_their_contents(connect, mongod, call, monkeypatch):
    """Written without the service, which would take minutes; the test is about the reads."""
    word, base = "wort ", {"tenantId": "acme", "createdBy": "me", "version": 1, "category": "sop"}
    content = word * (MAX_CONTENT // len(word))
    for number in range(50):
        document = {
            **base,
            "refId": f"01J{number:023}",
            "createdOn": NOON + timedelta(seconds=number),
            "name": f"Long {number}",
            "content": content,
            "contentBytes": len(content),
            "assignedAgentRoles": ["blog_writer"],
            "isClientContext": False,
        }
        connect("admin").skills.insert_one(document)
        versions = {name: value for name, value in document.items() if name not in ("_id", "refId")}
        connect("admin").skill_versions.insert_one(
            versions | {"refId": document["refId"], "skillId": f"01J{0:023}", "version": number + 1}
        )
    replies = Replies()
    real = mongo.MongoClient
    monkeypatch.setattr(mongo, "MongoClient", lambda *args, **more: real(*args, **more, event_listeners=[replies]))

    for path, query in (
        ("/v1/skills", {}),
        ("/v1/skills", {"q": "wort", "category": "sop"}),
        (f"/v1/skills/01J{0:023}/versions", {}),
        ("/v1/agents/blog_writer/skills", {}),
    ):
        replies.bytes = 0
        status, body, _ = call("read_skills", http("GET", path, caller=principal(), query={**query}), "reader")
        if "agents" in path:
            assert status == 409  # 50 MB: refused before any content is read
        else:
            assert (status, len(body["items"])) == (200, 50)
        assert 5_000 < replies.bytes < 60_000
