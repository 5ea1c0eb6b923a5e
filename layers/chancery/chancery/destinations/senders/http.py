"""Sends HTTP messages by the guarded client, and reads what every receiver's answer means alike."""

import socket
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from errno import EADDRNOTAVAIL, EMFILE, ENETDOWN, ENETUNREACH, ENFILE, ENOBUFS, ENOMEM
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit, urlunsplit

from chancery.core.outbound import errors
from chancery.core.outbound.retry_after import retry_after_of
from chancery.destinations.ports import Outgoing, Result

if TYPE_CHECKING:
    from chancery.core.outbound.client import OutboundClient

TIMEOUT_SECONDS = 20.0  # the standard asks for 15 to 30
_LARGEST_ANSWER = 65_536  # bytes; nothing that a receiver answers is longer, and all of it is logged
_CONNECT_SECONDS = 5.0
_SLOW_DOWN = frozenset((429, 502, 504))
_OWN_FAULTS = frozenset((EADDRNOTAVAIL, EMFILE, ENETDOWN, ENETUNREACH, ENFILE, ENOBUFS, ENOMEM))
_OWN_LOOKUP_FAULTS = frozenset((socket.EAI_MEMORY, socket.EAI_SYSTEM))

# Headers that messages have by themselves, so that a destination's own headers cannot have these names. In lower case.
MESSAGE_HEADERS = frozenset(
    (
        "authorization",
        "content-encoding",
        "content-type",
        "dd-api-key",
        "user-agent",
        "webhook-id",
        "webhook-signature",
        "webhook-timestamp",
    )
)


class Answer(NamedTuple):
    """A receiver's answer. `body`: None where it was cut off or too large: the status had arrived."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes | None

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300

    def header(self, name: str) -> str:
        """A header's first value, by its name in lower case; empty without it."""
        return next((value.strip() for other, value in self.headers if other == name), "")


class HttpReceiver(NamedTuple):
    """The other end of a message over HTTP. `clock`: the time, by which `Retry-After` dates are read."""

    client: "OutboundClient"
    clock: Callable[[], datetime]

    def send(self, message: Outgoing, seconds: float) -> Answer | Result:
        """Sends a message once: the answer, or the result where there is none."""
        from chancery.core.outbound.client import Limits, OutboundRequest

        total = max(0.1, min(TIMEOUT_SECONDS, seconds))
        request = OutboundRequest(message.method, message.url, message.headers, message.body)
        try:
            response = self.client.send(request, Limits(_CONNECT_SECONDS, total, total, _LARGEST_ANSWER))
        except errors.OutboundError as exc:
            return _unanswered(exc) if exc.status is None else Answer(exc.status, exc.headers, None)
        return Answer(response.status, response.headers, response.body)

    def accepted(self, answer: Answer, rejected: int = 0, detail: str = "") -> Result:
        return Result(
            "accepted", f"http_{answer.status}", detail, answer.status, answer.headers, answer.body, rejected=rejected
        )

    def refused(self, answer: Answer, unauthorized: Sequence[int] = (), busy: Sequence[int] = ()) -> Result:
        """The result of an answer without success. `unauthorized`, `busy`: statuses that mean it to this receiver."""
        status = answer.status
        result = Result("failed", f"http_{status}", "", status, answer.headers, answer.body)
        result = result._replace(retry_after=retry_after_of(answer.headers, self.clock()))
        if 300 <= status < 400:
            return result._replace(detail="A redirect, which is not followed.")
        if status in _SLOW_DOWN or status in busy:
            return result._replace(verdict="slow_down", detail="The receiver asks for fewer messages.")
        if status in unauthorized:
            return result._replace(verdict="unauthorized", detail="The receiver does not accept the credentials.")
        return result._replace(detail=f"The receiver answered with the status {status}.")


def with_path(url: str, path: str) -> str:
    """The URL of an API: with its usual path where the destination names a host only."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=path)) if parts.path in ("", "/") else url


def with_own_headers(headers: Sequence[tuple[str, str]], own: Mapping[str, str]) -> list[tuple[str, str]]:
    """A message's headers and the destination's own, without those that would repeat one of the message's."""
    taken = {name.lower() for name, _ in headers}
    return [*headers, *((name, value) for name, value in own.items() if name.lower() not in taken)]


def _unanswered(exc: errors.OutboundError) -> Result:
    """By whose fault there is no answer. A failure that can be of either side is the receiver's."""
    if isinstance(exc, errors.Refused):
        return Result("unsendable", exc.reason, str(exc))
    if isinstance(exc, errors.NotConnected) and _is_own_fault(exc.__cause__):
        return Result("own_fault", exc.reason, str(exc))
    return Result("failed", exc.reason, str(exc))


def _is_own_fault(cause: BaseException | None) -> bool:
    """Whether this side has no network, no socket or no memory; an unreachable host or a name without answer is not."""
    if isinstance(cause, socket.gaierror):
        return cause.errno in _OWN_LOOKUP_FAULTS
    return isinstance(cause, OSError) and cause.errno in _OWN_FAULTS
