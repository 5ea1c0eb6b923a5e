"""The custom resource that brings the global skills to the library in the package; what an admin has changed stays."""

from typing import Any

from chancery.core.aws.custom_resource import custom_resource
from chancery.core.observability import instrument
from chancery.wiring import skills as bootstrap


@instrument
@custom_resource
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return bootstrap.seeder().seed_packaged().as_attributes()
