"""GET /v1/archives shows what is archived, POST /v1/archives/runs archives what is due. super_admin only."""

from aws_lambda_powertools.event_handler import Response

from chancery.core.web.request import Request, request_of
from chancery.core.web.responses import answer, rest_api, serve
from chancery.wiring import archive as bootstrap

app = rest_api()


def request() -> Request:
    return request_of(app.current_event.raw_event)


@app.get("/v1/archives")
def search() -> Response[str]:
    return answer(bootstrap.archives().search(request().caller, request().query))


@app.get("/v1/archives/runs")
def search_runs() -> Response[str]:
    return answer(bootstrap.runs().search(request().caller, request().query))


@app.post("/v1/archives/runs")
def run() -> Response[str]:
    done = bootstrap.runs().request(request().without_query(), app.lambda_context.get_remaining_time_in_millis)
    return answer(done.body, done.status, done.headers)


@app.get("/v1/archives/runs/<ref_id>")
def get_run(ref_id: str) -> Response[str]:
    return answer(bootstrap.runs().get(request().without_query().caller, ref_id))


@app.get("/v1/archives/locate")
def locate() -> Response[str]:
    return answer(bootstrap.locator().locate(request().caller, request().query))


@app.post("/v1/archives/<ref_id>/restore")
def restore(ref_id: str) -> Response[str]:
    done = bootstrap.restores().request(request().without_query(), ref_id)
    return answer(done.body, done.status)


@app.get("/v1/archives/<ref_id>")
def get(ref_id: str) -> Response[str]:
    return answer(bootstrap.archives().get(request().without_query().caller, ref_id))


handler = serve(app)
