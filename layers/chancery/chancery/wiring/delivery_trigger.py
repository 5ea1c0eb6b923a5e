"""Wires what has destinations served to the deployment: writers of events and the API import no more than this."""

from functools import cache
from typing import NamedTuple

from chancery.core.aws.queue import Queue
from chancery.core.settings import load
from chancery.destinations.delivery.state_store import StateStore
from chancery.destinations.delivery.trigger import DeliveryTrigger
from chancery.wiring import audit


class DeliverySettings(NamedTuple):
    """The queue of deliveries."""

    deliveries_queue_url: str


@cache
def trigger() -> DeliveryTrigger:
    """For functions that send to the queue `deliveries`."""
    return DeliveryTrigger(StateStore(audit.database()), Queue(load(DeliverySettings).deliveries_queue_url))
