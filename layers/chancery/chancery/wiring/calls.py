"""Wires managed calls to the deployment, once an execution environment."""

from functools import cache
from typing import NamedTuple

import orjson

from chancery.core.aws.envelope_encryption import DataKeys
from chancery.core.aws.queue import Queue
from chancery.core.aws.sealed_values import Seals
from chancery.core.mongo.audited_reader import DocumentReader
from chancery.core.settings import RetentionSettings, load
from chancery.core.web.idempotency import IdempotencyKeys
from chancery.integrations.calls.service import ManagedCalls
from chancery.integrations.calls.store import CallStore
from chancery.integrations.registry.store import RegistryStore
from chancery.wiring import audit


class CallSettings(NamedTuple):
    """The queue of calls, and the KMS key of their requests and results."""

    sensitive_key: str
    integration_calls_queue_url: str


@cache
def store() -> CallStore:
    return CallStore(audit.database(), orjson.loads(load(RetentionSettings).retention_days))


@cache
def registry() -> RegistryStore:
    return RegistryStore(audit.database())


@cache
def seals() -> Seals:
    return Seals(DataKeys(load(CallSettings).sensitive_key))


@cache
def queue() -> Queue:
    return Queue(load(CallSettings).integration_calls_queue_url)


@cache
def calls() -> ManagedCalls:
    reader = DocumentReader(store().calls, audit.trail(), "integration_call")
    return ManagedCalls(store(), registry(), seals(), queue(), IdempotencyKeys(audit.database()), reader)
