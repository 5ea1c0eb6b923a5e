"""The routes of exchanges."""

from chancery.core.identity.roles import READERS, WRITERS
from chancery.core.web.answers import BYTES, JSON, TEXT
from chancery.core.web.routes import Route, group, json_body
from chancery.core.web.validation import TenantChoice
from chancery.integrations.exchanges.answers import (
    EXCHANGE,
    EXCHANGE_PAGE,
    ExchangeReceipt,
    IntegrationHealth,
    IntegrationStatistics,
)
from chancery.integrations.exchanges.models import ClosedExchange, OpenedExchange
from chancery.integrations.exchanges.reader import ExchangeReader
from chancery.integrations.exchanges.search import ExchangeSearch, StatisticsQuery
from chancery.integrations.exchanges.statistics import ExchangeStatistics
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

READS = group(
    "read_exchanges",
    Route(
        "GET",
        "/v1/exchanges",
        "Exchanges",
        ExchangeReader.search,
        READERS,
        query=ExchangeSearch,
        answers={200: EXCHANGE_PAGE},
    ),
    Route(
        "GET",
        "/v1/exchanges/{requestId}",
        "One exchange with its headers and bodies",
        ExchangeReader.get,
        READERS,
        query=TenantChoice,
        answers={200: EXCHANGE},
    ),
    Route(
        "GET",
        "/v1/exchanges/{requestId}/chain",
        "The attempts of the same request, in order",
        ExchangeReader.chain,
        READERS,
        query=TenantChoice,
        answers={200: EXCHANGE_PAGE},
    ),
    Route(
        "GET",
        "/v1/exchanges/{requestId}/request",
        "The whole body of the request, byte for byte, or a redirect to it",
        ExchangeReader.request,
        READERS,
        query=TenantChoice,
        answers={200: (TEXT, JSON, BYTES), 307: ()},
    ),
    Route(
        "GET",
        "/v1/exchanges/{requestId}/response",
        "The whole body of the response, byte for byte, or a redirect to it",
        ExchangeReader.response,
        READERS,
        query=TenantChoice,
        answers={200: (TEXT, JSON, BYTES), 307: ()},
    ),
)

STATISTICS = group(
    "read_exchanges",
    Route(
        "GET",
        "/v1/integrations/health",
        "The systems with exchanges in the last hour: success rate and durations",
        ExchangeStatistics.health,
        READERS,
        query=TenantChoice,
        answers={200: IntegrationHealth},
    ),
    Route(
        "GET",
        "/v1/integrations/systems/{code}/stats",
        "Figures of a system, in all and by time",
        ExchangeStatistics.system,
        READERS,
        query=StatisticsQuery,
        answers={200: IntegrationStatistics},
    ),
    Route(
        "GET",
        "/v1/integrations/systems/{code}/endpoints/{endpoint}/stats",
        "Figures of an endpoint, in all and by time",
        ExchangeStatistics.endpoint,
        READERS,
        query=StatisticsQuery,
        answers={200: IntegrationStatistics},
    ),
)
