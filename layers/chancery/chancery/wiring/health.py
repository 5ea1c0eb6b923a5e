"""Wires the health check to the deployment, once an execution environment."""

from functools import cache

from chancery.core.aws import clients as aws
from chancery.core.mongo import client as mongo
from chancery.core.settings import BusSettings, load
from chancery.core.web.health import Health


@cache
def health() -> Health:
    return Health(mongo.database, lambda: aws.client("events"), load(BusSettings).event_bus)
