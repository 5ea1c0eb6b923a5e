"""POST /v1/onboarding-research and /v1/strategies-content: long texts from outside, stored without markup."""

from aws_lambda_powertools.event_handler import Response

from chancery.content.research import bootstrap
from chancery.content.research.kinds import RESEARCH, STRATEGIES, Kind
from chancery.core.http import answer, rest_api, serve
from chancery.core.request import request_of

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
