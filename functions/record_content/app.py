"""POST /v1/onboarding-research and /v1/strategies-content: long texts from outside, stored without markup."""

from aws_lambda_powertools.event_handler import Response

from chancery.content.research.document_types import RESEARCH, STRATEGIES, Kind
from chancery.core.web.request import request_of
from chancery.core.web.responses import answer, rest_api, serve
from chancery.wiring import research as bootstrap

app = rest_api()


def record(kind: Kind) -> Response[str]:
    done = bootstrap.recorder(kind).record(request_of(app.current_event.raw_event).without_query())
    return answer(done.body, done.status, done.headers)


@app.post("/v1/onboarding-research")
def record_research() -> Response[str]:
    return record(RESEARCH)


@app.post("/v1/strategies-content")
def record_strategy() -> Response[str]:
    return record(STRATEGIES)


handler = serve(app)
