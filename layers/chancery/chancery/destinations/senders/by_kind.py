"""The senders by kind of destination, each imported and made when a message of its kind is sent first."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from chancery.destinations.models import Kind
from chancery.destinations.ports import Sender

if TYPE_CHECKING:
    from chancery.core.outbound.client import OutboundClient
    from chancery.destinations.senders.aws_access import CustomerAccount
    from chancery.destinations.senders.http import HttpReceiver


class Senders(Mapping[Kind, Sender]):
    """`client` makes the guarded HTTP client, `clock` has the time."""

    def __init__(self, client: "Callable[[], OutboundClient]", clock: Callable[[], datetime]) -> None:
        self._client = client
        self._clock = clock
        self._made: dict[Kind, Sender] = {}
        self._makers: dict[Kind, Callable[[], Sender]] = {
            "webhook": self._webhook,
            "splunk_hec": self._splunk_hec,
            "datadog": self._datadog,
            "otlp": self._otlp,
            "s3": self._s3,
            "eventbridge": self._eventbridge,
        }

    def __getitem__(self, kind: Kind) -> Sender:
        if kind not in self._made:  # two threads may both make one: senders have no state
            from chancery.destinations.senders.redacted_answers import RedactedAnswers

            self._made[kind] = RedactedAnswers(self._makers[kind]())
        return self._made[kind]

    def __iter__(self) -> Iterator[Kind]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)

    @cached_property
    def _receiver(self) -> "HttpReceiver":
        from chancery.destinations.senders.http import HttpReceiver

        return HttpReceiver(self._client(), self._clock)

    @cached_property
    def _account(self) -> "CustomerAccount":
        from chancery.core.aws.assumed_roles import AssumedRoles
        from chancery.destinations.senders.aws_access import CustomerAccount

        return CustomerAccount(AssumedRoles(self._clock))

    def _webhook(self) -> Sender:
        from chancery.destinations.senders.webhook import WebhookSender

        return WebhookSender(self._receiver)

    def _splunk_hec(self) -> Sender:
        from chancery.destinations.senders.splunk_hec import SplunkSender

        return SplunkSender(self._receiver)

    def _datadog(self) -> Sender:
        from chancery.destinations.senders.datadog import DatadogSender

        return DatadogSender(self._receiver)

    def _otlp(self) -> Sender:
        from chancery.destinations.senders.otlp import OtlpSender

        return OtlpSender(self._receiver)

    def _s3(self) -> Sender:
        from chancery.destinations.senders.s3 import S3Sender

        return S3Sender(self._account)

    def _eventbridge(self) -> Sender:
        from chancery.destinations.senders.eventbridge import EventBridgeSender

        return EventBridgeSender(self._account)
