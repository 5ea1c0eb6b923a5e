"""The ASGI middleware on a small Starlette application."""

import asyncio

import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from chancery_client import AuditMiddleware, audit
from tests.unit.client.host import TRIGGERS, Client, identify


async def answer(request):
    return JSONResponse({})


async def create(request):
    return Response(status_code=201, headers={"Location": "/admin/v1/plans/plan-9"})


async def refuse(request):
    return Response(status_code=403)


async def crash(request):
    raise RuntimeError("the application's own")


async def enrich(request):
    audit(request.scope, before={"status": "draft"}, after={"status": "approved"}, resource_name="Why SEO")
    return JSONResponse({})


@pytest.fixture
def written():
    return []


@pytest.fixture
def client(written):
    app = Starlette(
        routes=[
            Route("/admin/v1/plans", create, methods=["POST"]),
            Route("/dm/v1/social/{id}/approve", refuse, methods=["POST"]),
            Route("/dm/v1/keywords", crash, methods=["POST"]),
            Route("/dm/v1/blog/{id}/approve", enrich, methods=["POST"]),
            Route("/{rest:path}", answer, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
        ]
    )
    wrapped = AuditMiddleware(app, identify, lambda **fields: written.append(fields))
    return Client(wrapped)


@pytest.mark.parametrize(
    ("method", "route", "trigger"),
    [t for t in TRIGGERS if t[1] not in ("/admin/v1/plans", "/dm/v1/social/:id/approve", "/dm/v1/keywords")],
    ids=str,
)
def test_every_route_of_the_catalogue_is_recorded_without_a_call(client, written, method, route, trigger):
    path = route.replace(":goalId", "g-7").replace(":id", "x-1")

    client.request(method, path)

    (event,) = written
    assert event["action"] == trigger.action
    assert event["resource_type"] == trigger.action.partition(".")[0]
    assert event["resource_id"] == ("x-1" if ":id" in route else "-")
    assert (event["actor_id"], event["tenant_id"]) == ("sarah", "acme")


def test_a_creation_is_recorded_with_the_id_in_its_location(client, written):
    client.post("/admin/v1/plans")

    assert written[0]["resource_id"] == "plan-9"


def test_a_nested_resource_is_recorded_under_its_parent(client, written):
    client.patch("/dm/v1/calendar/plans/plan-1/goals/goal-9")

    assert (written[0]["resource_type"], written[0]["resource_id"]) == ("deliverable_plan", "plan-1")


def test_a_handler_adds_fields_to_its_event(client, written):
    client.post("/dm/v1/blog/post-1/approve")

    assert written[0]["before"] == {"status": "draft"}
    assert written[0]["resource_name"] == "Why SEO"


def test_address_agent_and_route_are_taken_from_the_request(client, written):
    client.patch("/admin/v1/tenants/t-1")

    assert written[0]["ip_address"] == "198.51.100.9"
    assert written[0]["user_agent"] == "test"
    assert written[0]["metadata"] == {"method": "PATCH", "path": "/admin/v1/tenants/t-1", "status": 200}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/dm/v1/social/1/approve", 403),
        ("POST", "/dm/v1/keywords", 500),
        ("POST", "/aichat/v1/threads/1", 200),
        ("GET", "/admin/v1/tenants/t-1", 200),
        ("POST", "/not/catalogued", 200),
    ],
)
def test_failed_excluded_and_uncatalogued_requests_write_no_event(client, written, method, path, status):
    assert client.request(method, path).status_code == status
    assert written == []


def test_an_error_in_the_middleware_does_not_reach_the_request():
    def broken(**fields):
        raise ValueError("no such client")

    app = AuditMiddleware(Starlette(routes=[Route("/{rest:path}", answer, methods=["PATCH"])]), identify, broken)

    assert Client(app).patch("/admin/v1/tenants/t-1").status_code == 200


def test_events_written_during_a_request_carry_its_traceparent():
    from chancery_client.correlation import current

    seen = []

    async def handle(request):
        seen.append(current.get())
        return JSONResponse({})

    app = AuditMiddleware(Starlette(routes=[Route("/{rest:path}", handle)]), identify, lambda **_: None)
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    Client(app).request("GET", "/x", {"traceparent": f"00-{trace}-00f067aa0ba902b7-01", "X-Correlation-Id": "c"})

    assert (seen[0].trace_id, seen[0].correlation_id) == (trace, "c")
    assert current.get().trace_id is None


def test_lifespan_and_other_scopes_pass_through():
    seen = []

    async def inner(scope, receive, send):
        seen.append(scope["type"])

    asyncio.run(AuditMiddleware(inner, identify)({"type": "lifespan"}, None, None))

    assert seen == ["lifespan"]
