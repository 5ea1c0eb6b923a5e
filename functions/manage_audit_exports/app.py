"""POST /v1/audit-exports asks for an export; GET /v1/audit-exports/{id} tells how far it is and where to fetch it."""

from functools import cache

from aws_lambda_powertools.event_handler import Response

from chancery.audit.exports import AuditExports, ExportStore
from chancery.core.aws.objects import Objects
from chancery.core.aws.queue import Queue
from chancery.core.settings import load
from chancery.core.web.idempotency import IdempotencyKeys
from chancery.core.web.request import Request, request_of
from chancery.core.web.responses import answer, rest_api, serve
from chancery.wiring import audit as bootstrap

app = rest_api()


@cache
def exports() -> AuditExports:
    places = load(bootstrap.ExportSettings)
    store, keys = ExportStore(bootstrap.database()), IdempotencyKeys(bootstrap.database())
    return AuditExports(
        store, keys, bootstrap.trail(), Queue(places.exports_queue_url), Objects(places.export_bucket).link
    )


def request() -> Request:
    return request_of(app.current_event.raw_event).without_query()


@app.post("/v1/audit-exports")
def ask() -> Response[str]:
    done = exports().request(request())
    return answer(done.body, done.status, done.headers)


@app.get("/v1/audit-exports/<ref_id>")
def get(ref_id: str) -> Response[str]:
    return answer(exports().get(request().caller, ref_id))


handler = serve(app)
