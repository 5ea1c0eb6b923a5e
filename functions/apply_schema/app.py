"""The custom resource that brings MongoDB to the registry: plans, applies, and refuses credentials that go too far."""

from typing import Any

from chancery.core.aws import clients as aws
from chancery.core.aws.custom_resource import custom_resource
from chancery.core.mongo import client as mongo
from chancery.core.observability import instrument
from chancery.core.settings import load
from chancery.wiring.deployment import SchemaSettings, deploy_schema


@instrument
@custom_resource
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return deploy_schema(load(SchemaSettings), mongo.connect, aws.secret)
