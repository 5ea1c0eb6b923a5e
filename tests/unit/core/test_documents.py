"""Redaction by what the model marks."""

from typing import Annotated, Any

import pytest

from chancery.audit.models import AuditEvent
from chancery.core.documents import PII, Document, Name, redact_body
from chancery.core.redaction import REDACTED

TOKEN = "Bearer mF_9.B5f-4.1JqM"


class Visit(Document):
    """A model with personal data of its own."""

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
