"""Events of the bus that are reported to tenants, and what each becomes.

    Exchange Completed                                -> exchange.completed   the summary, as it is published
    Audit Checkpoint Sealed                           -> checkpoint.sealed    the signed watermark, as it is published
    Audit Event Recorded, of the action contract.issued -> contract.issued    the contract, as a list has it

Only events with the deployment's own source are reported: nobody else may publish those (`bus_policy`), and what they
hold is redacted. So it is stored as it is.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from chancery.core.aws.event_bus import SOURCE
from chancery.core.aws.event_queue import tenant_of
from chancery.core.aws.queue import Message, body_of
from chancery.core.errors import FieldError, ValidationFailed
from chancery.core.formats.identifiers import OwnEventId, ref_id_of_name
from chancery.core.formats.times import to_milliseconds
from chancery.destinations.ports import DELIVERY_SYSTEM

EXCHANGE_COMPLETED = "Exchange Completed"
CHECKPOINT_SEALED = "Audit Checkpoint Sealed"
AUDIT_RECORDED = "Audit Event Recorded"
CONTRACT_ISSUED = "contract.issued"


class Fact(NamedTuple):
    """What is reported to a tenant; `ref_id` is the same for every repetition."""

    tenant_id: str
    ref_id: str
    type: str
    occurred_on: datetime
    data: dict[str, Any]


def fact_of(message: Message) -> Fact | None:
    """The fact in an SQS message with an event; None for one that is not reported. Raises ValidationFailed.

    Those are: checkpoints of the platform's own log, attempts of deliveries, and audit records that another one has
    written with the action of ours.
    """
    envelope = body_of(message, "detail-type", "source", "time", "detail")
    detail, make = envelope["detail"], _MAKERS.get(envelope["detail-type"])
    if make is None or envelope["source"] != SOURCE or not isinstance(detail, dict):
        error = FieldError("", f"must be one of {', '.join(_MAKERS)}, published by Chancery")
        raise ValidationFailed("The event is not one that is reported to tenants.", errors=[error])
    tenant_id = tenant_of(detail)
    if tenant_id is None:
        return None
    try:
        return make(tenant_id, detail, envelope["time"])
    except (KeyError, TypeError, ValueError, OverflowError) as exc:
        raise ValidationFailed(f"The event lacks what it should have ({type(exc).__name__}).") from None


def _exchange(tenant_id: str, detail: dict[str, Any], time: str) -> Fact | None:
    """An exchange that ends anew, after its deadline, is another fact: its summary differs.

    Attempts of deliveries are exchanges too: to deliver these would make the next.
    """
    if detail["systemCode"] == DELIVERY_SYSTEM:
        return None
    same = orjson.dumps(detail, option=orjson.OPT_SORT_KEYS).decode()
    occurred = detail.get("completedAt") or time
    return _fact(tenant_id, "exchange.completed", (detail["refId"], same), occurred, detail)


def _checkpoint(tenant_id: str, detail: dict[str, Any], time: str) -> Fact:
    return _fact(tenant_id, "checkpoint.sealed", (detail["log"], str(int(detail["size"]))), time, detail)


def _contract(tenant_id: str, detail: dict[str, Any], _: str) -> Fact | None:
    ref_id = str(detail["resourceId"])
    if detail["action"] != CONTRACT_ISSUED or detail.get("eventId") != OwnEventId.CONTRACT_ISSUED + ref_id:
        return None
    data = {
        "refId": ref_id,
        "tenantId": tenant_id,
        "createdBy": detail["actorId"],
        "createdOn": detail["createdOn"],
        **detail.get("metadata", {}),
        "tenantName": detail["resourceName"],
        "auditRefId": detail["refId"],
    }
    return _fact(tenant_id, "contract.issued", (ref_id,), detail["createdOn"], data)


_MAKERS: Mapping[str, Callable[[str, dict[str, Any], str], Fact | None]] = {
    EXCHANGE_COMPLETED: _exchange,
    CHECKPOINT_SEALED: _checkpoint,
    AUDIT_RECORDED: _contract,
}


def _fact(tenant_id: str, event_type: str, identity: tuple[str, ...], occurred: str, data: dict[str, Any]) -> Fact:
    ref_id = ref_id_of_name("\0".join((tenant_id, event_type, *identity)))
    return Fact(tenant_id, ref_id, event_type, to_milliseconds(datetime.fromisoformat(occurred)), data)
