"""The reads of skills: lists and search, one with its content, its versions, and what an agent's role gets."""

from aws_lambda_powertools.event_handler import Response

from chancery.core.web.preconditions import etag_of
from chancery.core.web.request import Request, request_of
from chancery.core.web.responses import answer, conditional, content, rest_api, serve
from chancery.wiring import skills as bootstrap

app = rest_api()


def request() -> Request:
    return request_of(app.current_event.raw_event)


@app.get("/v1/skills")
def search() -> Response[str]:
    return answer(bootstrap.reader().search(request().caller, request().query))


@app.get("/v1/skills/<ref_id>")
def get(ref_id: str) -> Response[str]:
    skill = bootstrap.reader().get(request().caller, ref_id, request().query)
    return conditional(request(), etag_of(skill["version"]), lambda: answer(skill))


@app.get("/v1/skills/<ref_id>/versions")
def versions(ref_id: str) -> Response[str]:
    return answer(bootstrap.reader().versions(request().caller, ref_id, request().query))


@app.get("/v1/skills/<ref_id>/versions/<number>")
def version(ref_id: str, number: str) -> Response[str]:
    found = bootstrap.reader().version(request().caller, ref_id, number, request().query)
    return conditional(request(), etag_of(found["version"]), lambda: answer(found))


@app.get("/v1/agents/<role>/skills")
def of_agent(role: str) -> Response[str]:
    bundle = bootstrap.agents().bundle(request(), role)
    return conditional(request(), bundle.etag, lambda: content(bundle.body, bundle.content_type))


handler = serve(app)
