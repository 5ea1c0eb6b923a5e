"""GET and PUT /v1/audit-settings through the real handler."""

import pytest

from chancery.audit.settings import AuditSettingsStore
from tests.builders import http, principal

PATH = "/v1/audit-settings"


@pytest.fixture
def send(call):
    def invoke(method, body=None, role="super_admin", query=None, tenants=()):
        request = http(method, PATH, body, caller=principal(role, tenants), query=query)
        return call("manage_audit_settings", request)

    return invoke


def test_a_tenant_without_settings_has_the_defaults(send):
    status, answer, _ = send("GET", role="user", tenants=("acme",))

    assert status == 200
    assert answer == {"tenantId": "acme", "strictCatalog": False, "updatedBy": None, "updatedOn": None}


def test_an_admin_changes_them_and_the_change_is_audited(send, bus):
    status, answer, _ = send("PUT", {"strictCatalog": True}, query={"tenantId": "acme"})

    assert status == 200
    assert (answer["strictCatalog"], answer["updatedBy"]) == (True, "super_admin-1")
    assert send("GET", role="user", tenants=("acme",))[1] == answer
    changed = bus.of("Record Audit Event")[0]
    assert (changed["action"], changed["tenantId"]) == ("audit_settings.updated", "acme")
    assert changed["metadata"] == {"before": False, "after": True}


@pytest.mark.parametrize("role", ["user", "dm_user", "auditor", "producer"])
def test_other_roles_cannot_change_the_settings(send, role):
    assert send("PUT", {"strictCatalog": True}, role=role, tenants=("acme",))[0] == 403


@pytest.mark.parametrize("body", [{}, {"strictCatalog": "maybe"}, {"strictCatalog": True, "more": 1}, []])
def test_a_wrong_body_is_refused_and_changes_nothing(send, body):
    assert send("PUT", body, query={"tenantId": "acme"})[0] == 422
    assert send("GET", query={"tenantId": "acme"})[1]["strictCatalog"] is False


def test_a_change_that_cannot_be_audited_is_not_made(send, bus):
    bus.unavailable = True

    assert send("PUT", {"strictCatalog": True}, query={"tenantId": "acme"})[0] == 503
    bus.unavailable = False
    assert send("GET", query={"tenantId": "acme"})[1]["strictCatalog"] is False


def test_a_writer_sees_a_change_within_half_a_minute(connect, monkeypatch):
    moment = [1000.0]
    monkeypatch.setattr("chancery.audit.settings.time.monotonic", lambda: moment[0])
    writer, elsewhere = AuditSettingsStore(connect("writer")), AuditSettingsStore(connect("writer"))
    assert not writer.is_strict("acme")

    elsewhere.put("acme", True, "admin")

    assert not writer.is_strict("acme")
    moment[0] += 31
    assert writer.is_strict("acme")
