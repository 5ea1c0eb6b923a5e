"""The routes of logs. The kind is a part of the path: `kinds.py` has its values."""

from chancery.core.identity.roles import WRITERS
from chancery.core.web.routes import Route, group, json_body
from chancery.logs.answers import LogReceipt, LogResults
from chancery.logs.kinds import KINDS_BY_NAME
from chancery.logs.models import any_entry
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
