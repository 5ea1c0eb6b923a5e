"""What delivery needs of others: sources of events, senders, the exchange log."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple, Protocol

from chancery.core.mongo.client import Document
from chancery.destinations.events import Event, Item, SourceName

DELIVERY_SYSTEM = "destination"  # the systemCode of exchanges with destinations; their endpointCode is its refId


class SourcePage(NamedTuple):
    """Events in order, and the sequence to go on after. `missed`: first and last number that are no longer readable."""

    events: Sequence[Event]
    last: int
    missed: tuple[int, int] | None = None


class Source(Protocol):
    """Records of a tenant in the order of a gapless sequence."""

    @property
    def name(self) -> SourceName: ...

    def last(self, tenant_id: str) -> int:
        """The newest number of a tenant, 0 without any. Raises Unavailable."""
        ...

    def after(self, tenant_id: str, sequence: int, limit: int) -> SourcePage:
        """The events beyond a number, at most `limit`. Raises Unavailable."""
        ...

    def get(self, tenant_id: str, items: Sequence[Item]) -> list[Event]:
        """The events of items in their order, without those that are not stored any more. Raises Unavailable."""
        ...


class OpenDestination(NamedTuple):
    """A destination with its secrets, decrypted: never logged, never stored.

    `secrets`: of a webhook, the current one first: `whsec_...` or `whsk_...`. `token`: of the others.
    """

    document: Mapping[str, Any]
    url: str
    headers: Mapping[str, str]
    token: str | None
    secrets: Sequence[str]


class BatchLimits(NamedTuple):
    """Bounds of one message. `entry_bytes`: a larger event is sent without its large fields, marked."""

    entries: int
    payload_bytes: int
    entry_bytes: int
    age: timedelta  # how long the oldest event may wait for others


class Outgoing(NamedTuple):
    """A message as it is sent, and as it is logged: without secrets; of a stream its manifest instead of the body."""

    method: str
    url: str
    headers: Sequence[tuple[str, str]]
    body: bytes
    logged_url: str
    logged_headers: Mapping[str, str]
    logged_body: Any


Verdict = Literal[
    "accepted",
    "failed",  # retried by the schedule
    "slow_down",  # retried not before `retry_after`
    "unauthorized",
    "gone",  # never send anything again
    "disable",  # the receiver's header asks for it
    "abort",  # the receiver's header asks for no retry of this message
    "unsendable",  # no attempt can succeed: the payload cannot be made, the address is refused
    "own_fault",  # the deployment's own egress or AWS failed: retried, not charged to the destination
]


class Result(NamedTuple):
    """How an attempt ended. `rejected`: events that the receiver did not take of an accepted message."""

    verdict: Verdict
    reason: str
    detail: str = ""
    status: int | None = None
    headers: Sequence[tuple[str, str]] = ()
    body: bytes | None = None
    retry_after: timedelta | None = None
    rejected: int = 0


class Sender(Protocol):
    """How a kind of destination takes messages; see `senders/`."""

    def limits(self, destination: Mapping[str, Any], /) -> BatchLimits:
        """The bounds of a message of this destination. A webhook's has one entry."""
        ...

    def size(self, destination: Mapping[str, Any], event: Event, /) -> int:
        """The most bytes that an event takes of a payload; an event alone is always within the limits."""
        ...

    def prepare(self, to: OpenDestination, delivery: Document, events: Sequence[Event], now: datetime, /) -> Outgoing:
        """The message of a delivery; the same payload in each attempt. Raises Unsendable."""
        ...

    def send(self, to: OpenDestination, message: Outgoing, seconds: float, /) -> Result:
        """Sends a message once. Raises nothing that is expected."""
        ...


class Unsendable(Exception):
    """A message that cannot be made. `reason`: a code for people and filters."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class Attempts(Protocol):
    """The exchange log, as a delivery's attempts are read from it."""

    def of(self, tenant_id: str, delivery_id: str) -> list[Document]:
        """The exchanges of a delivery's attempts, the first one first. Raises Unavailable."""
        ...
