"""What a caller of every tenant does not find is audited, in the tenant that the request names."""

import json
from typing import Any

import pytest

from chancery.core.errors import ChanceryError, Forbidden, NoSuchTenant, NotFound
from chancery.core.identity.principal import TenantScope
from chancery.core.identity.roles import READERS
from chancery.core.web.refused_accesses import audit_miss
from chancery.core.web.request import request_of
from chancery.core.web.routes import Route
from chancery.sealing.prover import NotYetSealed
from tests.builders import http, principal

NOTE: Any = Route("GET", "/v1/notes/{kind}/{refId}", "", lambda *_: {}, READERS, {}, path_values={"kind": ("plain",)})
PATH = {"kind": "plain", "refId": "gone"}


def missed(error: ChanceryError, role: str = "super_admin", tenants: tuple[str, ...] = (), **asked: Any) -> list[Any]:
    """What is audited of an error: (scope, route, id)."""
    audited: list[Any] = []
    event = http("GET", "/v1/notes/plain/gone", asked.pop("body", None), caller=principal(role, tenants), **asked)
    audit_miss(error, NOTE, PATH, request_of(event), lambda _, *miss: audited.append(miss))
    return audited


@pytest.mark.parametrize(
    ("asked", "tenant"),
    [
        ({"query": {"tenantId": "globex"}}, "globex"),
        ({"query": {"tenantId": "globex"}, "headers": {"X-Tenant-Id": "initech"}}, "globex"),
        ({"headers": {"X-Tenant-Id": "globex"}}, "globex"),
        ({"body": {"tenantId": "globex"}, "headers": {"X-Tenant-Id": "initech"}}, "globex"),
        ({"body": json.dumps([{"tenantId": "initech"}]), "headers": {"X-Tenant-Id": "globex"}}, "globex"),
        ({"body": {"tenantId": 7}, "headers": {"X-Tenant-Id": "globex"}}, "globex"),
        ({"body": {"tenantId": "no\x00id"}}, None),
        ({"body": "not JSON"}, None),
        ({}, None),
    ],
)
def test_a_miss_is_audited_with_the_route_the_id_and_the_tenant_that_is_named(asked, tenant):
    scope = TenantScope(tenant, every_tenant=tenant is None, crossing=True)

    assert missed(NotFound("gone"), **asked) == [(scope, "GET /v1/notes/{kind}/{refId}", "gone")]


@pytest.mark.parametrize(
    ("error", "role"),
    [
        (NotFound("gone"), "dm_user"),
        (NotFound("gone"), "auditor"),
        (NoSuchTenant("none"), "super_admin"),
        (NotYetSealed("soon"), "super_admin"),
        (Forbidden("no"), "super_admin"),
    ],
)
def test_what_is_no_miss_across_tenants_is_not_audited(error, role):
    assert missed(error, role, ("acme",)) == []
