"""POST /v1/tool-calls records a tool call; POST /v1/tool-calls/uploads announces a body too large for a request."""

from aws_lambda_powertools.event_handler import Response

from chancery.core.web.request import request_of
from chancery.core.web.responses import answer, rest_api, serve
from chancery.wiring import tool_calls as bootstrap

app = rest_api()


@app.post("/v1/tool-calls")
def record() -> Response[str]:
    done = bootstrap.submission().record(request_of(app.current_event.raw_event).without_query())
    return answer(done.body, done.status, done.headers)


@app.post("/v1/tool-calls/uploads")
def begin_upload() -> Response[str]:
    done = bootstrap.submission().begin_upload(request_of(app.current_event.raw_event).without_query())
    return answer(done.body, done.status, done.headers)


handler = serve(app)
