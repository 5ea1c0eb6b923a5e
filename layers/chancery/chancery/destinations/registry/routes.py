"""The routes of destinations and their deliveries."""

from chancery.core.identity.roles import INTEGRATORS, READERS
from chancery.core.web.routes import Route, group, validated_body
from chancery.core.web.validation import TenantChoice
from chancery.destinations.registry.answers import (
    DELIVERY_PAGE,
    DESTINATION_PAGE,
    AcceptedDelivery,
    Delivery,
    Destination,
    Health,
    Replayed,
)
from chancery.destinations.registry.deliveries import Deliveries, DeliveryRequests
from chancery.destinations.registry.destinations import DestinationEditor, Destinations
from chancery.destinations.registry.health import DestinationHealth
from chancery.destinations.registry.models import (
    DeliverySearch,
    DestinationChange,
    DestinationRequest,
    DestinationSearch,
    ReplayRequest,
    SecretRotation,
    TestRequest,
)

_DESTINATIONS = "/v1/destinations"
_DESTINATION = f"{_DESTINATIONS}/{{refId}}"
_DELIVERIES = f"{_DESTINATION}/deliveries"
_DELIVERY = f"{_DELIVERIES}/{{deliveryId}}"

READS = group(
    "read_destinations",
    Route(
        "GET",
        _DESTINATIONS,
        "Destinations, newest first",
        Destinations.search,
        READERS,
        query=DestinationSearch,
        answers={200: DESTINATION_PAGE},
    ),
    Route(
        "GET",
        _DESTINATION,
        "One destination, without its secrets",
        Destinations.get,
        READERS,
        query=TenantChoice,
        answers={200: Destination, 304: ()},
        precondition="If-None-Match",
    ),
)

DELIVERY_READS = group(
    "read_destinations",
    Route(
        "GET",
        _DELIVERIES,
        "Deliveries of a destination, newest first",
        Deliveries.search,
        READERS,
        query=DeliverySearch,
        answers={200: DELIVERY_PAGE},
    ),
    Route(
        "GET",
        _DELIVERY,
        "One delivery with its attempts",
        Deliveries.get,
        READERS,
        query=TenantChoice,
        answers={200: Delivery},
    ),
)

HEALTH = group(
    "read_destinations",
    Route(
        "GET",
        f"{_DESTINATION}/health",
        "How far a destination is, and how its last attempts ended",
        DestinationHealth.get,
        READERS,
        query=TenantChoice,
        answers={200: Health},
    ),
)

EDITS = group(
    "manage_destinations",
    Route(
        "POST",
        _DESTINATIONS,
        "Add a destination",
        DestinationEditor.create,
        INTEGRATORS,
        body=validated_body(DestinationRequest, stored=True),
        answers={201: Destination},
    ),
    Route(
        "PUT",
        _DESTINATION,
        "Change, enable or disable a destination",
        DestinationEditor.replace,
        INTEGRATORS,
        query=TenantChoice,
        body=validated_body(DestinationChange, stored=True),
        answers={200: Destination},
        precondition="If-Match",
    ),
    Route(
        "DELETE",
        _DESTINATION,
        "Delete a destination",
        DestinationEditor.delete,
        INTEGRATORS,
        query=TenantChoice,
        answers={204: ()},
        precondition="If-Match",
    ),
    Route(
        "POST",
        f"{_DESTINATION}/secret",
        "Make a new secret; the old one signs for a while, too",
        DestinationEditor.rotate,
        INTEGRATORS,
        query=TenantChoice,
        body=validated_body(SecretRotation)._replace(required=False),
        answers={200: Destination},
    ),
)

REQUESTS = group(
    "manage_destinations",
    Route(
        "POST",
        f"{_DESTINATION}/test",
        "Send a test",
        DeliveryRequests.test,
        INTEGRATORS,
        query=TenantChoice,
        body=validated_body(TestRequest, stored=True)._replace(required=False),
        answers={200: AcceptedDelivery, 202: AcceptedDelivery},
    ),
    Route(
        "POST",
        f"{_DELIVERY}/replay",
        "Send a delivery again",
        DeliveryRequests.replay,
        INTEGRATORS,
        query=TenantChoice,
        answers={202: AcceptedDelivery},
    ),
    Route(
        "POST",
        f"{_DESTINATION}/replays",
        "Send all failed deliveries since a time, or those of a range, again",
        DeliveryRequests.replay_all,
        INTEGRATORS,
        query=TenantChoice,
        body=validated_body(ReplayRequest),
        answers={202: Replayed},
    ),
)
