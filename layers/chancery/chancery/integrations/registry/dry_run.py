"""Dry runs: the request of a call as it would be sent, with references in place of secrets; nothing is sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from chancery.core.errors import FieldError, ValidationFailed
from chancery.core.mongo.audited_reader import Trail
from chancery.core.mongo.client import Document
from chancery.core.redaction import redact_text
from chancery.core.web.changes import one_tenant
from chancery.core.web.request import Call
from chancery.core.web.validation import TenantChoice
from chancery.integrations.registry.authentication import (
    ApiKeyAuthentication,
    BasicAuthentication,
    BearerAuthentication,
    ClientCredentials,
    SecretReference,
)
from chancery.integrations.registry.models import DryRunRequest, DryRunResponse, Target
from chancery.integrations.registry.requests import prepare
from chancery.integrations.registry.store import RegistryStore
from chancery.integrations.transforms.transformer import Transformer, TransformFailed


@dataclass(frozen=True, slots=True)
class DryRuns:
    """Transforms requests and responses of calls without making these."""

    store: RegistryStore
    transformer: Transformer
    trail: Trail

    def run(self, call: Call[TenantChoice, DryRunRequest]) -> Document:
        """`{method, url, headers, query, body, bodyBytes, result}`. Raises NotFound, ValidationFailed, Unavailable."""
        scope = one_tenant(call.principal, call.query.tenant_id)
        target = self.store.target(str(scope.tenant_id), call.path["code"], call.path["endpoint"])
        self.trail.record(call.principal, scope, "integration_endpoint.tried", target.endpoint.ref_id)
        body = self._transformed("/body", target.endpoint.request_transform, call.body.body, {}, target)
        request = prepare(target, call.body, body)
        headers, query = credential_references(target)
        return {
            "method": request.method,
            "url": request.url,
            "headers": {**request.headers, **headers},
            "query": query,
            "body": None if request.body is None else orjson.loads(request.body),
            "bodyBytes": len(request.body or b""),
            "result": self._result(target, call.body.response),
        }

    def _result(self, target: Target, response: DryRunResponse | None) -> Any:
        if response is None:
            return None
        bindings = {"status": response.status, "headers": response.headers}
        return self._transformed("/response", target.endpoint.response_transform, response.body, bindings, target)

    def _transformed(
        self, pointer: str, expression: str | None, value: Any, bindings: Mapping[str, Any], target: Target
    ) -> Any:
        if expression is None:
            return value
        try:
            return self.transformer.transform(expression, value, bindings=bindings, code_maps=target.code_maps)
        except TransformFailed as exc:
            place = "" if exc.position is None else f" (at character {exc.position} of the expression)"
            error = FieldError(pointer, f"cannot be transformed: {redact_text(exc.detail.rstrip('.'))}{place}")
            raise ValidationFailed("The transform has no result for this value.", errors=[error]) from None


def credential_references(target: Target) -> tuple[dict[str, str], dict[str, str]]:
    """The headers and query parameters that carry credentials, with references in place of these."""
    auth = target.system.auth
    if not isinstance(auth, SecretReference):
        return {}, {}
    member = f"#{auth.secret_member}" if auth.secret_member else ""
    secret = f"<{auth.secret_arn}{member}>"
    match auth:
        case BearerAuthentication():
            return {"Authorization": f"Bearer {secret}"}, {}
        case BasicAuthentication():
            return {"Authorization": f"Basic <base64 of {auth.username}:{secret}>"}, {}
        case ClientCredentials():
            return {"Authorization": f"Bearer <token of {auth.token_url} for {auth.client_id} and {secret}>"}, {}
        case ApiKeyAuthentication(placement="header"):
            return {auth.parameter: f"{auth.prefix}{secret}"}, {}
        case ApiKeyAuthentication():
            return {}, {auth.parameter: f"{auth.prefix}{secret}"}
        case _:
            return {}, {}
