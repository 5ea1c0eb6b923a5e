"""Repository: adds a document once, changes it by optimistic lock, and hides deleted and expired documents."""

from datetime import timedelta

import pytest
from pymongo.errors import WriteError

from chancery.core.errors import Unavailable
from chancery.core.identity.principal import TenantScope
from chancery.core.mongo.client import DatabaseFailure, connect, in_transaction
from chancery.core.mongo.repository import Repository, base_of
from local.ports import free_port
from tests.builders import NOON
from tests.integration.core.mongo.conftest import DAYS, FOREVER, THINGS, USER, thing


def test_a_document_is_added_once(things, database):
    document = thing()

    assert things.add(document)
    assert not things.add(document)
    assert not things.add(thing(1, name="thing 0"))
    assert things.add(thing(0, tenant="globex"))
    assert "_id" not in document
    assert database.things.count_documents({}) == 2


def test_a_refusal_by_the_validator_is_an_error_that_quotes_nothing(things):
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
def test_deleted_and_expired_documents_are_neither_found_nor_listed_nor_changed(things, database, changes, seen):
    """MongoDB still has it: its sweep runs each minute at best."""
    assert things.add(thing(**changes))
    stored = database.things.find_one({}, {"_id": 0})

    assert bool(things.get({"tenantId": "acme"})) is seen
    assert bool(things.find({"tenantId": "acme"})) is seen
    assert bool(things.page({"tenantId": "acme"}, fields=("refId",), descending=True, limit=5)) is seen
    assert things.change(stored, name="changed") is seen
    assert database.things.find_one({})["name"] == ("changed" if seen else "thing 0")


def test_a_filter_cannot_reveal_hidden_documents(things):
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


def test_an_unreachable_database_raises_unavailable():
    with connect(f"mongodb://127.0.0.1:{free_port()}/?directConnection=true", 300) as client:
        unreachable = Repository(client["chancery"], THINGS)

        for ask in (
            lambda: unreachable.get({}),
            lambda: unreachable.find({}),
            lambda: unreachable.add(thing()),
            lambda: unreachable.change(thing(), name="x"),
            lambda: unreachable.page({}, fields=(), descending=True, limit=1),
        ):
            with pytest.raises(Unavailable):
                ask()


def test_the_base_of_a_document_has_the_principal_tenant_and_time():
    base = base_of(USER, TenantScope("acme"), lambda: NOON)

    assert base == {"refId": base["refId"], "tenantId": "acme", "createdBy": "user-1", "createdOn": NOON}
    assert base_of(USER, TenantScope("acme"), lambda: NOON, ref_id="01J")["refId"] == "01J"
