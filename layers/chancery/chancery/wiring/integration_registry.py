"""Wires the registry of external systems to the deployment, once an execution environment."""

from functools import cache
from typing import NamedTuple

from chancery.core.outbound.addresses import networks
from chancery.core.outbound.urls import UrlPolicy
from chancery.core.settings import load
from chancery.core.web.changes import ChangeTrail
from chancery.core.web.idempotency import IdempotencyKeys
from chancery.integrations.registry import endpoints, systems
from chancery.integrations.registry.checks import SettingsChecks
from chancery.integrations.registry.dry_run import DryRuns
from chancery.integrations.registry.endpoints import EndpointEditor, EndpointReader
from chancery.integrations.registry.store import RegistryStore
from chancery.integrations.registry.systems import SystemEditor, SystemReader
from chancery.integrations.transforms.transformer import Transformer
from chancery.wiring import audit


class UrlSettings(NamedTuple):
    """Which URLs may be stored: plain http, `true` or `false`; private ranges as CIDR blocks with commas between."""

    outbound_plain_http: str = "false"
    outbound_private_ranges: str = ""


@cache
def store() -> RegistryStore:
    return RegistryStore(audit.database())


@cache
def transformer() -> Transformer:
    """Needs the layer with JSONata."""
    transformer = Transformer()
    transformer.start()
    return transformer


@cache
def system_reader() -> SystemReader:
    return SystemReader(store(), audit.trail())


@cache
def endpoint_reader() -> EndpointReader:
    return EndpointReader(store(), audit.trail())


@cache
def system_editor() -> SystemEditor:
    return SystemEditor(store(), _keys(), _checks(), ChangeTrail(audit.trail(), systems.RESOURCE))


@cache
def endpoint_editor() -> EndpointEditor:
    return EndpointEditor(store(), _keys(), _checks(), ChangeTrail(audit.trail(), endpoints.RESOURCE))


@cache
def dry_runs() -> DryRuns:
    return DryRuns(store(), transformer(), audit.trail())


@cache
def _checks() -> SettingsChecks:
    settings = load(UrlSettings)
    policy = UrlPolicy(settings.outbound_plain_http == "true", networks(settings.outbound_private_ranges))
    return SettingsChecks(policy, transformer())


@cache
def _keys() -> IdempotencyKeys:
    return IdempotencyKeys(audit.database())
