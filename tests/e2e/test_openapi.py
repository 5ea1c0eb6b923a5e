"""schemathesis walks the generated OpenAPI document against the deployed API."""

import json
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from chancery.wiring.openapi import document
from chancery.wiring.routes import ROUTES
from tests.profiles import examples

CHECKS = (not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance)


NAMES = [f"{route.method} {route.openapi_path}" for route in ROUTES]


@pytest.fixture(scope="session")
def served(stack: dict[str, Any]) -> dict[str, Any]:
    """The served document."""
    answered: dict[str, Any] = httpx.get(f"{stack['apiUrl']}/openapi.json", timeout=30).json()
    return answered


@pytest.fixture(scope="session")
def operations(served: dict[str, Any], stack: dict[str, Any]) -> dict[str, Any]:
    """The operations of the served document by method and path."""
    schema = schemathesis.openapi.from_dict(served)
    schema.config.update(base_url=stack["apiUrl"].removesuffix("/v1"))
    found = [result.ok() for result in schema.get_all_operations()]
    return {f"{operation.method.upper()} {operation.path}": operation for operation in found}


def test_the_deployed_description_is_that_of_the_declarations(served: dict[str, Any]) -> None:
    assert served == json.loads(json.dumps(document()))


@pytest.mark.parametrize("name", NAMES)
def test_no_input_breaks_the_api_or_its_document(name: str, operations: dict[str, Any], stack: dict[str, Any]) -> None:
    headers = {"Authorization": f"Bearer {stack['tokens']['dm_user']}"}

    @settings(max_examples=examples(25), deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(case=operations[name].as_strategy())
    def walk(case: Any) -> None:
        if "wait" in case.query:
            case.query["wait"] = 0
        case.call_and_validate(headers=headers, checks=CHECKS)

    walk()
