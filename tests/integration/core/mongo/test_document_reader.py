"""DocumentReader: lists in pages, single documents, and the audit of reads."""

import pytest

from chancery.audit.access import AccessTrail
from chancery.core.errors import NotFound, Unavailable, ValidationFailed
from chancery.core.identity.principal import Principal
from chancery.core.identity.roles import Role
from chancery.core.mongo.audited_reader import DocumentReader
from chancery.core.mongo.repository import Repository
from chancery.core.web.listing import ListQuery, to_response
from chancery.core.web.validation import parse
from tests.builders import NOON
from tests.fakes import FakeBus
from tests.integration.core.mongo.conftest import THINGS, USER, thing


class ThingQuery(ListQuery):
    """The query parameters of a list of things."""

    offered = THINGS.list_fields


class ThickQuery(ListQuery):
    """Of one with bodies."""

    offered = ("refId", "body")


AUDITOR = Principal("auditor-1", Role.AUDITOR, ("acme",))


ADMIN = Principal("admin-1", Role.SUPER_ADMIN)


@pytest.fixture
def bus() -> FakeBus:
    return FakeBus()


@pytest.fixture
def reader(things, bus) -> DocumentReader:
    return DocumentReader(things, AccessTrail(bus, clock=lambda: NOON), "thing")


def actions(bus: FakeBus) -> list[tuple[str, str, str | None]]:
    return [(event["action"], event["resourceId"], event["tenantId"]) for event in bus.of("Record Audit Event")]


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


def test_documents_added_or_deleted_between_two_pages_shift_none(reader, add, database):
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


@pytest.mark.parametrize("cursor", ["x", "e30", "WzEsMl0", "WzFlMzAsICJhIiwgImIiXQ", "é"])
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


def test_a_document_is_read_inside_of_its_tenant(reader, add):
    add(thing(), thing(1, tenant="globex"))

    assert to_response(reader.get(USER, f"{0:026d}"))["createdOn"] == "2026-03-01T12:00:00.000Z"
    for principal, ref_id in ((USER, f"{1:026d}"), (USER, f"{2:026d}"), (AUDITOR, f"{1:026d}")):
        with pytest.raises(NotFound, match="no such thing"):
            reader.get(principal, ref_id)
    with pytest.raises(NotFound):
        reader.get(USER, f"{1:026d}", "globex")


def test_an_auditors_reads_are_audited_with_the_filters_but_not_their_values(reader, add, bus):
    add(thing())

    reader.get(AUDITOR, f"{0:026d}")
    reader.page(AUDITOR, ThingQuery(), {"name": "thing 0"})

    assert actions(bus) == [("thing.viewed", f"{0:026d}", "acme"), ("thing.listed", "*", "acme")]
    assert bus.of("Record Audit Event")[1]["metadata"] == {"filters": ["name"]}


def test_reads_by_other_roles_are_audited_on_request_only(reader, add, bus):
    add(thing())

    reader.get(USER, f"{0:026d}")
    reader.page(USER, ThingQuery(), {})
    assert actions(bus) == []
    reader.get(USER, f"{0:026d}", always=True)
    assert actions(bus) == [("thing.viewed", f"{0:026d}", "acme")]


def test_a_super_admins_crossing_is_audited_in_the_tenant_that_was_looked_into(reader, add, bus):
    add(thing(1, tenant="globex"))

    reader.get(ADMIN, f"{1:026d}")
    reader.page(ADMIN, ThingQuery(), {})
    reader.page(ADMIN, ThingQuery(tenant_id="globex"), {})

    assert actions(bus) == [
        ("tenant.crossed", "globex", "globex"),
        ("tenant.crossed", "*", None),
        ("tenant.crossed", "globex", "globex"),
    ]


def test_a_read_that_cannot_be_audited_is_not_made(reader, add, bus):
    add(thing())
    bus.unavailable = True

    for read in (lambda: reader.get(AUDITOR, f"{0:026d}"), lambda: reader.page(AUDITOR, ThingQuery(), {})):
        with pytest.raises(Unavailable):
            read()
    assert reader.get(USER, f"{0:026d}")


def test_a_document_that_is_not_found_is_not_audited_as_read(reader, bus):
    with pytest.raises(NotFound):
        reader.get(AUDITOR, "x")
    assert actions(bus) == []
