"""Skills over the real handlers: writing as the writer, reading as the reader."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.builders import http, principal

Answer = tuple[int, Any, dict[str, Any]]

ADMIN = principal("super_admin", ())


def skill(name: str = "Tone", **changes: Any) -> dict[str, Any]:
    """A skill as a caller sends it."""
    return {"name": name, "category": "brand_voice", "content": f"# {name}\n\nWarm and short.\n", **changes}


@pytest.fixture
def send(call: Callable[..., Answer]) -> Callable[..., Answer]:
    """Sends a request to the function that serves it, by default as a `user` of acme."""

    def request(method: str, path: str, body: Any = None, **options: Any) -> Answer:
        event = http(method, f"/v1{path}", body, caller=options.pop("caller", None) or principal(), **options)
        return call("read_skills", event, "reader") if method == "GET" else call("manage_skills", event)

    return request


@pytest.fixture
def make(send: Callable[..., Answer]) -> Callable[..., dict[str, Any]]:
    """Makes a skill; `tenant` names another owner than the caller's tenant, `global` for instance."""

    def create(name: str = "Tone", *, tenant: str | None = None, **changes: Any) -> dict[str, Any]:
        body = skill(name, **changes)
        caller = ADMIN if tenant else None
        status, made, _ = send("POST", "/skills", body | ({"tenantId": tenant} if tenant else {}), caller=caller)
        assert status == 201, made
        return made

    return create


@pytest.fixture
def names(send: Callable[..., Answer]) -> Callable[..., list[str]]:
    """The names of a list, as `<tenant>/<name>`."""

    def listed(caller: dict[str, Any] | None = None, **query: str) -> list[str]:
        status, page, _ = send("GET", "/skills", caller=caller, query=query)
        assert status == 200, page
        return [f"{item['tenantId']}/{item['name']}" for item in page["items"]]

    return listed
