"""Wires traces to the deployment, once an execution environment."""

from functools import cache

import orjson

from chancery.core.mongo.repository import Repository
from chancery.core.settings import RetentionSettings, load
from chancery.traces.service import Traces
from chancery.wiring import audit
from chancery.wiring.registry import COLLECTIONS


@cache
def traces() -> Traces:
    retention, database = orjson.loads(load(RetentionSettings).retention_days), audit.database()
    traced = [Repository(database, collection, retention) for collection in COLLECTIONS if collection.trace_kind]
    return Traces(traced, audit.trail())
