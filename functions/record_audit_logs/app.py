"""POST /v1/audit-logs: records one audit event, or up to 500."""

from functools import cache

from aws_lambda_powertools.event_handler import Response

from chancery.audit import bootstrap
from chancery.audit.submission import AuditSubmission
from chancery.core.http import answer, request_of, rest_api, serve
from chancery.core.idempotency import IdempotencyKeys
from chancery.core.queue import Queue
from chancery.core.settings import load

app = rest_api()


@cache
def submission() -> AuditSubmission:
    retry = Queue(load(bootstrap.QueueSettings).audit_queue_url)
    return AuditSubmission(bootstrap.recorder(retry), IdempotencyKeys(bootstrap.database()), bootstrap.trail())


@app.post("/v1/audit-logs")
def record() -> Response[str]:
    done = submission().submit(request_of(app.current_event.raw_event))
    return answer(done.body, done.status, done.headers)


handler = serve(app)
