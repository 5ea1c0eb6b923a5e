"""Input that is made to be read as something else: operators, cursors, paths, headers, repeated parameters, bodies."""

import base64
import gzip
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from chancery.core.web.request import MAX_BODY
from chancery.core.web.routes import AnyRoute
from chancery.wiring.routes import ROUTES
from tests.attack.probe import FOREIGN, Probe, Rule, anything, hidden, refused
from tests.attack.target import Target, fields_of, headers_of, parameters_of

_OPERATORS: tuple[Any, ...] = (
    {"$gt": ""},
    {"$ne": None},
    {"$where": "sleep(5000) || true"},
    {"$function": {"body": "function() { return true }", "args": [], "lang": "js"}},
    {"$ref": "audit_logs", "$id": 1},
    [{"$match": {}}],
    "$$ROOT",
)
_TEXTS = ('{"$gt":""}', "[$ne]", "' || '1'=='1", ".*", "\x00", "\ud800", "a" * 9000, "-1", "1e400")
_REFUSED = (400, 401, 403, 404, 405, 409, 412, 413, 415, 422, 428, 431)


def injection(target: Target) -> Iterator[Probe]:
    """Operators of MongoDB in every query parameter, as its name's ending, and in every field of every body."""
    for route in ROUTES:
        path, token = target.path(route), target.caller(route)
        for name in parameters_of(route):
            for text in _TEXTS:
                sent = quote(text.encode(errors="surrogatepass"))
                yield Probe(
                    route, f"parameter {name}", f"{path}?{name}={sent}", anything, token, *_valid(target, route)
                )
            for ending in ("[$ne]", ".$gt"):
                asked = f"{path}?{quote(name + ending)}=x"
                yield Probe(
                    route, f"parameter {name}{ending}", asked, refused(*_REFUSED), token, *_valid(target, route)
                )
        for name in fields_of(route):
            for operator in _OPERATORS:
                body = target.body(route, {name: operator})
                yield Probe(route, f"field {name}", path, anything, token, headers_of(route), body)
        if route.body:
            for key in ("$set", "$where", "a.b", "__proto__", "_id", "tenantId.$ne", ""):
                body = target.body(route, {key: {"$gt": ""}})
                yield Probe(route, f"key {key!r}", path, anything, token, headers_of(route), body)


def cursors(target: Target) -> Iterator[Probe]:
    """Every list with cursors that are garbage, forged, of another list, or of another tenant."""
    lists = [route for route in ROUTES if "cursor" in parameters_of(route)]
    for route in lists:
        own = target.cursors.get(("acme", route.path), "")
        others = [found for (_, path), found in target.cursors.items() if path != route.path and found]
        foreign = target.cursors.get((FOREIGN, route.path)) or _cursor(0, "01J00000000000000000000000", "0" * 16)
        texts = {
            "garbage": "garbage",
            "not base64": "%%%",
            "null": _encoded("null"),
            "an object": _encoded({"$gt": ""}),
            "operators": _cursor({"$gt": 0}, {"$gt": ""}, {"$ne": ""}),
            "a time beyond all": _cursor(10**18, "01J00000000000000000000000", "0" * 16),
            "no time": _cursor(None, None, None),
            "too short": _encoded([1]),
            "not bound": _cursor(0, "01J00000000000000000000000", ""),
            "another list's": others[0] if others else _cursor(1, "a", "b"),
            "another tenant's": foreign,
            "cut": own[:-3] if own else "YQ",
            "long": "A" * 2049,
        }
        for name, text in texts.items():
            asked = f"{target.path(route)}?cursor={quote(text)}"
            shared = name == "another tenant's" and "tenantId" not in parameters_of(route)
            yield Probe(route, name, asked, anything if shared else refused(404, 422), target.caller(route))


_SEGMENTS = (
    "..%2f..%2faudit-logs",
    "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "..",
    "..%5c..%5cwindows",
    "..;",
    "%c0%ae%c0%ae",
    "%252e%252e",
    "%00",
    "%0d%0aX-Tenant-Id:%20globex",
    "%ff%fe",
    "%E2%80%AE",
    "%7B%22%24gt%22%3A%22%22%7D",
    "[$ne]",
    "*",
    "null",
    "a" * 2000,
    "%",
    "%zz",
    "~root",
    "$%7Bjndi:ldap:%2f%2f127.0.0.1%7D",
)


def paths(target: Target) -> Iterator[Probe]:
    """Every parameter of every path with traversals, encodings and texts that are no id."""
    for route in ROUTES:
        body = target.body(route)
        for name in route.parameters:
            for segment in _SEGMENTS:
                asked = target.path(route, **{name: segment})
                yield Probe(
                    route, f"{name} {segment[:20]}", asked, hidden, target.caller(route), headers_of(route), body
                )
        for ending in ("/..%2f..", "//", "/.", ";a=b", "%2f", "/%2e%2e/health", "?"):
            asked = f"{target.path(route)}{ending}"
            yield Probe(route, f"ending {ending}", asked, anything, target.caller(route), headers_of(route), body)


_HEADERS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    ("two tenants", (("X-Tenant-Id", "acme"), ("X-Tenant-Id", FOREIGN))),
    ("tenant in another case", (("x-tenant-id", FOREIGN),)),
    ("tenant in an underscore", (("X_Tenant_Id", FOREIGN),)),
    ("a role", (("role", "super_admin"), ("X-Role", "super_admin"), ("principalId", "root"))),
    ("an authorizer's context", (("X-Amzn-Authorizer", '{"role":"super_admin"}'), ("X-Amz-Principal", "root"))),
    ("another method", (("X-HTTP-Method-Override", "DELETE"), ("X-Method-Override", "PUT"))),
    ("another URL", (("X-Original-URL", "/v1/archives"), ("X-Rewrite-URL", "/v1/archives"))),
    ("another host", (("X-Forwarded-Host", "attacker.example"), ("Forwarded", "host=attacker.example"))),
    ("another address", (("X-Forwarded-For", "127.0.0.1, $where"), ("X-Real-IP", "::1"))),
    ("chunked and a length", (("Transfer-Encoding", "chunked"), ("Content-Length", "0"))),
    ("a coding", (("Content-Encoding", "gzip"),)),
    ("a media type", (("Content-Type", "application/xml; charset=utf-7"), ("Accept", "../../etc/passwd"))),
    ("ranges", (("Range", "bytes=0-0,1-1,99999999999999999999-"), ("If-Range", '"x"'))),
    ("preconditions", (("If-Match", '*, W/"\'"'), ("If-None-Match", "$ne"), ("If-Modified-Since", "never"))),
    ("a long key", (("Idempotency-Key", "k" * 6000),)),
    ("an operator as key", (("Idempotency-Key", '{"$gt":""}'),)),
    ("a trace", (("traceparent", "00-" + "0" * 32 + "-$where-ff"), ("X-Correlation-Id", "\x7f" * 300))),
    ("a cookie", (("Cookie", "Authorization=Bearer x; tenant=globex"),)),
)


def headers(target: Target) -> Iterator[Probe]:
    """Every route with headers that name another tenant, role, method, host or length."""
    for route in ROUTES:
        for name, sent in _HEADERS:
            body = target.body(route)
            if name.startswith("chunked"):
                body = b"0\r\n\r\n"
            yield Probe(route, name, target.path(route), anything, target.caller(route), sent, body)


def repetitions(target: Target) -> Iterator[Probe]:
    """Every query parameter given twice, with equal and with other values, and in another case."""
    for route in ROUTES:
        path, token = target.path(route), target.caller(route)
        for name in parameters_of(route):
            for first, second in (("1", "2"), ("1", "1"), ("acme", FOREIGN)):
                asked = f"{path}?{name}={first}&{name}={second}"
                yield Probe(route, f"{name} twice", asked, refused(404, 422), token, *_valid(target, route))
            asked = f"{path}?{name.upper()}=1"
            yield Probe(route, f"{name} in capitals", asked, refused(422), token, *_valid(target, route))


def bodies(target: Target) -> Iterator[Probe]:
    """Every body too large, too deep, not JSON, not UTF-8, of another type, or ambiguous."""
    large = b'{"a": "' + b"a" * (MAX_BODY + 1) + b'"}'
    texts: tuple[tuple[str, bytes, Rule], ...] = (
        ("empty", b"", anything),
        ("not JSON", b'{"a": ', refused(422)),
        ("null", b"null", refused(422)),
        ("a number", b"7", refused(422)),
        ("a list", b"[]", refused(422)),
        ("a text", b'"a"', refused(422)),
        ("not UTF-8", b'{"a": "\xff\xfe"}', refused(422)),
        ("half a surrogate", b'{"a": "\\ud800"}', refused(422)),
        ("NaN", b'{"a": NaN}', refused(422)),
        ("deep", b'{"a": ' * 2000 + b"1" + b"}" * 2000, refused(422)),
        ("deep lists", b"[" * 100_000, refused(422)),
        ("many fields", json.dumps({f"field{number}": 1 for number in range(20_000)}).encode(), refused(413, 422)),
        ("a large number", b'{"a": 1' + b"0" * 5000 + b"}", refused(422)),
        ("compressed", gzip.compress(b"{}" * 1000), refused(415, 422)),
        ("XML", b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>', refused(422)),
        ("a form", b"tenantId=globex&role=super_admin", refused(422)),
    )
    writing = [route for route in ROUTES if route.body]
    for route in writing:
        for name, text, rule in texts:
            required = route.body is not None and route.body.required
            ignores_unknown = route.body is not None and route.body.model.model_config.get("extra") != "forbid"
            judged = anything if ignores_unknown or not (required or text) else rule
            yield _body(target, route, name, text, judged)
    for route in writing:
        yield _body(target, route, "too large", large, refused(413))


def _body(target: Target, route: AnyRoute, name: str, text: bytes, rule: Rule) -> Probe:
    return Probe(route, name, target.path(route), rule, target.caller(route), headers_of(route), text)


def _valid(target: Target, route: AnyRoute) -> tuple[tuple[tuple[str, str], ...], bytes | None]:
    """The headers and the body of a valid request."""
    return headers_of(route), target.body(route)


def _cursor(time: Any, ref_id: Any, bound_to: Any) -> str:
    return _encoded([time, ref_id, bound_to])


def _encoded(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
