"""The routes of error groups."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from chancery.core.identity.roles import EDITORS, READERS
from chancery.core.web.answers import AnswerModel, Count, PageOf, document_without, listed
from chancery.core.web.routes import Route, group, validated_body
from chancery.core.web.validation import TenantChoice
from chancery.logs.groups.collections import ERROR_GROUPS
from chancery.logs.groups.models import GroupChange, GroupSearch, GroupWindow, Merge, Split
from chancery.logs.groups.service import ErrorGroupEditor, ErrorGroupReader

GROUP = document_without("ErrorGroup", ERROR_GROUPS, "expiresOn")
GROUP_PAGE = PageOf(listed("ErrorGroupItem", ERROR_GROUPS))


class GroupFingerprint(AnswerModel):
    """A fingerprint of a group, and what it was made of."""

    hash: str
    components: dict[str, Any]
    first_seen: datetime


class GroupFingerprints(AnswerModel):
    """Why lines are in a group."""

    items: list[GroupFingerprint]


class GroupCount(AnswerModel):
    """How often the error was seen in the minute or hour that begins at `start`."""

    start: datetime
    count: Count


class GroupCounts(AnswerModel):
    """How often an error was seen from one time to another; only minutes or hours in which it was."""

    from_: datetime = Field(alias="from")
    to: datetime
    unit: Literal["minute", "hour"]
    count: Count
    items: list[GroupCount]


READS = group(
    "read_error_groups",
    Route(
        "GET",
        "/v1/error-groups",
        "Groups of errors, those seen last first",
        ErrorGroupReader.search,
        READERS,
        query=GroupSearch,
        answers={200: GROUP_PAGE},
    ),
    Route(
        "GET",
        "/v1/error-groups/{refId}",
        "One group of errors",
        ErrorGroupReader.get,
        READERS,
        query=TenantChoice,
        answers={200: GROUP},
    ),
    Route(
        "GET",
        "/v1/error-groups/{refId}/counts",
        "How often an error was seen, by minute or hour",
        ErrorGroupReader.counts,
        READERS,
        query=GroupWindow,
        answers={200: GroupCounts},
    ),
    Route(
        "GET",
        "/v1/error-groups/{refId}/fingerprints",
        "Why lines are in a group of errors",
        ErrorGroupReader.fingerprints,
        READERS,
        query=TenantChoice,
        answers={200: GroupFingerprints},
    ),
)

EDITS = group(
    "manage_error_groups",
    Route(
        "PATCH",
        "/v1/error-groups/{refId}",
        "Resolve, ignore or open a group of errors",
        ErrorGroupEditor.change,
        EDITORS,
        query=TenantChoice,
        body=validated_body(GroupChange),
        answers={200: GROUP},
        precondition="If-Match",
    ),
    Route(
        "POST",
        "/v1/error-groups/{refId}/merge",
        "Make other groups part of a group of errors",
        ErrorGroupEditor.merge,
        EDITORS,
        query=TenantChoice,
        body=validated_body(Merge),
        answers={200: GROUP},
    ),
    Route(
        "POST",
        "/v1/error-groups/{refId}/split",
        "Make a group of its own of some fingerprints of a group",
        ErrorGroupEditor.split,
        EDITORS,
        query=TenantChoice,
        body=validated_body(Split),
        answers={201: GROUP},
    ),
)
