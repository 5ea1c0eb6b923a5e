"""The answers of the routes of logs."""

from datetime import datetime

from chancery.core.web.answers import ABSENT, AnswerModel, Problem, RefId


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
