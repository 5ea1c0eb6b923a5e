"""What exchanges are about: fields that hold for every call in a block of code."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypedDict, Unpack

from chancery_client.encoding import to_camel

_OBJECTS = {
    **dict.fromkeys(("entity_type", "entity_id", "operation_type"), "context"),
    **dict.fromkeys(("user_id", "triggered_by"), "actor"),
}


class ExchangeFields(TypedDict, total=False):
    """`system_code` and `endpoint_code` are called; `parent_request_id` and `attempt_number` link a retry chain.

    `timeout_ms` (15 minutes): an exchange that is open for longer counts as TIMEOUT.
    """

    tenant_id: str
    system_code: str
    endpoint_code: str
    parent_request_id: str
    attempt_number: int
    timeout_ms: int
    correlation_id: str
    entity_type: str
    entity_id: str
    operation_type: str
    user_id: str
    triggered_by: str


class ExchangeDetails:
    """The fields of the exchanges in a block. `request_id`: of the last one, for the `parent_request_id` of a retry."""

    __slots__ = ("fields", "request_id")

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self.fields = fields
        self.request_id: str | None = None


current_details: ContextVar[ExchangeDetails | None] = ContextVar("chancery_exchange", default=None)


@contextmanager
def exchange_details(**fields: Unpack[ExchangeFields]) -> Iterator[ExchangeDetails]:
    """Calls inside of the block are logged with these fields, and with those of a block around it."""
    outer = current_details.get()
    details = ExchangeDetails({**(outer.fields if outer else {}), **fields})
    token = current_details.set(details)
    try:
        yield details
    finally:
        current_details.reset(token)


def event_fields_of(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields as an event has them; without the tenant, and without names that are none."""
    event: dict[str, Any] = {}
    for name, value in fields.items():
        if name in _OBJECTS:
            event.setdefault(_OBJECTS[name], {})[to_camel(name)] = value
        elif name != "tenant_id" and name in ExchangeFields.__annotations__:
            event[to_camel(name)] = value
    return event
