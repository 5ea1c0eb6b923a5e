"""The answers of the routes of logs."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from chancery.core.web.answers import (
    ABSENT,
    Amount,
    AnswerModel,
    Count,
    PageOf,
    Problem,
    RefId,
    document_without,
    list_item,
)
from chancery.logs.collections import BY_KIND
from chancery.logs.models import INTERNAL

_NAMES = {name: "".join(part.title() for part in name.split("-")) + "Log" for name in BY_KIND}
LINES = tuple(document_without(f"{_NAMES[name]}Line", found, *INTERNAL) for name, found in BY_KIND.items())
PAGES = tuple(PageOf(list_item(f"{_NAMES[name]}Item", found)) for name, found in BY_KIND.items())


class LogContext(AnswerModel):
    """A line, and those of its tenant and kind around it, oldest first."""

    before: list[dict[str, Any]]
    line: dict[str, Any]
    after: list[dict[str, Any]]


class Percentiles(AnswerModel):
    """Durations in milliseconds that 50, 95 and 99 % of the lines with one do not exceed."""

    p50: Amount
    p95: Amount
    p99: Amount


class LogGroup(AnswerModel):
    """Lines with a value, or of a period that begins at a time. `users`: different ones among the lines read."""

    key: str | None
    count: Count
    users: Count
    duration_ms: Percentiles | None


class LogGroups(AnswerModel):
    """The largest groups, or the last periods in order; `truncated` where there are more.

    `sampledOneIn`: 1 where every line was read; else one line in so many, and counts are estimates.
    """

    from_: Annotated[datetime, Field(alias="from")]
    to: datetime | None
    sampled_one_in: Count
    groups: list[LogGroup]
    truncated: bool


class LogReceipt(AnswerModel):
    """A stored line."""

    ref_id: RefId
    created_on: datetime


class LogResult(AnswerModel):
    """What became of one line of many: a receipt, or a problem."""

    status: int
    ref_id: RefId = ABSENT
    created_on: datetime = ABSENT
    problem: Problem = ABSENT


class LogResults(AnswerModel):
    """The results of many lines, in their order."""

    results: list[LogResult]
