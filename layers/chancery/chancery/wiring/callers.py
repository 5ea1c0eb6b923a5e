"""Wires what every function of the API needs of its callers' tenants, once an execution environment."""

from functools import cache

from chancery.core.identity.principal import Principal, TenantScope
from chancery.core.web.rate_limits import RateLimiter
from chancery.core.web.request import TakeFromLimit
from chancery.core.web.responses import Tenants
from chancery.wiring.audit import database, detectors, settings_store, trail


@cache
def take_from_limit() -> TakeFromLimit:
    return RateLimiter(database(), settings_store().limits_of).take


def record_miss(principal: Principal, scope: TenantScope, route: str, resource_id: str) -> None:
    trail().record_miss(principal, scope, route, resource_id)


TENANTS = Tenants(take_from_limit, detectors, record_miss)
