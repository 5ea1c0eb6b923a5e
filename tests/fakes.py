"""Stand-ins for the outside world: the bus, a queue, a Lambda context."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chancery.core.errors import Unavailable


@dataclass
class FakeBus:
    """Keeps what is published; `away` makes it unreachable."""

    published: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    away: bool = False

    def publish(self, detail_type: str, details: Sequence[dict[str, Any]]) -> None:
        if self.away:
            raise Unavailable("The event bus does not answer; try again.")
        self.published += [(detail_type, detail) for detail in details]

    def of(self, detail_type: str) -> list[dict[str, Any]]:
        return [detail for kind, detail in self.published if kind == detail_type]


@dataclass
class FakeQueue:
    """Keeps what is sent, and what is handed back with a pause; `away` makes it unreachable."""

    sent: list[str] = field(default_factory=list)
    paused: list[str] = field(default_factory=list)
    away: bool = False

    def send(self, body: str, delay_seconds: int = 0) -> None:
        if self.away:
            raise Unavailable("The queue does not answer; try again.")
        self.sent.append(body)

    def pause(self, messages: Sequence[Mapping[str, Any]]) -> None:
        self.paused += [message["messageId"] for message in messages]


class LambdaContext:
    """What a handler may ask of its context."""

    function_name = "function"
    function_version = "1"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:function"
    aws_request_id = "00000000-0000-0000-0000-000000000000"
    log_stream_name = "stream"

    def get_remaining_time_in_millis(self) -> int:
        return 300_000
