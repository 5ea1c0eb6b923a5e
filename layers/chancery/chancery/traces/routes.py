"""The route of traces."""

from datetime import datetime

from pydantic import ConfigDict

from chancery.core.identity.roles import READERS
from chancery.core.web.answers import AnswerModel, RefId
from chancery.core.web.routes import Route, group
from chancery.traces.service import TraceQuery, Traces


class TracedRecord(AnswerModel):
    """A record of any type with the fields of its lists; `kind` is the type."""

    model_config = ConfigDict(extra="allow")

    kind: str
    ref_id: RefId
    created_on: datetime


class Trace(AnswerModel):
    """A page of a trace."""

    trace_id: str
    items: list[TracedRecord]
    next_cursor: str | None


TRACES = group(
    "read_traces",
    Route(
        "GET",
        "/v1/traces/{traceId}",
        "All records of a trace",
        Traces.get,
        READERS,
        query=TraceQuery,
        answers={200: Trace},
    ),
)
