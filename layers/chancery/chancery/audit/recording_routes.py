"""The route that records audit events, with its answers: apart from the reads, to which a write owes no cold start."""

from datetime import datetime

from chancery.audit.models import AuditEvent
from chancery.audit.submission import AuditSubmission
from chancery.core.identity.roles import WRITERS
from chancery.core.web.answers import ABSENT, AnswerModel, Problem, RefId
from chancery.core.web.routes import Route, group, json_body


class Receipt(AnswerModel):
    """A stored record."""

    ref_id: RefId
    created_on: datetime
    recorded_on: datetime
    digest: str


class Result(AnswerModel):
    """What became of one event of many: a receipt, or a problem."""

    status: int
    ref_id: RefId = ABSENT
    created_on: datetime = ABSENT
    recorded_on: datetime = ABSENT
    digest: str = ABSENT
    problem: Problem = ABSENT


class Results(AnswerModel):
    """The results of many events, in their order."""

    results: list[Result]


RECORDING = group(
    "record_audit_logs",
    Route(
        "POST",
        "/v1/audit-logs",
        "Record one audit event, or up to 500",
        AuditSubmission.submit,
        WRITERS,
        body=json_body(AuditEvent, batch=True),
        answers={201: (Receipt, Results), 207: Results},
    ),
)
