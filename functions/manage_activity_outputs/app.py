"""/v1/activity-outputs: what agents produce, from draft to published."""

from aws_lambda_powertools.event_handler import Response

from chancery.content.outputs.service import Verb
from chancery.core.web.request import Request, request_of
from chancery.core.web.responses import answer, rest_api, serve
from chancery.wiring import outputs as bootstrap

app = rest_api()


def request() -> Request:
    return request_of(app.current_event.raw_event)


def decide(ref_id: str, verb: Verb) -> Response[str]:
    done = bootstrap.outputs().decide(request().without_query(), ref_id, verb)
    return answer(done.body, done.status, done.headers)


@app.post("/v1/activity-outputs")
def create() -> Response[str]:
    done = bootstrap.outputs().create(request().without_query())
    return answer(done.body, done.status, done.headers)


@app.get("/v1/activity-outputs")
def search() -> Response[str]:
    return answer(bootstrap.outputs().page(request().caller, request().query))


@app.get("/v1/activity-outputs/<ref_id>")
def get(ref_id: str) -> Response[str]:
    return answer(bootstrap.outputs().get(request().caller, ref_id, request().query))


@app.post("/v1/activity-outputs/<ref_id>/approve")
def approve(ref_id: str) -> Response[str]:
    return decide(ref_id, "approve")


@app.post("/v1/activity-outputs/<ref_id>/reject")
def reject(ref_id: str) -> Response[str]:
    return decide(ref_id, "reject")


@app.post("/v1/activity-outputs/<ref_id>/publish")
def publish(ref_id: str) -> Response[str]:
    return decide(ref_id, "publish")


handler = serve(app)
