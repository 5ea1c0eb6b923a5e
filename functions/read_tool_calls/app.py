"""The reads of tool calls: lists, one with the heads of its bodies, and the bodies."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from chancery.content.tool_calls.models import Part
from chancery.core.web.request import Request, request_of
from chancery.core.web.responses import answer, content, redirect, rest_api, serve
from chancery.wiring import tool_calls as bootstrap

app = rest_api()


def request() -> Request:
    return request_of(app.current_event.raw_event)


def body(ref_id: str, part: Part) -> Response[Any]:
    asked = request()
    found = bootstrap.reader().body(asked.caller, ref_id, part, asked.query, asked.headers)
    if found.location is not None:
        return redirect(found.location)
    return content(found.content, found.content_type, found.headers, found.status)


@app.get("/v1/tool-calls")
def search() -> Response[str]:
    return answer(bootstrap.reader().search(request().caller, request().query))


@app.get("/v1/tool-calls/<ref_id>/input")
def get_input(ref_id: str) -> Response[Any]:
    return body(ref_id, "input")


@app.get("/v1/tool-calls/<ref_id>/output")
def get_output(ref_id: str) -> Response[Any]:
    return body(ref_id, "output")


@app.get("/v1/tool-calls/<ref_id>")
def get(ref_id: str) -> Response[str]:
    return answer(bootstrap.reader().get(request().caller, ref_id, request().query))


handler = serve(app)
