"""The request of a call: URL, headers and body from an endpoint, its system, and what the call gives."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import orjson

from chancery.core.errors import FieldError, ValidationFailed
from chancery.integrations.registry.authentication import ApiKeyAuthentication
from chancery.integrations.registry.models import CallParameters, Target
from chancery.integrations.registry.urls import path_parameters

_PLACE = re.compile(r"\{(\w+)\}")


class PreparedRequest(NamedTuple):
    """A request without its credentials, which are added when it is sent. `body` is JSON, None for none."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None


def prepare(target: Target, given: CallParameters, body: Any) -> PreparedRequest:
    """The request to an endpoint with a transformed body. Raises ValidationFailed for parameters that do not fit.

    A body of null sends none. Headers of the endpoint replace the system's.
    """
    system, endpoint = target
    _require_further(target, given)
    url = system.base_url + _path(endpoint.path_template, given.path_parameters)
    query = {**endpoint.query, **{name: _text(value) for name, value in given.query.items()}}
    if query:
        url += "?" + urlencode(query, quote_via=quote)
    content = None if body is None else orjson.dumps(body)
    defaults = {"Accept": "application/json"} | ({"Content-Type": "application/json"} if content else {})
    return PreparedRequest(endpoint.method, url, merged(defaults, system.headers, endpoint.headers), content)


def _require_further(target: Target, given: CallParameters) -> None:
    """Raises ValidationFailed for parameters of the query that every call has."""
    auth, taken = target.system.auth, dict.fromkeys(target.endpoint.query, "is set by the endpoint")
    if isinstance(auth, ApiKeyAuthentication) and auth.placement == "query":
        taken[auth.parameter] = "carries the system's credential, which Chancery adds"
    if wrong := [FieldError(f"/query/{name}", taken[name]) for name in given.query if name in taken]:
        raise ValidationFailed("The parameters do not fit the endpoint.", errors=wrong)


def _path(template: str, given: Mapping[str, Any]) -> str:
    names = path_parameters(template)
    wrong = [FieldError(f"/pathParameters/{name}", "is required") for name in names if name not in given]
    wrong += [
        FieldError(f"/pathParameters/{name}", "is no parameter of the endpoint's path")
        for name in given
        if name not in names
    ]
    wrong += [
        FieldError(f"/pathParameters/{name}", "must not be empty, . or ..")
        for name in names
        if _text(given.get(name, "-")) in ("", ".", "..")
    ]
    if wrong:
        raise ValidationFailed("The parameters do not fit the endpoint.", errors=wrong)
    return _PLACE.sub(lambda found: quote(_text(given[found[1]]), safe=""), template)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def merged(*headers: Mapping[str, str]) -> dict[str, str]:
    """Headers of which the later ones replace the earlier ones of the same name, in any case."""
    merged: dict[str, tuple[str, str]] = {}
    for group in headers:
        merged |= {name.lower(): (name, value) for name, value in group.items()}
    return dict(merged.values())
