"""Roles and tenants."""

import pytest

from chancery.core.errors import Forbidden, NotFound
from chancery.core.identity.principal import Principal, TenantScope
from chancery.core.identity.roles import READERS, WRITERS, Role

USER = Principal("u", Role.USER, ("acme",))
STAFF = Principal("s", Role.DM_USER, ("acme", "globex"))
ADMIN = Principal("a", Role.SUPER_ADMIN)


def test_a_user_reads_and_writes_its_own_tenant_whether_named_or_not():
    assert USER.read_scope() == USER.read_scope("acme") == TenantScope("acme")
    assert USER.write_scope() == USER.write_scope("acme") == TenantScope("acme")


def test_another_tenants_data_does_not_exist_for_a_user():
    with pytest.raises(NotFound):
        USER.read_scope("globex")
    with pytest.raises(NotFound):
        Principal("u", Role.USER, ("acme",), requested_tenant="globex").read_scope()


def test_a_user_cannot_write_for_another_tenant_by_body_or_header():
    with pytest.raises(Forbidden) as refused:
        USER.write_scope("globex")
    with pytest.raises(Forbidden):
        Principal("u", Role.USER, ("acme",), requested_tenant="globex").write_scope()

    assert refused.value.errors[0].pointer == "/tenantId"


def test_staff_switch_between_the_tenants_of_the_token_only():
    switched = Principal("s", Role.DM_USER, ("acme", "globex"), requested_tenant="globex")

    assert STAFF.read_scope() == TenantScope("acme")
    assert switched.read_scope() == switched.write_scope() == TenantScope("globex")
    with pytest.raises(NotFound):
        STAFF.read_scope("initech")


def test_the_scope_of_an_admin_in_another_tenant_is_a_crossing():
    assert ADMIN.read_scope() == TenantScope(None, every_tenant=True, crossing=True)
    assert ADMIN.read_scope("acme") == ADMIN.write_scope("acme") == TenantScope("acme", crossing=True)
    assert ADMIN.read_scope("null") == ADMIN.write_scope() == TenantScope(None)


def test_only_an_admin_can_query_without_a_tenant():
    assert USER.read_scope().filter == {"tenantId": "acme"}
    assert ADMIN.read_scope("null").filter == {"tenantId": None}
    assert ADMIN.read_scope().filter == {}


def test_auditors_cannot_write_and_producers_cannot_read():
    with pytest.raises(Forbidden):
        Principal("x", Role.AUDITOR, ("acme",)).require(WRITERS)
    with pytest.raises(Forbidden):
        Principal("x", Role.PRODUCER, ("acme",)).require(READERS)
