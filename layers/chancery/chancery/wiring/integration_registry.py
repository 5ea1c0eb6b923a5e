"""Wires the registry of external systems to the deployment, once an execution environment."""

from functools import cache

from chancery.integrations.registry.store import RegistryStore
from chancery.wiring import audit


@cache
def store() -> RegistryStore:
    return RegistryStore(audit.database())
