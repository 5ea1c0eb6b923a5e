"""Wires what every function of the API needs of its callers' tenants, once an execution environment."""

from functools import cache

from chancery.core.web.rate_limits import RateLimiter
from chancery.core.web.request import TakeFromLimit
from chancery.core.web.responses import Tenants
from chancery.wiring.audit import database, detectors, settings_store


@cache
def take_from_limit() -> TakeFromLimit:
    return RateLimiter(database(), settings_store().limits_of).take


TENANTS = Tenants(take_from_limit, detectors)
