"""The registry of systems and endpoints on a real database."""

import pytest

from chancery.core.errors import Conflict, NotFound, PreconditionFailed
from chancery.core.identity.principal import Principal, TenantScope
from chancery.core.identity.roles import Role
from chancery.core.mongo.repository import base_of
from chancery.integrations.registry.models import EndpointSettings, SystemSettings
from chancery.integrations.registry.store import RegistryStore

BY = "dm_user-1"


def unaudited() -> None:
    """Lets every change happen."""


def document(model, code, tenant="acme", **given):
    settings = model.model_validate(given).model_dump(by_alias=True)
    return {**base_of(Principal(BY, Role.DM_USER, (tenant,)), TenantScope(tenant)), "code": code, **settings}


def system_of(code="erp", tenant="acme", **given):
    return document(SystemSettings, code, tenant, **{"name": "ERP", "baseUrl": "https://erp.example.com", **given})


def endpoint_of(code="orders", **given):
    return document(EndpointSettings, code, **{"name": "Orders", "pathTemplate": "/orders", **given})


@pytest.fixture
def store(connect):
    return RegistryStore(connect("writer"))


def test_a_target_is_an_endpoint_with_its_system(store):
    pair = {"internal": "kg", "external": "KGM"}
    timeouts = {"totalMs": 5000}
    system = store.add_system(system_of(codeMaps=[{"name": "uom", "pairs": [pair]}], deadlineSeconds=60), unaudited)
    store.add_endpoint(system, endpoint_of(timeouts=timeouts, successStatuses=[404]), unaudited)

    target = store.target("acme", "erp", "orders")

    assert (target.system.base_url, target.endpoint.path_template) == ("https://erp.example.com", "/orders")
    assert (target.timeouts.total_ms, target.retry_policy.max_attempts, target.deadline_seconds) == (5000, 3, 60)
    assert target.code_maps["uom"]["toExternal"] == {"kg": "KGM"}
    assert (target.is_success(404), target.is_success(200), target.is_enabled) == (True, False, True)


@pytest.mark.parametrize("key", [("globex", "erp", "orders"), ("acme", "crm", "orders"), ("acme", "erp", "items")])
def test_another_tenant_system_or_endpoint_is_not_found(store, key):
    store.add_endpoint(store.add_system(system_of(), unaudited), endpoint_of(), unaudited)

    with pytest.raises(NotFound):
        store.target(*key)


def test_a_code_is_once_a_tenant(store):
    store.add_endpoint(store.add_system(system_of(), unaudited), endpoint_of(), unaudited)

    with pytest.raises(Conflict):
        store.add_system(system_of(), unaudited)
    with pytest.raises(Conflict):
        store.add_endpoint(store.system("acme", "erp"), endpoint_of(), unaudited)
    assert store.add_system(system_of(tenant="globex"), unaudited)["version"] == 1


def test_of_two_writers_the_second_is_refused(store):
    read = store.add_system(system_of(), unaudited)
    endpoint = store.add_endpoint(read, endpoint_of(), unaudited)

    assert store.change_system(read, {"name": "First"}, BY, unaudited)["version"] == 2
    assert store.change_endpoint(endpoint, {"name": "First"}, BY, unaudited)["version"] == 2

    for change in (
        lambda: store.change_system(read, {"name": "Second"}, BY, unaudited),
        lambda: store.change_endpoint(endpoint, {"name": "Second"}, BY, unaudited),
        lambda: store.delete_endpoint(endpoint, BY, unaudited),
    ):
        with pytest.raises(PreconditionFailed):
            change()
    assert store.system("acme", "erp")["name"] == store.target("acme", "erp", "orders").endpoint.name == "First"


def test_a_system_is_deleted_after_its_endpoints(store):
    system = store.add_system(system_of(), unaudited)
    endpoint = store.add_endpoint(system, endpoint_of(), unaudited)

    with pytest.raises(Conflict, match="delete them first"):
        store.delete_system(system, BY, unaudited)
    store.delete_endpoint(endpoint, BY, unaudited)
    store.delete_system(system, BY, unaudited)

    with pytest.raises(NotFound):
        store.system("acme", "erp")


def test_a_new_system_of_a_deleted_ones_code_has_none_of_its_endpoints(store):
    old = store.add_system(system_of(), unaudited)
    store.delete_system(old, BY, unaudited)
    store.add_endpoint(old, endpoint_of(), unaudited)  # by a request that read the system before

    new = store.add_system(system_of(), unaudited)

    with pytest.raises(NotFound):
        store.endpoint(new, "orders")


def test_a_change_that_cannot_be_audited_does_not_happen(store):
    def fail() -> None:
        raise PreconditionFailed("The bus is away.")

    with pytest.raises(PreconditionFailed):
        store.add_system(system_of(), fail)
    with pytest.raises(NotFound):
        store.system("acme", "erp")
