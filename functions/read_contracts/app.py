"""The reads of contracts: templates and their versions, contracts and their PDFs, and what a file is."""

from aws_lambda_powertools.event_handler import Response

from chancery.core.web.request import Request, request_of
from chancery.core.web.responses import answer, redirect, rest_api, serve
from chancery.wiring import contracts as bootstrap

app = rest_api()


def request() -> Request:
    return request_of(app.current_event.raw_event)


@app.get("/v1/contract-templates")
def search_templates() -> Response[str]:
    return answer(bootstrap.template_reader().search(request().caller, request().query))


@app.get("/v1/contract-templates/<name>")
def get_versions(name: str) -> Response[str]:
    return answer(bootstrap.template_reader().versions(request().without_query().caller, name))


@app.get("/v1/contract-templates/<name>/<version>")
def get_template(name: str, version: str) -> Response[str]:
    return answer(bootstrap.template_reader().get(request().without_query().caller, name, version))


@app.get("/v1/contracts")
def search() -> Response[str]:
    return answer(bootstrap.contracts().search(request().caller, request().query))


@app.get("/v1/contracts/<ref_id>")
def get(ref_id: str) -> Response[str]:
    return answer(bootstrap.contracts().get(request().caller, ref_id, request().query))


@app.get("/v1/contracts/<ref_id>/pdf")
def pdf(ref_id: str) -> Response[str | bytes]:
    return redirect(bootstrap.contracts().link(request().caller, ref_id, request().query), 303)


@app.post("/v1/contracts/verify")
def verify() -> Response[str]:
    asked = request().without_query()
    return answer(bootstrap.contracts().verify(asked.caller, asked.json()))


handler = serve(app)
