"""GET /v1/openapi.json, OPTIONS of every path, and what no route answers: 404, or 405 with what is allowed."""

from aws_lambda_powertools.event_handler import Response

from chancery.core.web.responses import answer, nothing, rest_api, serve
from chancery.wiring.openapi import document
from chancery.wiring.routes import allowed, refusal

app = rest_api()


@app.get("/v1/openapi.json")
def describe() -> Response[str]:
    return answer(document())


@app.route("/.*", method=["OPTIONS"])
def options() -> Response[str | bytes]:
    path = app.current_event.path
    if methods := allowed(path):
        return nothing({"Allow": ", ".join(methods)})
    raise refusal("OPTIONS", path)


@app.route("/.*", method=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
def unknown() -> Response[str]:
    raise refusal(app.current_event.http_method, app.current_event.path)


handler = serve(app)
