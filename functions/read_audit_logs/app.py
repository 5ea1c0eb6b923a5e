"""The reads of the audit trail: search, one record, statistics, catalogue and coverage."""

from functools import cache

from aws_lambda_powertools.event_handler import Response

from chancery.audit.catalog import catalogue
from chancery.audit.restored_records import RestoredRecords
from chancery.audit.search import AuditReader
from chancery.audit.store import AuditStore
from chancery.core.identity.roles import READERS
from chancery.core.web.request import Request, request_of
from chancery.core.web.responses import answer, rest_api, serve
from chancery.wiring import audit as bootstrap

app = rest_api()


@cache
def reader() -> AuditReader:
    database = bootstrap.database()
    return AuditReader(AuditStore(database), bootstrap.trail(), RestoredRecords(database))


def request() -> Request:
    return request_of(app.current_event.raw_event)


@app.get("/v1/audit-logs")
def search() -> Response[str]:
    return answer(reader().search(request().caller, request().query))


@app.get("/v1/audit-logs/stats")
def stats() -> Response[str]:
    return answer(reader().stats(request().caller, request().query))


@app.get("/v1/audit-logs/<ref_id>")
def get(ref_id: str) -> Response[str]:
    return answer(reader().get(request().caller, ref_id, request().query))


@app.get("/v1/audit-catalog")
def catalog() -> Response[str]:
    request().without_query().caller.require(READERS)
    return answer(catalogue().as_json())


@app.get("/v1/audit-catalog/coverage")
def coverage() -> Response[str]:
    return answer(reader().coverage(request().caller, request().query))


handler = serve(app)
