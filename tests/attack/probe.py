"""A probe: one request, and what must hold of its answer."""

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from chancery.core.web.routes import AnyRoute

OWN, FOREIGN = "acme", "globex"  # the tenant of the attacker's tokens, and the one it must not reach


class Reply(NamedTuple):
    """An answer. `headers` have their names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON, or None."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


type Rule = Callable[[Reply], str | None]  # what is wrong with an answer, or None


class Probe(NamedTuple):
    """A request to a route. `target` is sent as it stands, `rule` judges the answer in addition to `always`.

    `read_back`: what the request has stored is read and judged by `always`, too.
    """

    route: AnyRoute
    name: str
    target: str
    rule: Rule
    token: str | None
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    read_back: bool = False

    def __str__(self) -> str:
        return f"{self.route.method} {self.target[:120]} ({self.name})"


def refused(*statuses: int) -> Rule:
    """The answer has one of these statuses."""

    def rule(reply: Reply) -> str | None:
        return (
            None if reply.status in statuses else f"is answered {reply.status}, not {' or '.join(map(str, statuses))}"
        )

    return rule


def anything(reply: Reply) -> str | None:
    """The answer is as `always` has it."""
    return None


def unreached(reply: Reply) -> str | None:
    """The answer refuses the request, as if there were nothing."""
    return refused(400, 403, 404, 405, 409, 412, 414, 422, 428)(reply)


def hidden(reply: Reply) -> str | None:
    """The answer refuses the request, or is one that knows no tenants."""
    return None if reply.status < 400 else unreached(reply)


_INTERNAL = (b"Traceback (most", b"site-packages", b"pymongo", b"botocore", b"bson.", b"root:x:0:", b"mongodb://")


def always(reply: Reply, crosses: bool) -> str | None:
    """No answer is a failure of the service or shows its inside; none has another tenant's data.

    `crosses`: the caller may act in any tenant.
    """
    if reply.status >= 500:
        return f"is answered {reply.status}"
    shown = next((text for text in _INTERNAL if text in reply.body), None)
    if shown:
        return f"shows {shown.decode()!r}"
    return f"holds data of {FOREIGN}" if not crosses and FOREIGN in _tenants(reply) else None


def _tenants(reply: Reply) -> list[Any]:
    """The tenants of a successful answer and of its items; of a text, the other tenant where it is named."""
    if reply.status >= 300:
        return []
    answer = reply.json()
    if not isinstance(answer, dict):
        return [FOREIGN] if FOREIGN.encode() in reply.body else []
    items = [item.get("tenantId") for item in answer.get("items") or () if isinstance(item, dict)]
    return [answer.get("tenantId"), *items]
