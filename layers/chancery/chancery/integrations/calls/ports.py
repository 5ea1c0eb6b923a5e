"""What calls need of others; without the client that sends them, which only the worker imports."""

from typing import Protocol

from chancery.integrations.registry.models import Target


class Messages(Protocol):
    """The queue of calls."""

    def send(self, body: str, delay_seconds: int = 0) -> None: ...


class Targets(Protocol):
    """Reads endpoints with their systems; `registry.store.RegistryStore`."""

    def target(self, tenant_id: str, system: str, endpoint: str) -> Target: ...
