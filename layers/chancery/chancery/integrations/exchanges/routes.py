"""The routes of exchanges."""

from chancery.core.identity.roles import WRITERS
from chancery.core.web.routes import Route, group, json_body
from chancery.integrations.exchanges.answers import ExchangeReceipt
from chancery.integrations.exchanges.models import ClosedExchange, OpenedExchange
from chancery.integrations.exchanges.submission import ExchangeSubmission

WRITES = group(
    "record_exchanges",
    Route(
        "POST",
        "/v1/exchanges",
        "Open an exchange: the request, before it is sent",
        ExchangeSubmission.open,
        WRITERS,
        body=json_body(OpenedExchange),
        answers={201: ExchangeReceipt},
        rate="logs",
    ),
    Route(
        "PATCH",
        "/v1/exchanges/{requestId}",
        "Close an exchange: the response, or why there is none",
        ExchangeSubmission.close,
        WRITERS,
        body=json_body(ClosedExchange),
        answers={200: ExchangeReceipt},
        rate="logs",
    ),
)
