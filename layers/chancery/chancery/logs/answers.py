"""The answers of the routes of logs."""

from datetime import datetime
from typing import Any

from chancery.core.web.answers import ABSENT, AnswerModel, PageOf, Problem, RefId, document_without, list_item
from chancery.logs.collections import BY_KIND

_INTERNAL = ("batch", "expiresOn")
_NAMES = {name: "".join(part.title() for part in name.split("-")) + "Log" for name in BY_KIND}
LINES = tuple(document_without(f"{_NAMES[name]}Line", found, *_INTERNAL) for name, found in BY_KIND.items())
PAGES = tuple(PageOf(list_item(f"{_NAMES[name]}Item", found)) for name, found in BY_KIND.items())


class LogContext(AnswerModel):
    """A line, and those of its tenant and kind around it, oldest first."""

    before: list[dict[str, Any]]
    line: dict[str, Any]
    after: list[dict[str, Any]]


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
