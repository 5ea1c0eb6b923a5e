"""The authorizer of both APIs: from an event of the type REQUEST to a policy, with a trace of each refused token."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from chancery.core.errors import Unauthenticated
from chancery.core.formats.correlation import correlation_of
from chancery.core.identity.tokens import TokenVerifier, VerifiedToken, claimed_subject
from chancery.core.log_limit import LogLimit
from chancery.core.observability import count, logger
from chancery.core.redaction import redact_text

_LONGEST = 200  # characters of a caller's text in a line
_LIMIT = LogLimit()


def authorize(verifier: TokenVerifier, event: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of the authorizer, which API Gateway caches by the token.

    Raises Exception("Unauthorized"), the one text that API Gateway turns into a 401 and does not cache, and Unavailable
    (a 500 there, which the template's gateway response makes a 503) when the issuer's keys cannot be had.
    """
    authorization = authorization_of(event)
    try:
        return allow(verifier.verify(authorization), event["methodArn"])
    except Unauthenticated as error:
        _trace(error, authorization, event)
        raise Exception("Unauthorized") from None


def authorization_of(event: Mapping[str, Any]) -> str:
    """The `Authorization` of a request; of a WebSocket handshake its parameter `token`, as browsers send no header.

    Empty where it is given twice: API Gateway caches the answer by one of them, and says not by which.
    """
    if "connectionId" in (event.get("requestContext") or {}):
        tokens = _every(event, "multiValueQueryStringParameters", "queryStringParameters").get("token") or ()
        return f"Bearer {tokens[0]}" if len(tokens) == 1 else ""
    headers = _every(event, "multiValueHeaders", "headers")
    given = [value for name, values in headers.items() if name.lower() == "authorization" for value in values]
    return given[0] if len(given) == 1 else ""


def _every(event: Mapping[str, Any], multiple: str, single: str) -> Mapping[str, Sequence[str]]:
    """Every value by name; the last one of each where the event has no more."""
    return event.get(multiple) or {name: [value] for name, value in (event.get(single) or {}).items()}


def allow(token: VerifiedToken, method_arn: str) -> dict[str, Any]:
    """An authorizer's answer that lets a principal call every route; what its role may do is the service's rule.

    The whole stage is named because API Gateway caches the answer by token, not by route.
    """
    api, stage = method_arn.split("/")[:2]
    statement = {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": f"{api}/{stage}/*"}
    principal = token.principal
    context = {
        "role": principal.role.value,
        "tenants": orjson.dumps(principal.tenants).decode(),
        "expiresOn": str(token.expires_on),
    }
    if principal.name:
        context["name"] = principal.name
    return {
        "principalId": principal.subject,
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": context,
    }


def _trace(error: Unauthenticated, authorization: str, event: Mapping[str, Any]) -> None:
    """Counts a refused token, and logs why and whose: at most once a minute for each address, subject and reason."""
    count("AccessesRefused")
    context = event.get("requestContext") or {}
    address = (context.get("identity") or {}).get("sourceIp")
    claimed, reason = claimed_subject(authorization.partition(" ")[2]), type(error.__cause__ or error).__name__
    unlogged = _LIMIT.unlogged((address, claimed, reason))
    if unlogged is None:
        return
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    logger.warning(
        "TOKEN_REFUSED",
        reason=reason,
        claimed_subject=claimed,
        address=address,
        request_id=context.get("requestId"),
        trace_id=correlation_of(headers).trace_id,
        method=event.get("httpMethod") or context.get("routeKey"),
        path=redact_text(str(event.get("path") or ""))[:_LONGEST],
        unlogged=unlogged,
    )
