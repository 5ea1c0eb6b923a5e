"""Seeding the global skills from a library, repeatedly, while admins change them."""

from pathlib import Path

import pytest

from chancery.audit.access import AccessTrail
from chancery.content.skills.library import LibraryBroken, packaged, read_library
from chancery.content.skills.seeding import Seeder
from chancery.content.skills.store import SkillStore
from chancery.core.errors import Unavailable
from tests.integration.content.skills.conftest import ADMIN, skill


@pytest.fixture
def seeder(connect, bus):
    return Seeder(SkillStore(connect("writer")), AccessTrail(bus))


@pytest.fixture
def library(tmp_path):
    """Writes a file of a library, or deletes it. Returns the library."""

    def write(name: str, content: str | None, **changes: str):
        given = {"name": name, "category": "sop", "assignedAgentRoles": "[blog_writer]", "isClientContext": "false"}
        lines = [f"{field}: {value}" for field, value in (given | changes).items()]
        file = Path(tmp_path, f"{name.lower()}.md")
        file.unlink(missing_ok=True)
        if content is not None:
            file.write_text("\n".join(["---", *lines, "---", content]))
        return read_library(tmp_path)

    return write


def stored(connect, name):
    return connect("admin").skills.find_one({"tenantId": "global", "name": name})


def test_a_library_is_seeded_once_and_followed(seeder, library, connect, bus):
    library("A", "first")
    files = library("B", "first")

    assert seeder.seed(files).as_json() == {"created": ["A", "B"], "updated": [], "unchanged": [], "left": []}
    assert seeder.seed(files).as_json() == {"created": [], "updated": [], "unchanged": ["A", "B"], "left": []}
    assert seeder.seed(library("A", "second")).as_json()["updated"] == ["A"]
    assert seeder.seed(library("A", "second", category="template")).as_json()["updated"] == ["A"]

    found = stored(connect, "A")
    assert (found["version"], found["content"], found["category"]) == (3, "second", "template")
    assert (found["filePath"], found["createdBy"]) == ("skills-library/a.md", "skills-library")
    versions = connect("admin").skill_versions.find({"skillId": found["refId"]}).sort("version")
    assert [version["content"] for version in versions] == ["first", "second", "second"]
    assert [(event["action"], event["tenantId"]) for event in bus.of("Record Audit Event")] == [
        ("skill.created", None),
        ("skill.created", None),
        ("skill.updated", None),
        ("skill.updated", None),
    ]


def test_a_skill_that_its_file_renames_stays_the_same_skill(seeder, library, connect, tmp_path):
    seeder.seed(library("A", "first"))
    ref_id = stored(connect, "A")["refId"]
    (tmp_path / "a.md").write_text((tmp_path / "a.md").read_text().replace("name: A", "name: Renamed"))

    assert seeder.seed(read_library(tmp_path)).as_json()["updated"] == ["Renamed"]
    assert stored(connect, "Renamed")["refId"] == ref_id


@pytest.mark.parametrize("back", [False, True])
def test_a_skill_that_an_admin_has_changed_is_left_alone_even_when_changed_back(seeder, library, connect, send, back):
    seeder.seed(library("A", "first"))
    path = f"/skills/{stored(connect, 'A')['refId']}"
    content = "first" if back else "the admin's"
    send("PUT", path, skill("A", category="sop", content=content), caller=ADMIN, headers={"If-Match": '"1"'})

    assert seeder.seed(library("A", "second")).as_json()["left"] == ["A"]
    assert stored(connect, "A")["content"] == content


def test_a_skill_that_an_admin_has_deleted_is_not_created_again(seeder, library, connect, send):
    seeder.seed(library("A", "first"))
    path = f"/skills/{stored(connect, 'A')['refId']}"
    assert send("DELETE", path, caller=ADMIN, headers={"If-Match": '"1"'})[0] == 204

    assert seeder.seed(library("A", "second")).as_json()["left"] == ["A"]
    assert connect("admin").skills.count_documents({"deletedOn": None}) == 0


def test_a_name_that_an_admin_has_taken_is_left(seeder, library, connect, make):
    make("A", tenant="global", content="the admin's")
    make("B")  # a tenant's skill, which seeding ignores
    library("A", "the library's")

    assert seeder.seed(library("B", "first")).as_json() == {
        "created": ["B"],
        "updated": [],
        "unchanged": [],
        "left": ["A"],
    }
    assert stored(connect, "A")["content"] == "the admin's"


def test_a_file_that_has_gone_leaves_its_skill(seeder, library, connect):
    library("A", "first")
    seeder.seed(library("B", "first"))

    assert seeder.seed(library("A", None)).as_json()["unchanged"] == ["B"]
    assert stored(connect, "A")["content"] == "first"


def test_a_concurrent_change_by_an_admin_wins(seeder, library, connect, send, monkeypatch):
    seeder.seed(library("A", "first"))
    path = f"/skills/{stored(connect, 'A')['refId']}"
    look_up = seeder.store.from_library

    def then_an_admin_writes(*args):
        found = look_up(*args)
        send("PUT", path, skill("A"), caller=ADMIN, headers={"If-Match": '"1"'})
        return found

    monkeypatch.setattr(seeder.store, "from_library", then_an_admin_writes)

    assert seeder.seed(library("A", "second")).as_json()["left"] == ["A"]
    assert stored(connect, "A")["updatedBy"] == "super_admin-1"


def test_a_seeding_that_is_cut_short_is_taken_up_again(seeder, library, connect, bus):
    bus.unavailable = True
    files = library("A", "first")
    with pytest.raises(Unavailable):
        seeder.seed(files)
    assert connect("admin").skills.count_documents({}) == 0

    bus.unavailable = False
    assert seeder.seed(files).as_json()["created"] == ["A"]


def test_a_broken_file_stops_everything_before_anything_is_written(seeder, library, connect):
    library("A", "first")
    with pytest.raises(LibraryBroken, match=r"b\.md: category"):
        seeder.seed(library("B", "first", category="poem"))

    assert connect("admin").skills.count_documents({}) == 0


def test_the_packaged_library_is_seeded_and_hidden_by_a_tenants_own(seeder, send, make, names):
    assert len(seeder.seed_packaged().created) == len(read_library(packaged())) >= 8

    bundle = send("GET", "/agents/blog_writer/skills")[1]["skills"]
    assert bundle[0]["name"] == "Client context"
    assert {"brand_voice", "sop", "template"} < {item["category"] for item in bundle}
    make("Client context", category="client_context", isClientContext=True, content="Sells anvils.")
    assert send("GET", "/agents/blog_writer/skills")[1]["skills"][0]["content"] == "Sells anvils."
    assert "acme/Client context" in names(q="anvils")
