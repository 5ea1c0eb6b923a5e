"""GET /v1/openapi.json, and the answer to every route that does not exist: 404, or 405 with what is allowed."""

from aws_lambda_powertools.event_handler import Response

from chancery.core.http import answer, request_of, rest_api, serve
from chancery.openapi import document
from chancery.routes import refusal

app = rest_api()


@app.get("/v1/openapi.json")
def describe() -> Response[str]:
    return answer(document())


@app.route("/.*", method=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def unknown() -> Response[str]:
    request = request_of(app.current_event.raw_event)
    raise refusal(request.method, request.path)


handler = serve(app)
