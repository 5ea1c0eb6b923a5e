"""The queue of platform events and its consumer."""

from chancery.core.aws.declarations import BusEvents, Function, Queue
from chancery.destinations.ports import DELIVERY_SYSTEM
from chancery.destinations.sources.facts import (
    AUDIT_RECORDED,
    CHECKPOINT_SEALED,
    CONTRACT_ISSUED,
    EXCHANGE_COMPLETED,
)

QUEUES = (
    Queue(
        "platform-events",
        "Events of the platform could not be stored for the destinations and feeds of their tenants",
        sources=(
            BusEvents(EXCHANGE_COMPLETED, own=True, detail={"systemCode": [{"anything-but": DELIVERY_SYSTEM}]}),
            BusEvents(CHECKPOINT_SEALED, own=True),
            BusEvents(AUDIT_RECORDED, own=True, detail={"action": [CONTRACT_ISSUED]}),
        ),
        batch_size=100,
        batch_window_seconds=1,
        alarm_after_seconds=300,
    ),
)
FUNCTIONS = (
    Function(
        "store_events",
        "stores finished exchanges, sealed checkpoints and issued contracts for destinations and feeds",
        database="writer",
        consumes="platform-events",
        sends_to=("rejects", "deliveries"),
        timeout=60,
    ),
)
