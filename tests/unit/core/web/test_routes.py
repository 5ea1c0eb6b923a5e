"""Routes as they are declared, as functions serve them: checks in their order, answers, 404 and 405."""

import base64
import gzip
import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from chancery.core.detectors import SHARED
from chancery.core.documents import Document, Identifier
from chancery.core.errors import NotFound
from chancery.core.identity.principal import Principal
from chancery.core.identity.roles import ADMINS, READERS, WRITERS
from chancery.core.web.answers import NO_CONTENT, TEXT, Answer, AnswerModel, redirect
from chancery.core.web.rate_limits import RateLimited
from chancery.core.web.request import MAX_BODY, Call, RateClass
from chancery.core.web.responses import Tenants, serve
from chancery.core.web.routes import OPEN, Route, group, json_body, methods_by_path, redacted_body, validated_body
from tests.builders import http, principal
from tests.fakes import LambdaContext

SECRET = "AKIAABCDEFGHIJKLMNOP"


class NoteSearch(Document):
    """Query parameters."""

    limit: int = 10


class NoteRequest(Document):
    """A body."""

    text: str
    author: Identifier | None = None


class Comment(Document):
    """A body that may be left out."""

    comment: str | None = None


class Note(AnswerModel):
    """An answer."""

    text: str


@dataclass
class Notes:
    """A service that answers with its arguments, and records its calls."""

    calls: list[Call[Any, Any]] = field(default_factory=list)

    def search(self, call: Call[NoteSearch]) -> dict[str, Any]:
        self.calls.append(call)
        return {"limit": call.query.limit, "caller": call.principal.subject, "remaining": call.remaining_ms()}

    def get(self, call: Call) -> dict[str, Any]:
        if call.path["refId"] == "gone":
            raise NotFound("There is no such note.")
        return dict(call.path)

    def add(self, call: Call[None, NoteRequest]) -> dict[str, Any]:
        return {"text": call.body.text}

    def add_json(self, call: Call[None, Any]) -> dict[str, Any]:
        return {"body": call.body}

    def approve(self, call: Call[None, Comment]) -> Answer:
        return Answer(200, {"comment": call.body.comment}, {"X-Note": "1"})

    def delete(self, call: Call) -> Answer:
        return NO_CONTENT

    def text(self, call: Call) -> Answer:
        return Answer(200, "a text", media_type=TEXT, etag='"7"')

    def data(self, call: Call) -> Answer:
        return Answer(200, b"\xff\x00", {"Cache-Control": "immutable"}, "application/json")

    def file(self, call: Call) -> Answer:
        return redirect(f"/v1/files/{call.path['path']}", 303)

    def health(self, call: Call) -> dict[str, Any]:
        return {"query": dict(call.request.query)}


NOTES = group(
    "manage_notes",
    Route("GET", "/v1/notes", "Notes", Notes.search, READERS, query=NoteSearch, answers={200: Note}),
    Route("GET", "/v1/notes/{refId}", "A note", Notes.get, READERS, answers={200: Note}),
    Route("POST", "/v1/notes", "Add", Notes.add, WRITERS, body=redacted_body(NoteRequest), answers={201: Note}),
    Route("PUT", "/v1/notes", "Put", Notes.add, ADMINS, body=validated_body(NoteRequest), answers={200: Note}),
    Route("POST", "/v1/raw-notes", "Add", Notes.add_json, WRITERS, body=json_body(NoteRequest), answers={201: Note}),
    Route(
        "POST",
        "/v1/many-notes",
        "Add",
        Notes.add_json,
        WRITERS,
        body=json_body(NoteRequest, batch=True),
        answers={201: Note},
        rate="logs",
    ),
    Route(
        "POST",
        "/v1/notes/{refId}/approve",
        "Approve",
        Notes.approve,
        WRITERS,
        body=redacted_body(Comment, required=False),
        answers={200: Note},
    ),
    Route("DELETE", "/v1/notes/{refId}", "Delete", Notes.delete, ADMINS, answers={204: ()}),
    Route("GET", "/v1/notes/{refId}/text", "Text", Notes.text, READERS, answers={200: TEXT, 304: ()}),
    Route("GET", "/v1/notes/{refId}/data", "Data", Notes.data, READERS, answers={200: "application/json"}),
    Route("GET", "/v1/notes/{refId}/files/{path+}", "File", Notes.file, READERS, answers={303: ()}),
    Route("GET", "/v1/notes/health", "Health", Notes.health, OPEN, answers={200: Note}),
)


@pytest.fixture
def notes() -> Notes:
    return Notes()


class Limit:
    """Lets `left` records pass, and remembers what was counted."""

    def __init__(self) -> None:
        self.left, self.counted = 10_000, []

    def take(self, caller: Principal, rate_class: RateClass, records: int) -> dict[str, str]:
        self.counted.append((caller.subject, rate_class, records))
        if records > self.left:
            raise RateLimited(rate_class, {"RateLimit": '"x";r=0;t=7'}, 7)
        return {"RateLimit": f'"x";r={self.left - records};t=1'}


@pytest.fixture
def limit() -> Limit:
    return Limit()


@pytest.fixture
def ask(notes, limit):
    """A request to the served routes: status, body, headers."""
    tenants = Tenants(lambda: limit.take, lambda: SHARED, lambda *_: None)
    handler = serve((NOTES, lambda: notes), every_path=methods_by_path(NOTES.routes), tenants=tenants)

    def send(method: str, path: str, body: Any = None, *, role: str | None = "user", **more: Any):
        event = http(method, path, body, caller=principal(role) if role else None, **more)
        answer = handler(event, LambdaContext())
        headers = {name: values[0] for name, values in answer["multiValueHeaders"].items()}
        text = answer["body"]
        if headers.get("Content-Type", "").endswith("json") and not answer["isBase64Encoded"]:
            text = json.loads(text)
        return answer["statusCode"], text, headers

    return send


def pointers(problem: dict[str, Any]) -> list[str]:
    return [error["pointer"] for error in problem["errors"]]


def test_a_handler_gets_the_principal_the_query_and_the_time_left(ask):
    status, body, headers = ask("GET", "/v1/notes", query={"limit": "3"})

    assert (status, body) == (200, {"limit": 3, "caller": "user-1", "remaining": 300_000})
    assert headers["Content-Type"] == "application/json"
    assert headers["Cache-Control"] == "no-store"


def test_without_a_principal_it_is_401(ask, notes):
    assert ask("GET", "/v1/notes", role=None)[0] == 401
    assert notes.calls == []


def test_the_role_is_checked_before_the_content_of_the_request(ask, notes):
    status, problem, _ = ask("GET", "/v1/notes", role="producer", query={"surprise": "1"})

    assert status == 403
    assert problem["detail"].startswith("The role producer may not do this")
    assert ask("POST", "/v1/notes", "no JSON", role="auditor")[0] == 403
    assert notes.calls == []


@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/notes"), ("GET", "/v1/notes/1"), ("POST", "/v1/notes")])
def test_unknown_and_repeated_parameters_are_refused_also_where_a_route_declares_none(ask, notes, method, path):
    status, problem, _ = ask(method, path, {"text": "x"}, query={"surprise": "1", "again": ["1", "2"]})

    assert status == 422
    assert sorted(pointers(problem)) == ["/again", "/again", "/surprise"]
    assert notes.calls == []


def test_the_query_is_checked_before_the_body(ask):
    assert pointers(ask("POST", "/v1/notes", {}, query={"surprise": "1"})[1]) == ["/surprise"]


def test_a_missing_body_is_refused_and_so_is_one_that_is_no_json(ask):
    assert ask("POST", "/v1/notes")[0] == 422
    assert ask("POST", "/v1/notes", "{")[0] == 422
    assert pointers(ask("POST", "/v1/notes", [])[1]) == [""]


def test_a_body_is_redacted_before_it_is_validated(ask):
    assert ask("POST", "/v1/notes", {"text": f"key {SECRET}"})[1]["text"] == "key [REDACTED]"
    assert pointers(ask("POST", "/v1/notes", {"text": "x", "author": SECRET})[1]) == ["/author"]


def test_a_validated_body_stays_as_it_comes_and_is_closed(ask):
    assert ask("PUT", "/v1/notes", {"text": SECRET}, role="super_admin")[1] == {"text": SECRET}
    assert pointers(ask("PUT", "/v1/notes", {"text": "x", "more": 1}, role="super_admin")[1]) == ["/more"]


def test_a_service_may_get_the_parsed_json(ask):
    assert ask("POST", "/v1/raw-notes", {"any": [1]})[:2] == (201, {"body": {"any": [1]}})


def test_an_optional_body_may_be_left_out_and_is_checked_where_it_is_there(ask):
    assert ask("POST", "/v1/notes/1/approve")[:2] == (200, {"comment": None})
    status, body, headers = ask("POST", "/v1/notes/1/approve", {"comment": "good"})
    assert (status, body, headers["X-Note"]) == (200, {"comment": "good"}, "1")
    assert ask("POST", "/v1/notes/1/approve", {"surprise": 1})[0] == 422


def test_a_dict_is_answered_with_the_status_that_is_declared(ask):
    assert ask("POST", "/v1/notes", {"text": "x"})[0] == 201


@pytest.mark.parametrize("ref_id", ["01J", "a b", "tenant:1", "a%2Fb", "Zoë", "a+b", 'say "#1?"', "✓"])
def test_a_path_parameter_is_one_segment_as_the_gateway_decodes_it(ask, ref_id):
    assert ask("GET", f"/v1/notes/{ref_id}")[:2] == (200, {"refId": ref_id})


def test_a_slash_at_the_end_of_a_path_does_not_count(ask):
    assert ask("GET", "/v1/notes/")[0] == 200
    assert ask("GET", "/v1/notes/1/")[1] == {"refId": "1"}


@pytest.mark.parametrize("path", ["/v1/notes\n", "/v1/notes/\n", "/v1/notes/1\n", "/v1/notes/1/2"])
def test_a_path_with_more_behind_it_is_404(ask, path):
    status, problem, _ = ask("GET", path)

    assert (status, problem["instance"]) == (404, path)


def test_a_literal_path_goes_before_one_with_a_parameter_and_an_open_route_takes_any_query(ask):
    assert ask("GET", "/v1/notes/health", role=None, query={"cache": "away"})[:2] == (200, {"query": {"cache": "away"}})


def test_another_method_of_a_path_is_405_and_options_lists_the_methods(ask):
    status, problem, headers = ask("PATCH", "/v1/notes/1")

    assert status == 405
    assert problem["title"] == "Method not allowed"
    assert headers["Allow"] == "DELETE, GET, OPTIONS"
    assert ask("OPTIONS", "/v1/notes/1", role=None)[2]["Allow"] == "DELETE, GET, OPTIONS"
    assert ask("OPTIONS", "/v1/notes/1", role=None)[0] == 204
    assert ask("OPTIONS", "/v1/nothing", role=None)[0] == 404


def test_an_error_of_the_handler_is_a_problem(ask):
    status, problem, headers = ask("GET", "/v1/notes/gone")

    assert (status, problem["detail"]) == (404, "There is no such note.")
    assert headers["Content-Type"] == "application/problem+json"


def test_nothing_has_no_content_type(ask):
    status, body, headers = ask("DELETE", "/v1/notes/1", role="super_admin")

    assert (status, body) == (204, "")
    assert "Content-Type" not in headers


def test_a_conditional_answer_has_its_tag_or_is_304(ask):
    status, body, headers = ask("GET", "/v1/notes/1/text")

    assert (status, body, headers["Content-Type"]) == (200, "a text", TEXT)
    assert (headers["ETag"], headers["Cache-Control"]) == ('"7"', "private, no-cache")
    status, body, headers = ask("GET", "/v1/notes/1/text", headers={"If-None-Match": 'W/"7"'})
    assert (status, body, headers["ETag"]) == (304, "", '"7"')


def test_bytes_of_any_media_type_are_sent_in_base64(ask):
    status, body, headers = ask("GET", "/v1/notes/1/data")

    assert (status, base64.b64decode(body), headers["Content-Type"]) == (200, b"\xff\x00", "application/json")
    assert headers["Cache-Control"] == "immutable"


def test_a_greedy_parameter_has_slashes_and_our_locations_are_relative(ask):
    status, _, headers = ask("GET", "/v1/notes/1/files/a/b")

    assert (status, headers["Location"]) == (303, "../../../../../v1/files/a/b")


def test_requests_count_against_the_limit_of_their_class_and_a_batch_as_its_records(ask, limit):
    _, _, headers = ask("GET", "/v1/notes")
    ask("POST", "/v1/notes", {"text": "x"})
    ask("POST", "/v1/many-notes", {"records": [{}, {}, {}]})
    ask("POST", "/v1/many-notes", {"text": "x"})
    ask("POST", "/v1/many-notes", {"records": []})

    assert headers["RateLimit"] == '"x";r=9999;t=1'
    assert [item[1:] for item in limit.counted] == [
        ("read", 1),
        ("write", 1),
        ("logs", 3),
        ("logs", 1),
        ("logs", 1),
    ]


def test_over_the_limit_it_is_429_with_when_to_go_on(ask, limit, notes):
    limit.left = 0

    status, problem, headers = ask("GET", "/v1/notes")

    assert (status, headers["Retry-After"], headers["RateLimit"]) == (429, "7", '"x";r=0;t=7')
    assert problem["type"] == "https://iana.org/assignments/http-problem-types#quota-exceeded"
    assert problem["violated-policies"] == ["read"]
    assert notes.calls == []


def test_what_is_refused_anyway_and_an_open_route_do_not_count(ask, limit):
    assert ask("GET", "/v1/notes", role="producer")[0] == 403
    assert ask("POST", "/v1/notes", {})[0] == 422
    assert ask("GET", "/v1/notes/health", role=None)[0] == 200

    assert limit.counted == []


def test_every_answer_forbids_guessing_its_type(ask):
    answers = [
        ask("GET", "/v1/notes"),
        ask("GET", "/v1/notes/1/text", headers={"If-None-Match": '"7"'}),
        ask("GET", "/v1/notes/1/data"),
        ask("GET", "/v1/notes/1/files/a"),
        ask("GET", "/v1/notes/gone"),
        ask("DELETE", "/v1/notes/1", role="super_admin"),
        ask("OPTIONS", "/v1/notes"),
        ask("GET", "/v1/nothing"),
        ask("PATCH", "/v1/notes"),
    ]

    assert [status for status, _, _ in answers] == [200, 304, 200, 303, 404, 204, 204, 404, 405]
    assert {headers["X-Content-Type-Options"] for _, _, headers in answers} == {"nosniff"}


def test_the_methods_of_a_literal_path_are_its_own(ask):
    status, _, headers = ask("DELETE", "/v1/notes/health", role="super_admin")

    assert (status, headers["Allow"]) == (405, "GET, OPTIONS")


def test_a_body_may_be_gzipped(ask):
    def send(body: bytes, coding: str = "gzip") -> tuple[int, Any]:
        return ask("POST", "/v1/notes", body, headers={"Content-Encoding": coding})[:2]

    assert send(gzip.compress(b'{"text": "x"}')) == (201, {"text": "x"})
    assert send(gzip.compress(b" " * MAX_BODY))[0] == 422
    assert send(gzip.compress(b" " * (MAX_BODY + 1)))[0] == 413
    assert send(b'{"text": "x"}')[1]["errors"] == [{"pointer": "", "detail": "is not valid gzip"}]
    assert send(b'{"text": "x"}', "br")[0] == 415
    assert send(b'{"text": "x"}', "identity")[0] == 201
