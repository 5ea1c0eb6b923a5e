"""Why a request to another system has no usable answer. `reason` is for programs, the text for people.

OutboundError
├── Refused                 by the guard: nothing was sent, and a retry is refused again
│   ├── UrlRefused
│   ├── RequestRefused
│   └── AddressRefused
├── NotConnected            nothing was sent
│   ├── NameNotResolved
│   ├── ConnectFailed
│   ├── ConnectTimedOut
│   ├── TlsFailed
│   └── CertificateInvalid
├── AnswerMissing           the other system may have received and done what was asked
│   ├── ReadTimedOut
│   ├── DeadlineExceeded
│   ├── ConnectionReset
│   ├── ConnectionClosed
│   └── BodyIncomplete
└── AnswerUnusable          there is an answer, with a `status` where it got so far
    ├── ProtocolViolated
    ├── HeadersTooLarge
    ├── BodyTooLarge
    ├── BodyDamaged
    ├── CodingUnsupported
    └── TextInvalid
"""

from collections.abc import Sequence


class OutboundError(Exception):
    """Base. `status`, `headers`: of the response, where they had arrived. The text has no secrets of the request."""

    reason = "outbound_error"
    is_sent = True  # whether the other system may have received the request
    status: int | None = None
    headers: Sequence[tuple[str, str]] = ()


class Refused(OutboundError):
    reason = "refused"
    is_sent = False


class UrlRefused(Refused):
    reason = "url_refused"


class RequestRefused(Refused):
    reason = "request_refused"


class AddressRefused(Refused):
    reason = "address_refused"


class NotConnected(OutboundError):
    reason = "not_connected"
    is_sent = False


class NameNotResolved(NotConnected):
    reason = "name_not_resolved"


class ConnectFailed(NotConnected):
    reason = "connect_failed"


class ConnectTimedOut(NotConnected):
    reason = "connect_timed_out"


class TlsFailed(NotConnected):
    reason = "tls_failed"


class CertificateInvalid(TlsFailed):
    reason = "certificate_invalid"


class AnswerMissing(OutboundError):
    reason = "answer_missing"


class ReadTimedOut(AnswerMissing):
    reason = "read_timed_out"


class DeadlineExceeded(AnswerMissing):
    reason = "deadline_exceeded"


class ConnectionReset(AnswerMissing):
    reason = "connection_reset"


class ConnectionClosed(AnswerMissing):
    reason = "connection_closed"


class BodyIncomplete(AnswerMissing):
    reason = "body_incomplete"


class AnswerUnusable(OutboundError):
    reason = "answer_unusable"


class ProtocolViolated(AnswerUnusable):
    reason = "protocol_violated"


class HeadersTooLarge(AnswerUnusable):
    reason = "headers_too_large"


class BodyTooLarge(AnswerUnusable):
    reason = "body_too_large"


class BodyDamaged(AnswerUnusable):
    reason = "body_damaged"


class CodingUnsupported(AnswerUnusable):
    reason = "coding_unsupported"


class TextInvalid(AnswerUnusable):
    reason = "text_invalid"
