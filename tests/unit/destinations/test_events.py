"""Patterns of event types: what they select, and which are refused."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from chancery.audit.models import Action
from chancery.destinations.events import REPORTED, SOURCES, EventPattern, selects, sources_of

PATTERN = TypeAdapter(EventPattern)
ACTIONS = next(item.pattern for item in get_args(Action) if getattr(item, "pattern", None))


@given(action=st.from_regex(ACTIONS, fullmatch=True).filter(lambda action: len(action) <= 128))
def test_each_action_of_an_audit_record_may_be_subscribed_to(action: str) -> None:
    event_type = f"audit.{action}"

    assert selects([PATTERN.validate_python(event_type)])(event_type)


@pytest.mark.parametrize(
    ("pattern", "selected", "other"),
    [
        ("*", "log.error", None),
        ("audit.*", "audit.login", "log.error"),
        ("audit.blog_post.*", "audit.blog_post.updated", "audit.blog_posts.updated"),
        ("audit.blog_post.updated", "audit.blog_post.updated", "audit.blog_post.updated_again"),
        ("audit.login", "audit.login", "audit.login.failed"),
        ("log.error", "log.error", "log.errors"),
        ("log.user-activity", "log.user-activity", "log.user"),
        ("exchange.*", "exchange.completed", "contract.issued"),
        ("contract.issued", "contract.issued", "checkpoint.sealed"),
    ],
)
def test_a_pattern_selects_types(pattern: str, selected: str, other: str | None) -> None:
    matches = selects(iter([PATTERN.validate_python(pattern)]))

    assert matches(selected)
    assert other is None or not matches(other)


NO_PATTERNS = (
    *("", "audit", "log", "exchange", "exchange.begun", "contract.issued.*", "other.*", "audit.Blog", "**"),
    *("audit.*.updated", "audit.blog_*", "*.error", ".audit", "audit.", "audit..x", "audit.x\n", "audit." + "x" * 200),
)


@pytest.mark.parametrize("pattern", NO_PATTERNS)
def test_another_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(ValidationError):
        PATTERN.validate_python(pattern)


def test_the_sources_of_patterns() -> None:
    assert sources_of(["*"]) == SOURCES
    assert sources_of(["log.error", "audit.login"]) == ("audit", "logs")
    assert sources_of(REPORTED) == ("events",)
