"""POST /v1/audit-logs: records one audit event, or up to 500."""

from functools import cache

from aws_lambda_powertools.event_handler import Response

from chancery.audit.submission import AuditSubmission
from chancery.core.web.idempotency import IdempotencyKeys
from chancery.core.web.request import request_of
from chancery.core.web.responses import answer, rest_api, serve
from chancery.wiring import audit as bootstrap

app = rest_api()


@cache
def submission() -> AuditSubmission:
    return AuditSubmission(bootstrap.recorder(), IdempotencyKeys(bootstrap.database()), bootstrap.trail())


@app.post("/v1/audit-logs")
def record() -> Response[str]:
    done = submission().submit(request_of(app.current_event.raw_event).without_query())
    return answer(done.body, done.status, done.headers)


handler = serve(app)
