"""GET /v1/traces/{traceId}: every record of a trace, of every kind, in time order."""

from functools import cache

import orjson
from aws_lambda_powertools.event_handler import Response

from chancery.core.mongo.repository import Repository
from chancery.core.settings import RetentionSettings, load
from chancery.core.web.request import Request, request_of
from chancery.core.web.responses import answer, rest_api, serve
from chancery.wiring import audit as bootstrap
from chancery.wiring.registry import COLLECTIONS
from chancery.wiring.traces import Traces

app = rest_api()


@cache
def traces() -> Traces:
    kept, database = orjson.loads(load(RetentionSettings).retention_days), bootstrap.database()
    traced = [Repository(database, collection, kept) for collection in COLLECTIONS if collection.trace_kind]
    return Traces(traced, bootstrap.trail())


def request() -> Request:
    return request_of(app.current_event.raw_event)


@app.get("/v1/traces/<trace_id>")
def get(trace_id: str) -> Response[str]:
    return answer(traces().get(request().caller, trace_id, request().query))


handler = serve(app)
