"""POST, PUT and DELETE of /v1/skills: skills are made, changed and deleted, against the version that was read."""

from aws_lambda_powertools.event_handler import Response

from chancery.core.web.request import Request, request_of
from chancery.core.web.responses import answer, nothing, rest_api, serve
from chancery.wiring import skills as bootstrap

app = rest_api()


def request() -> Request:
    return request_of(app.current_event.raw_event).without_query()


@app.post("/v1/skills")
def create() -> Response[str]:
    done = bootstrap.editor().create(request())
    return answer(done.body, done.status, done.headers)


@app.put("/v1/skills/<ref_id>")
def replace(ref_id: str) -> Response[str]:
    done = bootstrap.editor().replace(request(), ref_id)
    return answer(done.body, done.status, done.headers)


@app.delete("/v1/skills/<ref_id>")
def delete(ref_id: str) -> Response[str | bytes]:
    bootstrap.editor().delete(request(), ref_id)
    return nothing()


handler = serve(app)
