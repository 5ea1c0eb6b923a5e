"""POST /v1/contract-templates publishes a version of a template, POST /v1/contracts issues a contract."""

from aws_lambda_powertools.event_handler import Response

from chancery.contracts import bootstrap
from chancery.core.http import answer, rest_api, serve
from chancery.core.request import request_of

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
