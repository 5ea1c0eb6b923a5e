"""Models of documents: redaction by their marks, and their build on use."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Annotated, Any

import pytest
from pydantic import ValidationError

from chancery.audit.models import AuditEvent
from chancery.core.documents import PII, Document, Identifier, Name, defaults, redact_body, validated
from chancery.core.errors import ValidationFailed
from chancery.core.redaction import REDACTED
from chancery.core.web.validation import accepted, parse

TOKEN = "Bearer mF_9.B5f-4.1JqM"


class Visit(Document):
    """A model with personal data."""

    visitor_alias: Annotated[Name | None, PII] = None
    home_page: Name | None = None
    email: Name | None = None
    details: dict[str, Any] | None = None


@pytest.mark.parametrize(
    ("body", "clean"),
    [
        ({"visitorAlias": "Kim"}, {"visitorAlias": REDACTED}),
        ({"visitorAlias": None}, {"visitorAlias": None}),
        ({"visitorAlias": {"a": 1}}, {"visitorAlias": REDACTED}),
        ({"homePage": "https://a.example"}, {"homePage": "https://a.example"}),
        ({"homePage": TOKEN}, {"homePage": REDACTED}),
        ({"email": "kept, for the model knows and does not mark it"},) * 2,
        ({"details": {"deep": [{"phone": "1"}]}}, {"details": {"deep": [{"phone": REDACTED}]}}),
        ({"undeclared": {"phone": "1"}, "password": "x"}, {"undeclared": {"phone": REDACTED}, "password": REDACTED}),
    ],
)
def test_a_body_is_redacted_by_marks_names_and_values(body, clean):
    assert redact_body(body, Visit) == clean


def test_names_and_marks_count_also_where_the_search_is_left_out():
    body = {"visitorAlias": "Kim", "homePage": "x", "details": {"email": "a@b.example"}}

    assert redact_body(body, Visit, search_values=False) == {
        "visitorAlias": REDACTED,
        "homePage": "x",
        "details": {"email": REDACTED},
    }


def test_the_address_of_an_audit_record_stays_and_one_in_a_diff_does_not():
    body = {"ipAddress": "203.0.113.7", "before": {"ipAddress": "203.0.113.7"}}

    assert redact_body(body, AuditEvent) == {"ipAddress": "203.0.113.7", "before": {"ipAddress": REDACTED}}


class Letter(Document):
    """A model whose marks stand where a field may be left out."""

    letter_id: Identifier
    sender_alias: Annotated[str, PII] | None = None
    to: list[Annotated[str, PII]] | None = None
    pages: int | None = None
    parts: list[Identifier] | None = None


def test_a_mark_counts_where_the_field_may_be_left_out_and_by_its_api_name_alone():
    body = {"senderAlias": "Kim", "to": ["Kim"], "sender_alias": "Kim"}

    assert redact_body(body, Letter) == {"senderAlias": REDACTED, "to": REDACTED, "sender_alias": "Kim"}
    with pytest.raises(ValidationError, match="Extra inputs"):
        validated(Letter, {"letterId": "1", "sender_alias": "Kim"})


def test_outside_of_the_process_a_field_has_one_name():
    assert validated(Letter, {"letterId": "1"}) == Letter(letter_id="1")
    with pytest.raises(ValidationError):
        validated(Letter, {"letter_id": "1"})
    with pytest.raises(ValidationFailed) as refused:
        parse(Letter, {"letter_id": "1"})
    assert {error.pointer for error in refused.value.errors} == {"/letterId", "/letter_id"}


def test_a_number_of_the_model_is_searched_too():
    assert redact_body({"pages": 4111111111111111}, Letter) == {"pages": REDACTED}


@pytest.mark.parametrize("value", [TOKEN, "4111111111111111", "a?token=abc", REDACTED])
def test_an_id_is_refused_rather_than_changed(value):
    with pytest.raises(ValidationFailed) as refused:
        accepted(Letter, {"letterId": value, "parts": ["fine", value]})

    assert [error.pointer for error in refused.value.errors[:1]] == ["/letterId"]
    assert "send another id" in refused.value.errors[0].detail
    assert value not in str(refused.value.errors) or value == REDACTED


def test_an_error_repeats_no_credential():
    with pytest.raises(ValidationFailed) as refused:
        accepted(Letter, {"letterId": "1", "AKIAIOSFODNN7EXAMPLE": 1})

    assert [error.pointer for error in refused.value.errors] == ["/[REDACTED]"]


def test_a_model_is_built_once_when_threads_validate_with_it_first():
    building, another, builds = Event(), Event(), []

    class Slow(Document):
        name: str

        @classmethod
        def __get_pydantic_core_schema__(cls, source, handler):
            builds.append(cls)
            building.set()
            if len(builds) > 1:
                another.set()
            another.wait(0.2)  # as long as a second build has to begin
            return handler(source)

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(validated, Slow, {"name": "a"})
        assert building.wait(60)
        second = pool.submit(validated, Slow, {"name": "b"})
        assert (first.result().name, second.result().name) == ("a", "b")

    assert builds == [Slow]


def test_defining_a_model_builds_nothing():
    class Inner(Document):
        name: str = "x"

    class Outer(Document):
        inner: Inner = defaults(Inner)

    assert not Inner.__pydantic_complete__ and not Outer.__pydantic_complete__
    assert validated(Outer, {}).inner == Inner(name="x")
