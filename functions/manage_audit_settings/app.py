"""GET and PUT /v1/audit-settings: whether a tenant takes catalogued actions only."""

from functools import cache

from aws_lambda_powertools.event_handler import Response

from chancery.audit.settings import AuditSettingsManager
from chancery.core.web.request import Request, request_of
from chancery.core.web.responses import answer, rest_api, serve
from chancery.wiring import audit as bootstrap

app = rest_api()


@cache
def manager() -> AuditSettingsManager:
    return AuditSettingsManager(bootstrap.settings_store(), bootstrap.trail())


def request() -> Request:
    return request_of(app.current_event.raw_event)


@app.get("/v1/audit-settings")
def show() -> Response[str]:
    return answer(manager().get(request().caller, request().query))


@app.put("/v1/audit-settings")
def change() -> Response[str]:
    return answer(manager().put(request().caller, request().query, request().json()))


handler = serve(app)
