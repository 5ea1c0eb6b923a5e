"""The routes of logs. The kind is a part of the path: `kinds.py` has its values."""

from chancery.core.identity.roles import READERS, WRITERS
from chancery.core.web.routes import Route, group, json_body
from chancery.core.web.validation import TenantChoice
from chancery.logs.aggregate import AggregateQuery, LogAggregator
from chancery.logs.answers import LINES, PAGES, LogContext, LogGroups, LogReceipt, LogResults
from chancery.logs.kinds import KINDS_BY_NAME
from chancery.logs.models import any_entry
from chancery.logs.search import ContextQuery, LogReader, LogSearch
from chancery.logs.submission import LogSubmission

_KINDS = {"kind": tuple(KINDS_BY_NAME)}

RECORDING = group(
    "record_logs",
    Route(
        "POST",
        "/v1/logs/{kind}",
        "Record one log line of a kind, or up to 500",
        LogSubmission.submit,
        WRITERS,
        body=json_body(any_entry(), batch=True),
        answers={201: (LogReceipt, LogResults), 207: LogResults},
        rate="logs",
        path_values=_KINDS,
    ),
)

READS = group(
    "read_logs",
    Route(
        "GET",
        "/v1/logs/{kind}",
        "Search the log lines of a kind",
        LogReader.search,
        READERS,
        query=LogSearch,
        answers={200: PAGES},
        path_values=_KINDS,
    ),
    Route(
        "GET",
        "/v1/logs/{kind}/{refId}",
        "One whole log line",
        LogReader.get,
        READERS,
        query=TenantChoice,
        answers={200: LINES},
        path_values=_KINDS,
    ),
    Route(
        "GET",
        "/v1/logs/{kind}/{refId}/context",
        "The log lines around one",
        LogReader.context,
        READERS,
        query=ContextQuery,
        answers={200: LogContext},
        path_values=_KINDS,
    ),
)

AGGREGATES = group(
    "read_logs",
    Route(
        "GET",
        "/v1/logs/{kind}/aggregate",
        "Count the log lines of a kind by a field or a period",
        LogAggregator.aggregate,
        READERS,
        query=AggregateQuery,
        answers={200: LogGroups},
        path_values=_KINDS,
    ),
)
