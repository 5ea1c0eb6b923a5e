"""POST /v1/contract-templates publishes a version of a template, POST /v1/contracts issues a contract."""

from aws_lambda_powertools.event_handler import Response

from chancery.core.web.request import request_of
from chancery.core.web.responses import answer, rest_api, serve
from chancery.wiring import contracts as bootstrap

app = rest_api()


@app.post("/v1/contract-templates")
def publish() -> Response[str]:
    done = bootstrap.publisher().publish(request_of(app.current_event.raw_event).without_query())
    return answer(done.body, done.status, done.headers)


@app.post("/v1/contracts")
def issue() -> Response[str]:
    done = bootstrap.issuing().issue(request_of(app.current_event.raw_event).without_query())
    return answer(done.body, done.status, done.headers)


handler = serve(app)
