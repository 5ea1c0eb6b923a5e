"""GET /v1/onboarding-research and /v1/strategies-content: lists, whole documents, and what may go into a prompt."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from chancery.content.research.document_types import RESEARCH, STRATEGIES, Kind
from chancery.core.web.request import Request, request_of
from chancery.core.web.responses import answer, content, rest_api, serve
from chancery.wiring import research as bootstrap

app = rest_api()


def request() -> Request:
    return request_of(app.current_event.raw_event)


def page(kind: Kind) -> Response[str]:
    return answer(bootstrap.contents(kind).page(request().caller, request().query))


def whole(kind: Kind, ref_id: str) -> Response[str]:
    return answer(bootstrap.contents(kind).get(request().caller, ref_id, request().query))


def prompt(kind: Kind, ref_id: str) -> Response[Any]:
    text = bootstrap.contents(kind).prompt(request().caller, ref_id, request().query)
    return content(text, "text/markdown; charset=utf-8")


app.get("/v1/onboarding-research")(lambda: page(RESEARCH))
app.get("/v1/onboarding-research/<ref_id>")(lambda ref_id: whole(RESEARCH, ref_id))
app.get("/v1/onboarding-research/<ref_id>/prompt")(lambda ref_id: prompt(RESEARCH, ref_id))
app.get("/v1/strategies-content")(lambda: page(STRATEGIES))
app.get("/v1/strategies-content/<ref_id>")(lambda ref_id: whole(STRATEGIES, ref_id))
app.get("/v1/strategies-content/<ref_id>/prompt")(lambda ref_id: prompt(STRATEGIES, ref_id))

handler = serve(app)
