"""GET /v1/health: whether the database and the bus answer, and which version this is. Open to everybody, no secrets."""

from functools import cache

from aws_lambda_powertools.event_handler import Response

from chancery.core.aws import clients as aws
from chancery.core.mongo import client as mongo
from chancery.core.settings import BusSettings, load
from chancery.core.web.health import Health
from chancery.core.web.responses import answer, rest_api, serve

app = rest_api()


@cache
def checks() -> Health:
    return Health(mongo.database, lambda: aws.client("events"), load(BusSettings).event_bus)


@app.get("/v1/health")
def health() -> Response[str]:  # whatever the query: monitors add what keeps caches away
    report = checks().report()
    return answer(
        report, 200 if report["status"] == "ok" else 503, {} if report["status"] == "ok" else {"Retry-After": "5"}
    )


handler = serve(app)
