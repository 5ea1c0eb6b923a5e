"""Every example of docs/api, sent to the deployed stack in the order of its page."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from tests import api_pages
from tests.api_matching import CUT, Bindings, Differs, read_json
from tests.api_pages import Example
from tests.documented import check_documented

EXAMPLES = [example for page in api_pages.pages() for example in api_pages.examples(page)]


@dataclass
class Player:
    """Sends the examples of one page. An example needs the ones above it, so those are sent first."""

    page: str
    send: Callable[..., httpx.Response]
    eventually: Callable[..., Any]
    bindings: Bindings = field(default_factory=Bindings)
    played: int = 0
    failed: Example | None = None

    def play(self, wanted: Example) -> None:
        examples = api_pages.examples(self.page)
        while self.played <= examples.index(wanted):
            if self.failed:
                pytest.fail(f"{self.failed} failed before")
            example = self.failed = examples[self.played]
            self._play(example)
            self.played, self.failed = self.played + 1, None

    def _play(self, example: Example) -> None:
        if not example.eventually:
            self._compare(example, self._ask(example))
            return

        def as_shown() -> bool:
            answer = self._ask(example)
            try:
                self._compare(example, answer)
            except Differs:
                return False
            return True

        try:
            self.eventually(as_shown, 60)
        except AssertionError:
            self._compare(example, self._ask(example))  # says what is different

    def _ask(self, example: Example) -> httpx.Response:
        request = example.request
        self.bindings.sent += f"{example.target}\n{request.body}\n"
        target = self.bindings.resolve(example.target).removeprefix("/v1")
        headers = {name: self.bindings.resolve(value) for name, value in request.headers.items()}
        headers.pop("Authorization", None)
        body = self.bindings.resolve(request.body).encode() or None
        return self.send(example.method, target, request.caller, headers=headers, content=body)

    def _compare(self, example: Example, answer: httpx.Response) -> None:
        bindings, shown = self.bindings.copy(), example.answer
        if shown.status != answer.status_code:
            raise Differs(f"{shown.start} on the page, {answer.status_code} in the answer: {answer.text[:2000]}")
        for name, value in shown.headers.items():
            if name not in answer.headers:
                raise Differs(f"no header {name}; there are {list(answer.headers)}")
            bindings.match_text(value, answer.headers[name], at=name)
        _compare_body(bindings, example, answer)
        self.bindings = bindings


def _compare_body(bindings: Bindings, example: Example, answer: httpx.Response) -> None:
    shown = example.answer.body
    kind = answer.headers.get("Content-Type", "") if answer.content else ""
    content = answer.json() if kind.endswith("json") else answer.text
    if example.target.startswith("/v1"):
        path = "/v1" + answer.request.url.path.partition("/v1")[2]
        check_documented(example.method, path, answer.status_code, kind, content)
    if kind.endswith("json") and shown.startswith(("{", "[")):
        bindings.match_json(read_json(shown), content, example.varying)
    elif shown != CUT:
        bindings.match_text(shown, answer.text.rstrip("\n"), numbers=bool(example.varying), at="body")
    elif not answer.content:
        raise Differs("the answer has no body")


@pytest.fixture(scope="module")
def players(api, eventually) -> dict[str, Player]:
    return {page: Player(page, api, eventually) for page in api_pages.pages()}


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_the_api_answers_as_its_page_says(example: Example, players: dict[str, Player]) -> None:
    players[example.page].play(example)
