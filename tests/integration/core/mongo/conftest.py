"""A collection of documents of the tests' own type."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from chancery.core.documents import ChangeableBase, Identifier
from chancery.core.identity.principal import Principal
from chancery.core.identity.roles import Role
from chancery.core.mongo.collections import Collection, Index
from chancery.core.mongo.repository import Repository
from chancery.core.mongo.schema import apply, plan
from tests.builders import NOON

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


USER = Principal("user-1", Role.USER, ("acme",))


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
