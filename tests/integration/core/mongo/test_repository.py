"""Repository of any collection: written once, changed by compare-and-set, never seen deleted or expired, in pages."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from pymongo.errors import WriteError

from chancery.audit.access import AccessTrail
from chancery.core.documents import ChangeableBase, Identifier
from chancery.core.errors import NotFound, Unavailable, ValidationFailed
from chancery.core.identity.principal import Principal, TenantScope
from chancery.core.identity.roles import Role
from chancery.core.mongo.audited_reader import DocumentReader
from chancery.core.mongo.client import DatabaseFailure, connect, in_transaction
from chancery.core.mongo.collections import Collection, Index
from chancery.core.mongo.repository import Repository, base_of
from chancery.core.mongo.schema import apply, plan
from chancery.core.web.listing import ListQuery
from chancery.core.web.validation import parse
from local.ports import free_port
from tests.builders import NOON
from tests.fakes import FakeBus

DAYS = 30


class Thing(ChangeableBase):
    """A document of this test's own kind."""

    name: Identifier
    body: str = ""
    deleted_by: Identifier | None = None
    deleted_on: datetime | None = None


class Forever(ChangeableBase):
    """One that is neither deleted nor expires."""

    name: Identifier


THINGS = Collection(
    name="things",
    model=Thing,
    retention_days=DAYS,
    list_fields=("refId", "tenantId", "name", "createdOn"),
    access={},
    indexes=(Index((("tenantId", 1), ("refId", 1)), unique=True), Index((("tenantId", 1), ("name", 1)), unique=True)),
)
FOREVER = Collection(name="forever", model=Forever, list_fields=("refId", "name"), access={}, indexes=())


class ThingQuery(ListQuery):
    """The query parameters of a list of things."""

    offered = THINGS.list_fields


class ThickQuery(ListQuery):
    """Of one with bodies."""

    offered = ("refId", "body")


USER = Principal("user-1", Role.USER, ("acme",))
AUDITOR = Principal("auditor-1", Role.AUDITOR, ("acme",))
ADMIN = Principal("admin-1", Role.SUPER_ADMIN)


@pytest.fixture
def database(connect) -> Iterator[Any]:
    found = connect("admin")
    apply(found, plan(found, (THINGS, FOREVER)))
    yield found
    found.drop_collection("things")
    found.drop_collection("forever")


@pytest.fixture
def things(database) -> Repository:
    return Repository(database, THINGS, clock=lambda: NOON)


@pytest.fixture
def bus() -> FakeBus:
    return FakeBus()


@pytest.fixture
def reader(things, bus) -> DocumentReader:
    return DocumentReader(things, AccessTrail(bus, clock=lambda: NOON), "thing")


def thing(number: int = 0, tenant: str = "acme", **changes: Any) -> dict[str, Any]:
    document = {
        "refId": f"{number:026d}",
        "tenantId": tenant,
        "createdBy": "user-1",
        "createdOn": NOON - timedelta(minutes=number),
        "version": 1,
        "name": f"thing {number}",
        "body": "x" * 10,
    }
    return document | changes


@pytest.fixture
def add(things):
    def put(*documents: dict[str, Any]) -> None:
        for document in documents:
            assert things.add(document)

    return put


def actions(bus: FakeBus) -> list[tuple[str, str, str | None]]:
    return [(event["action"], event["resourceId"], event["tenantId"]) for event in bus.of("Record Audit Event")]


# ---- stored


def test_a_document_is_added_once(things, database):
    document = thing()

    assert things.add(document)
    assert not things.add(document)
    assert not things.add(thing(1, name="thing 0"))
    assert things.add(thing(0, tenant="globex"))
    assert "_id" not in document
    assert database.things.count_documents({}) == 2


def test_what_the_validator_refuses_is_an_error_that_quotes_nothing(things):
    with pytest.raises(DatabaseFailure) as refused:
        things.add(thing(version=0, body="secret"))

    assert isinstance(refused.value.__cause__, WriteError)
    assert "secret" not in refused.value.detail and "code 121" in refused.value.detail


def test_a_document_is_read_whole_or_in_part(things, add):
    add(thing())

    assert things.get({"refId": "0" * 26}) == thing()
    assert things.get({"refId": "0" * 26}, ("name",)) == {"name": "thing 0"}
    assert things.get({"refId": "1" * 26}) is None
    assert [found["refId"] for found in things.find({"tenantId": "acme"})] == ["0" * 26]


@pytest.mark.parametrize(
    ("changes", "seen"),
    [
        ({}, True),
        ({"deletedOn": None}, True),
        ({"deletedOn": NOON, "deletedBy": "user-1"}, False),
        ({"createdOn": NOON - timedelta(days=DAYS) + timedelta(milliseconds=1)}, True),
        ({"createdOn": NOON - timedelta(days=DAYS)}, False),
        ({"createdOn": NOON - timedelta(days=DAYS, minutes=1)}, False),
    ],
)
def test_what_is_deleted_or_expired_is_neither_found_nor_listed_nor_changed(things, database, changes, seen):
    """MongoDB still has it: its sweep runs each minute at best."""
    assert things.add(thing(**changes))
    stored = database.things.find_one({}, {"_id": 0})

    assert bool(things.get({"tenantId": "acme"})) is seen
    assert bool(things.find({"tenantId": "acme"})) is seen
    assert bool(things.page({"tenantId": "acme"}, fields=("refId",), descending=True, limit=5)) is seen
    assert things.change(stored, name="changed") is seen
    assert database.things.find_one({})["name"] == ("changed" if seen else "thing 0")


def test_a_query_cannot_lift_the_veil(things):
    """A filter on the same fields is added to what hides, it does not replace it."""
    assert things.add(thing(createdOn=NOON - timedelta(days=DAYS + 1)))
    assert things.add(thing(1, deletedOn=NOON))

    assert things.get({"createdOn": {"$lt": NOON}}) is None
    assert things.get({"deletedOn": {"$ne": None}}) is None


def test_retention_is_the_deployments_and_some_collections_have_none(database):
    old = thing(createdOn=NOON - timedelta(days=DAYS + 1))
    assert Repository(database, THINGS, clock=lambda: NOON).add(old)
    forever = {name: old[name] for name in ("refId", "tenantId", "createdBy", "createdOn", "version", "name")}
    assert Repository(database, FOREVER, clock=lambda: NOON).add(forever)

    longer = Repository(database, THINGS, {"things": DAYS + 2}, clock=lambda: NOON)
    shorter = Repository(database, THINGS, {"things": 1}, clock=lambda: NOON)
    assert longer.get({"tenantId": "acme"}) == old
    assert shorter.get({"tenantId": "acme"}) is None
    assert Repository(database, FOREVER, {"forever": 1}, clock=lambda: NOON).get({}) == forever


def test_of_two_changes_to_the_same_version_one_is_made(things, add):
    add(thing())
    first, second = things.get({}), things.get({})

    assert things.change(first, name="first")
    assert not things.change(second, name="second")
    now = things.get({})
    assert (now["name"], now["version"]) == ("first", 2)
    assert things.change(now, name="third")
    assert not things.change({**now, "version": 3, "tenantId": "globex"}, name="other tenant's")


def test_a_transaction_is_all_or_nothing(things, database, add):
    add(thing())

    def work(session):
        assert things.change(things.get({}, session=session), session, name="changed")
        assert things.add(thing(1), session)
        raise Unavailable("The bus does not answer.")

    with pytest.raises(Unavailable, match="bus"):
        in_transaction(database, work)
    assert [(found["name"], found["version"]) for found in things.find({})] == [("thing 0", 1)]


def test_a_database_that_is_away_is_unavailable():
    with connect(f"mongodb://127.0.0.1:{free_port()}/?directConnection=true", 300) as client:
        away = Repository(client["chancery"], THINGS)

        for ask in (
            lambda: away.get({}),
            lambda: away.find({}),
            lambda: away.add(thing()),
            lambda: away.change(thing(), name="x"),
            lambda: away.page({}, fields=(), descending=True, limit=1),
        ):
            with pytest.raises(Unavailable):
                ask()


def test_the_base_of_a_document_comes_from_who_writes_it():
    base = base_of(USER, TenantScope("acme"), lambda: NOON)

    assert base == {"refId": base["refId"], "tenantId": "acme", "createdBy": "user-1", "createdOn": NOON}
    assert base_of(USER, TenantScope("acme"), lambda: NOON, ref_id="01J")["refId"] == "01J"


# ---- listed


def walk(reader, principal=USER, filters=None, kind=ThingQuery, **asked):
    """The refIds of every page."""
    pages, cursor = [], None
    while cursor or not pages:
        answer = reader.page(principal, kind(**{**asked, "cursor": cursor}), filters or {})
        pages.append([int(item["refId"]) for item in answer["items"]])
        cursor = answer["nextCursor"]
    return pages


def test_pages_are_newest_first_without_gap_or_repeat(reader, add):
    add(*(thing(n) for n in range(7)), thing(100, createdOn=NOON), thing(101, createdOn=NOON))

    assert walk(reader, limit=3) == [[101, 100, 0], [1, 2, 3], [4, 5, 6]]
    assert walk(reader, limit=9) == [[101, 100, 0, 1, 2, 3, 4, 5, 6]]
    assert walk(reader, filters={"name": "nothing"}) == [[]]


def test_what_comes_or_goes_meanwhile_moves_no_page(reader, add, database):
    add(*(thing(n) for n in range(2, 8)))
    first = reader.page(USER, ThingQuery(limit=2), {})
    add(thing(0))
    database.things.delete_one({"refId": f"{3:026d}"})

    second = reader.page(USER, ThingQuery(limit=2, cursor=first["nextCursor"]), {})

    assert [int(item["refId"]) for item in second["items"]] == [4, 5]


def test_items_have_the_fields_of_the_list_or_fewer(reader, add):
    add(thing())

    (whole,) = reader.page(USER, ThingQuery(), {})["items"]
    (narrow,) = reader.page(USER, ThingQuery(fields=" name ,"), {})["items"]

    assert whole == {"refId": "0" * 26, "tenantId": "acme", "name": "thing 0", "createdOn": "2026-03-01T12:00:00.000Z"}
    assert narrow == {"refId": "0" * 26, "name": "thing 0"}
    with pytest.raises(ValidationFailed) as refused:
        parse(ThingQuery, {"fields": "name,body,version"})
    assert [error.pointer for error in refused.value.errors] == ["/fields"]
    assert "choose from: refId, tenantId, name, createdOn" in refused.value.errors[0].detail


@pytest.mark.parametrize(
    ("principal", "asked", "filters"),
    [
        (USER, {}, {"name": "thing 1"}),
        (Principal("user-2", Role.USER, ("globex",)), {}, {}),
        (ADMIN, {}, {}),
        (ADMIN, {"tenant_id": "globex"}, {}),
    ],
)
def test_a_cursor_is_of_use_for_its_own_list_only(reader, add, principal, asked, filters):
    add(*(thing(n) for n in range(3)))
    cursor = reader.page(USER, ThingQuery(limit=1), {})["nextCursor"]

    with pytest.raises(ValidationFailed, match="cursor"):
        reader.page(principal, ThingQuery(limit=1, cursor=cursor, **asked), filters)
    with pytest.raises(ValidationFailed, match="cursor"):
        DocumentReader(reader.documents, reader.trail, "other").page(USER, ThingQuery(limit=1, cursor=cursor), {})
    assert reader.page(USER, ThingQuery(limit=2, cursor=cursor, fields="name"), {})["items"]


@pytest.mark.parametrize("cursor", ["x", "", "e30", "WzEsMl0", "WzFlMzAsICJhIiwgImIiXQ", "é"])
def test_a_damaged_cursor_is_refused(reader, add, cursor):
    add(thing())
    if cursor:
        with pytest.raises(ValidationFailed):
            parse(ThingQuery, {"cursor": cursor})
    else:
        assert reader.page(USER, ThingQuery(cursor=cursor), {})["items"]


def test_a_page_too_large_for_an_answer_ends_earlier_and_goes_on(database, reader):
    """Items of 200 KB: an answer takes 26 of them; one alone is always answered."""
    thick = Repository(database, THINGS._replace(list_fields=ThickQuery.offered), clock=lambda: NOON)
    for number in range(60):
        assert thick.add(thing(number, body="é" * 100_000))
    assert thick.add(thing(60, body="x" * 5_000_000))

    pages = walk(DocumentReader(thick, reader.trail, "thing"), kind=ThickQuery, limit=500)

    assert [number for page in pages for number in page] == list(range(61))
    assert [len(page) for page in pages] == [26, 26, 8, 1]


# ---- read


def test_a_document_is_read_inside_of_its_tenant(reader, add):
    add(thing(), thing(1, tenant="globex"))

    assert reader.show(USER, f"{0:026d}")["createdOn"] == "2026-03-01T12:00:00.000Z"
    for principal, ref_id in ((USER, f"{1:026d}"), (USER, f"{2:026d}"), (AUDITOR, f"{1:026d}")):
        with pytest.raises(NotFound, match="no such thing"):
            reader.show(principal, ref_id)
    with pytest.raises(NotFound):
        reader.show(USER, f"{1:026d}", "globex")


def test_an_auditors_reads_are_audited_with_the_filters_but_not_their_values(reader, add, bus):
    add(thing())

    reader.show(AUDITOR, f"{0:026d}")
    reader.page(AUDITOR, ThingQuery(), {"name": "thing 0"})

    assert actions(bus) == [("thing.viewed", f"{0:026d}", "acme"), ("thing.listed", "*", "acme")]
    assert bus.of("Record Audit Event")[1]["metadata"] == {"filters": ["name"]}


def test_nobody_elses_reads_are_audited_unless_it_is_asked_for(reader, add, bus):
    add(thing())

    reader.show(USER, f"{0:026d}")
    reader.page(USER, ThingQuery(), {})
    assert actions(bus) == []
    reader.get(USER, f"{0:026d}", always=True)
    assert actions(bus) == [("thing.viewed", f"{0:026d}", "acme")]


def test_a_super_admins_crossing_is_audited_in_the_tenant_that_was_looked_into(reader, add, bus):
    add(thing(1, tenant="globex"))

    reader.show(ADMIN, f"{1:026d}")
    reader.page(ADMIN, ThingQuery(), {})
    reader.page(ADMIN, ThingQuery(tenant_id="globex"), {})

    assert actions(bus) == [
        ("tenant.crossed", "globex", "globex"),
        ("tenant.crossed", "*", None),
        ("tenant.crossed", "globex", "globex"),
    ]


def test_what_cannot_be_audited_is_not_read(reader, add, bus):
    add(thing())
    bus.unavailable = True

    for read in (lambda: reader.show(AUDITOR, f"{0:026d}"), lambda: reader.page(AUDITOR, ThingQuery(), {})):
        with pytest.raises(Unavailable):
            read()
    assert reader.show(USER, f"{0:026d}")


def test_a_document_that_is_not_found_is_not_audited_as_read(reader, bus):
    with pytest.raises(NotFound):
        reader.show(AUDITOR, "x")
    assert actions(bus) == []
