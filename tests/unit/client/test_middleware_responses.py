"""Which answers are audited, when, and as whose: the middleware on applications that fail, stream and redirect."""

import asyncio
from datetime import UTC, datetime

import pytest
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from chancery_client import AuditMiddleware
from chancery_client.middleware import UNKNOWN_ACTOR
from tests.unit.client.host import Client, identify

APPROVE = "/dm/v1/blog/post-1/approve"


def audited(handle, identify=identify, path="/dm/v1/blog/{id}/approve", **options):
    written = []
    app = Starlette(routes=[Route(path, handle, methods=["POST"])])
    return AuditMiddleware(app, identify, lambda **fields: written.append(fields), **options), written


def post(app, path=APPROVE):
    return Client(app).request("POST", path)


async def done(request):
    return JSONResponse({})


def test_a_redirect_to_the_path_without_its_slash_is_recorded_once():
    app, written = audited(done)

    answer = post(app, APPROVE + "/")
    post(app, answer.headers["location"].removeprefix("http://host"))

    assert answer.status_code == 307
    assert len(written) == 1


@pytest.mark.parametrize(("status", "events"), [(200, 1), (204, 1), (303, 1), (302, 0), (307, 0), (304, 0), (404, 0)])
def test_success_is_2xx_or_the_303_after_a_post(status, events):
    async def handle(request):
        return Response(status_code=status, headers={"Location": "/elsewhere"} if status in (302, 303, 307) else {})

    app, written = audited(handle)
    post(app)

    assert len(written) == events


def test_a_303_after_another_method_is_not_a_success():
    async def handle(request):
        return RedirectResponse("/login", 303)

    written = []
    app = Starlette(routes=[Route("/admin/v1/tenants/{id}", handle, methods=["PATCH"])])
    Client(AuditMiddleware(app, identify, lambda **fields: written.append(fields))).patch("/admin/v1/tenants/1")

    assert written == []


def test_a_failing_background_task_does_not_prevent_the_event():
    async def fail():
        raise RuntimeError("mail server away")

    async def handle(request):
        return JSONResponse({}, background=BackgroundTask(fail))

    app, written = audited(handle)
    post(app)

    assert written[0]["resource_id"] == "post-1"


def test_a_stream_that_breaks_does_not_prevent_the_event():
    async def lines():
        yield b"a"
        raise RuntimeError("midway")

    async def handle(request):
        return StreamingResponse(lines())

    app, written = audited(handle)
    post(app)

    assert len(written) == 1


@pytest.mark.parametrize("part", ["http.response.start", "http.response.body"])
def test_the_event_is_written_when_the_caller_disconnects(part):
    app, written = audited(done)
    scope = {"type": "http", "method": "POST", "path": APPROVE, "headers": [], "query_string": b""}

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        if message["type"] == part:
            raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        asyncio.run(app(scope, receive, send))

    assert written[0]["resource_id"] == "post-1"


def test_the_time_of_an_event_is_when_the_response_began():
    began = []

    async def slow():
        began.append(datetime.now(UTC))

    async def handle(request):
        return JSONResponse({}, background=BackgroundTask(slow))

    app, written = audited(handle)
    post(app)

    assert written[0]["created_on"] <= began[0]


def test_a_request_cancelled_during_identify_is_recorded_with_an_unknown_actor():
    async def identify(scope):
        raise asyncio.CancelledError

    app, written = audited(done, identify)
    with pytest.raises(asyncio.CancelledError):
        post(app)

    assert written[0]["actor_id"] == "unknown"


def test_identify_may_be_a_coroutine_function():
    async def identify(scope):
        await asyncio.sleep(0)
        return {"actor_id": "sarah"}

    app, written = audited(done, identify)
    post(app)

    assert written[0]["actor_id"] == "sarah"
    assert app.unidentified == 0


@pytest.mark.parametrize("answer", [None, {}, ValueError("no such session"), "sarah"], ids=str)
def test_an_event_without_an_actor_is_recorded_as_unknown_and_counted(answer):
    def identify(scope):
        if isinstance(answer, Exception):
            raise answer
        return answer

    app, written = audited(done, identify)
    assert post(app).status_code == 200

    assert {name: written[0][name] for name in UNKNOWN_ACTOR} == {"actor_type": "system", "actor_id": "unknown"}
    assert app.unidentified == 1
