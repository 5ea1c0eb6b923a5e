"""Wires destinations to the deployment, once an execution environment: secrets, and what the API does."""

from functools import cache
from typing import NamedTuple

import orjson

from chancery.core.aws.envelope_encryption import DataKeys
from chancery.core.aws.queue import ItemRef
from chancery.core.aws.sealed_values import Seals
from chancery.core.mongo.audited_reader import DocumentReader
from chancery.core.mongo.client import Document
from chancery.core.outbound.addresses import networks
from chancery.core.outbound.urls import UrlPolicy
from chancery.core.settings import RetentionSettings, load
from chancery.core.web.changes import ChangeTrail
from chancery.core.web.idempotency import IdempotencyKeys
from chancery.destinations.registry.checks import DestinationChecks
from chancery.destinations.registry.deliveries import Deliveries, DeliveryRequests
from chancery.destinations.registry.delivery_store import DeliveryStore
from chancery.destinations.registry.destinations import RESOURCE, DestinationEditor, Destinations
from chancery.destinations.registry.health import DestinationHealth
from chancery.destinations.registry.secrets import DestinationSecrets
from chancery.destinations.registry.store import DestinationStore
from chancery.integrations.exchanges.store import SENDER, ExchangeStore
from chancery.wiring import audit, delivery_trigger
from chancery.wiring.event_sources import sources


class DestinationSettings(NamedTuple):
    """Which URLs and roles may be stored, the KMS key of secrets, and the queue of deliveries.

    `own_account_roles`: `true` where destinations may name roles of this account, in a local stack.
    """

    sensitive_key: str
    deliveries_queue_url: str
    outbound_plain_http: str = "false"
    outbound_private_ranges: str = ""
    own_account_roles: str = "false"


@cache
def store() -> DestinationStore:
    return DestinationStore(audit.database())


@cache
def secrets() -> DestinationSecrets:
    """`opened` decrypts what messages are sent with."""
    return DestinationSecrets(Seals(DataKeys(load(DestinationSettings).sensitive_key)))


@cache
def editor() -> DestinationEditor:
    trail, limits = ChangeTrail(audit.trail(), RESOURCE, ("kind", "name")), audit.settings_store().limits_of
    return DestinationEditor(store(), _keys(), _checks(), secrets(), trail, sources, limits, _start)


@cache
def destinations() -> Destinations:
    return Destinations(_reader())


@cache
def deliveries() -> Deliveries:
    return Deliveries(_reader(), _delivery_store(), _Attempts())


@cache
def delivery_requests() -> DeliveryRequests:
    return DeliveryRequests(_reader(), _delivery_store(), _keys(), _start)


@cache
def health() -> DestinationHealth:
    return DestinationHealth(_reader(), store(), _delivery_store(), sources)


class _Attempts:
    """Implements `ports.Attempts`: the exchanges of a delivery, by the beginning of their request ids."""

    def of(self, tenant_id: str, delivery_id: str) -> list[Document]:
        exchanges = ExchangeStore(audit.database(), orjson.loads(load(RetentionSettings).retention_days)).exchanges
        begin, end = f"{delivery_id}-", f"{delivery_id}."  # "." follows "-"
        own = {"tenantId": tenant_id, "createdBy": SENDER}
        found = exchanges.find({**own, "requestId": {"$gte": begin, "$lt": end}})
        return sorted(found, key=lambda exchange: (exchange["createdOn"], exchange["requestId"]))


def _start(item: ItemRef) -> None:
    """Has a destination served that no run serves. Raises Unavailable."""
    delivery_trigger.trigger().start(item)


@cache
def _reader() -> DocumentReader:
    return DocumentReader(store().destinations, audit.trail(), RESOURCE)


@cache
def _delivery_store() -> DeliveryStore:
    return DeliveryStore(audit.database(), store())


@cache
def _checks() -> DestinationChecks:
    settings = load(DestinationSettings)
    policy = UrlPolicy(settings.outbound_plain_http == "true", networks(settings.outbound_private_ranges))
    account = settings.deliveries_queue_url.rsplit("/", 2)[-2]  # of the URL of a queue
    return DestinationChecks(policy, None if settings.own_account_roles == "true" else account)


@cache
def _keys() -> IdempotencyKeys:
    return IdempotencyKeys(audit.database())
