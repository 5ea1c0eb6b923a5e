"""Every example of docs/api, sent to the deployed stack in the order of its page."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from tests import api_pages
from tests.api_matching import CUT, Bindings, Differs, read_json
from tests.api_pages import Event, Example
from tests.documented import check_documented

EXAMPLES = [example for page in api_pages.pages() for example in api_pages.examples(page)]


@dataclass
class BusListener:
    """Puts events on the bus, and collects the events of Chancery since its creation."""

    name: str
    events: Any
    sqs: Any
    queue: str
    received: list[Any] = field(default_factory=list)

    def put(self, entry: dict[str, Any]) -> None:
        sent = {**entry, "EventBusName": self.name, "Detail": json.dumps(entry["Detail"])}
        assert self.events.put_events(Entries=[sent])["FailedEntryCount"] == 0

    def receive(self) -> list[Any]:
        while messages := self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages"):
            self.received += [json.loads(message["Body"]) for message in messages]
            for message in messages:
                self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return self.received


@dataclass
class Player:
    """Plays the examples of one page. An example needs those above it, so they are played first."""

    page: str
    send: Callable[..., httpx.Response]
    bus: BusListener
    eventually: Callable[..., Any]
    bindings: Bindings = field(default_factory=Bindings)
    played: int = 0
    failed: Example | Event | None = None

    def play(self, wanted: Example | Event) -> None:
        examples = api_pages.examples(self.page)
        while self.played <= examples.index(wanted):
            if self.failed:
                pytest.fail(f"{self.failed} failed before")
            example = self.failed = examples[self.played]
            self._play(example)
            self.played, self.failed = self.played + 1, None

    def _play(self, example: Example | Event) -> None:
        if isinstance(example, Example):
            self._retry(lambda: self._compare(example, self._ask(example)), retry=example.eventually)
        elif example.published:
            self._retry(lambda: self._find(example), retry=True)
        else:
            self.bindings.sent += example.text
            self.bus.put(json.loads(self.bindings.resolve(example.text)))

    def _retry(self, attempt: Callable[[], None], *, retry: bool) -> None:
        def succeeds() -> bool:
            try:
                attempt()
            except Differs:
                return False
            return True

        if retry:
            try:
                self.eventually(succeeds)
                return
            except AssertionError:
                pass  # the last attempt reports the difference
        attempt()

    def _ask(self, example: Example) -> httpx.Response:
        request = example.request
        self.bindings.sent += f"{example.target}\n{request.body}\n"
        target = self.bindings.resolve(example.target).removeprefix("/v1")
        headers = {name: self.bindings.resolve(value) for name, value in request.headers.items()}
        headers.pop("Authorization", None)
        body = self.bindings.resolve(request.body).encode() or None
        return self.send(example.method, target, request.caller, headers=headers, content=body)

    def _compare(self, example: Example, answer: httpx.Response) -> None:
        bindings, expected = self.bindings.copy(), example.answer
        if expected.status != answer.status_code:
            raise Differs(f"{expected.start} on the page, {answer.status_code} in the answer: {answer.text[:2000]}")
        for name, value in expected.headers.items():
            if name not in answer.headers:
                raise Differs(f"no header {name}; there are {list(answer.headers)}")
            bindings.match_text(value, answer.headers[name], at=name)
        _compare_body(bindings, example, answer)
        self.bindings = bindings

    def _find(self, event: Event) -> None:
        """Finds the page's event on the bus. Raises Differs."""
        differences = []
        for received in self.bus.receive():
            bindings = self.bindings.copy()
            try:
                bindings.match_json(read_json(event.text), received, event.varying)
            except Differs as exc:
                differences.append(str(exc))
                continue
            self.bindings = bindings
            return
        raise Differs(f"no such event on the bus: {differences}")


def _compare_body(bindings: Bindings, example: Example, answer: httpx.Response) -> None:
    expected = example.answer.body
    kind = answer.headers.get("Content-Type", "") if answer.content else ""
    content = answer.json() if kind.endswith("json") else answer.text
    if example.target.startswith("/v1"):
        path = "/v1" + answer.request.url.path.partition("/v1")[2]
        check_documented(example.method, path, answer.status_code, kind, content)
    if kind.endswith("json") and expected.startswith(("{", "[")):
        bindings.match_json(read_json(expected), content, example.varying)
    elif expected != CUT:
        bindings.match_text(expected, answer.text.rstrip("\n"), numbers=bool(example.varying), at="body")
    elif not answer.content:
        raise Differs("the answer has no body")


@pytest.fixture(scope="module")
def bus(aws: Callable[[str], Any], stack: dict[str, Any]) -> BusListener:
    name, events, sqs = stack["eventBusName"], aws("events"), aws("sqs")
    queue = sqs.create_queue(QueueName="api-docs")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="api-docs", EventBusName=name, EventPattern=json.dumps({"source": ["chancery"]}))
    events.put_targets(Rule="api-docs", EventBusName=name, Targets=[{"Id": "1", "Arn": arn}])
    return BusListener(name, events, sqs, queue)


@pytest.fixture(scope="module")
def players(api: Any, bus: BusListener, eventually: Any) -> dict[str, Player]:
    return {page: Player(page, api, bus, eventually) for page in api_pages.pages()}


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_the_api_answers_as_documented(example: Example | Event, players: dict[str, Player]) -> None:
    players[example.page].play(example)
