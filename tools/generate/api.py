"""The block of template.yaml with the API's routes: an OpenAPI document that names the function of each."""

from collections.abc import Iterable
from typing import Any

from chancery.core.web.routes import AnyRoute
from tools.generate import names
from tools.generate.yaml import Anchored, Ref, Sub, dump

FALLBACK = "describe_api"  # answers what no route takes
_ANY = "x-amazon-apigateway-any-method"


class MixedFunction(Exception):
    """A function serves routes with and without the authorizer; they share one anchor."""


def api_block(routes: Iterable[AnyRoute]) -> str:
    """The property DefinitionBody. Raises MixedFunction."""
    integrations: dict[str, Anchored] = {}
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        operation = integrations.setdefault(route.function, _integration(route.function, route.open))
        if ("security" in operation) != route.open:
            raise MixedFunction(route.function)
        paths.setdefault(route.path, {})[route.method.lower()] = operation
    for path in ("/", "/{proxy+}"):
        paths[path] = {_ANY: integrations[FALLBACK]}
    info = {"title": Ref("AWS::StackName"), "version": "1.0"}
    return dump({"DefinitionBody": {"openapi": "3.0.1", "info": info, "paths": paths}})


def _integration(function: str, is_open: bool) -> Anchored:
    name = names.logical_id(function)
    uri = (
        "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/"
        f"${{{name}.Arn}}/invocations"
    )
    integration = {"type": "aws_proxy", "httpMethod": "POST", "uri": Sub(uri)}
    # Without it SAM adds the default authorizer.
    security: dict[str, Any] = {"security": [{"NONE": []}]} if is_open else {}
    return Anchored(name, {"x-amazon-apigateway-integration": integration, "responses": {}, **security})
