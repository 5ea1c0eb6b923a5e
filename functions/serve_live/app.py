"""The WebSocket API of the live tail: connections come and go, and send messages."""

from typing import Any

from chancery.core.observability import instrument
from chancery.core.web.request import principal_of, token_expiry_of
from chancery.live.service import Origin
from chancery.wiring.live import socket


@instrument
def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    about = event["requestContext"]
    connection_id, route = about["connectionId"], about["routeKey"]
    origin = Origin((about.get("identity") or {}).get("sourceIp"), about.get("requestId"))
    if route == "$connect":
        return {"statusCode": socket().connect(connection_id, principal_of(event), token_expiry_of(event), origin)}
    if route == "$disconnect":
        socket().disconnect(connection_id)
    else:
        socket().receive(connection_id, event.get("body") or "", origin)
    return {"statusCode": 200}
