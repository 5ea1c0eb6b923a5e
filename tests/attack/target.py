"""The stack under attack: its tokens, and what each tenant has; and an imaginary one, of which probes are counted."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from chancery.cli.tokens import LocalIssuer
from chancery.core.identity.roles import Role
from chancery.core.web.routes import AnyRoute, pattern_of
from chancery.wiring.routes import ROUTES
from tests import api_pages
from tests.attack.probe import FOREIGN, OWN

ATTACKER = "attacker"
_PARAMETER = re.compile(r"\{(\w+)\+?\}")


@dataclass
class Target:
    """`items`: (tenant, path of a list) → an item of it. `cursors`: likewise → the cursor after its first item.

    `unique`: path of a POST → the field by which two bodies conflict.
    """

    api_url: str
    issuer: LocalIssuer
    items: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    cursors: dict[tuple[str, str], str] = field(default_factory=dict)
    unique: dict[str, str] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=count)
    _minted: dict[Any, str] = field(default_factory=dict)

    @classmethod
    def of(cls, stack_file: Path) -> Self:
        """The stack of a `stack.json`, with the key of its issuer next to it."""
        return cls(json.loads(stack_file.read_text())["apiUrl"], LocalIssuer.load(stack_file.parent / "oidc"))

    @classmethod
    def imaginary(cls) -> Self:
        """A stack without items, of which the same probes are made as of a real one."""
        pem = rsa.generate_private_key(65537, 2048).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return cls("http://127.0.0.1/v1", LocalIssuer("http://issuer", "chancery", "imaginary", pem))

    def token(self, role: str, tenants: tuple[str, ...] = (OWN,)) -> str:
        """A valid token of the attacker, who has one of `acme` in a role, or of every tenant as a super_admin."""
        key = (role, tenants)
        if key not in self._minted:
            own = () if role == Role.SUPER_ADMIN else tenants
            self._minted[key] = self.issuer.mint(role, own, subject=f"{ATTACKER}-{role}")
        return self._minted[key]

    def caller(self, route: AnyRoute) -> str:
        """The token of the least role that may call a route."""
        return self.token(min(route.roles or Role, key=list(reversed(Role)).index))

    def claims(self) -> dict[str, Any]:
        """The claims of a valid token."""
        return jwt.decode(self.token(Role.USER), options={"verify_signature": False})

    def body(self, route: AnyRoute, changes: Mapping[str, Any] | None = None) -> bytes | None:
        """A valid body of a route, which conflicts with no other one, with other values for some fields."""
        if route.body is None:
            return None
        body = body_of(route)
        if (name := self.unique.get(route.path)) is not None:
            body[name] = f"{body[name]}-{next(self._numbers)}"
        return json.dumps(body | dict(changes or {})).encode()

    def path(self, route: AnyRoute, tenant: str = OWN, **changes: str) -> str:
        """The path of a route below `/v1`, with what the tenant has in place of its parameters."""
        example = example_of(route)
        found = pattern_of(route.path).fullmatch(example.target.partition("?")[0])
        values = {} if found is None else found.groupdict()
        own = {name: quote(self._value(route, name, value, tenant), safe="/%:@") for name, value in values.items()}
        filled = own | changes
        return _PARAMETER.sub(lambda name: filled[name[1]], route.path).removeprefix("/v1")

    def _value(self, route: AnyRoute, name: str, example: str, tenant: str) -> str:
        item = self.items.get((tenant, route.path.partition("/{")[0]), {})
        if name in ("refId", "id"):
            return str(item.get("refId") or item.get("id") or example)
        is_id = name.endswith("Id")  # of whatever record; a `name` or `kind` is another thing in each list
        others = [found for (owner, _), found in self.items.items() if is_id and owner == tenant and found.get(name)]
        known = item.get(name) or (others[0][name] if others else None)
        return str(known or re.sub(f"{OWN}|{FOREIGN}", tenant, example))


def example_of(route: AnyRoute) -> api_pages.Example:
    """The first example of a route in docs/api, which has one for every route; a successful one if there is any."""
    return _examples()[route.method, route.path]


def body_of(route: AnyRoute) -> dict[str, Any]:
    """The body of a route's example, without the tenant that it names."""
    try:
        body = json.loads(example_of(route).request.body or "{}")
    except ValueError:
        return {}
    return {name: value for name, value in body.items() if name != "tenantId"}


def parameters_of(route: AnyRoute) -> tuple[str, ...]:
    """The query parameters of a route."""
    query: Any = route.query
    return () if query is None else _names(query)


def fields_of(route: AnyRoute) -> tuple[str, ...]:
    """The fields of a route's body: those of its model, and those of its example where the model is open."""
    return () if route.body is None else tuple(dict.fromkeys((*_names(route.body.model), *body_of(route))))


@cache
def _names(model: Any) -> tuple[str, ...]:
    return tuple(model.model_json_schema(by_alias=True).get("properties", ()))


def headers_of(route: AnyRoute) -> tuple[tuple[str, str], ...]:
    """The headers that a change of a route needs."""
    return (("If-Match", '"1"'),) if route.precondition == "If-Match" else ()


@cache
def _examples() -> dict[tuple[str, str], api_pages.Example]:
    """The example of each route."""
    found: dict[tuple[str, str], api_pages.Example] = {}
    every = [example for page in api_pages.pages() for example in api_pages.examples(page)]
    requests = [example for example in every if isinstance(example, api_pages.Example)]
    for example in sorted(requests, key=lambda example: example.answer.status >= 300):
        if route := _route_of(example):
            found.setdefault((route.method, route.path), example)
    return found


def _route_of(example: api_pages.Example) -> AnyRoute | None:
    path = example.target.partition("?")[0]
    matching = [route for route in ROUTES if route.method == example.method and route.match(path) is not None]
    return next((route for route in matching if route.path == path), matching[0] if matching else None)
