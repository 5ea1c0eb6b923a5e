"""Wires `POST /v1/audit-logs` to the deployment, once an execution environment."""

from functools import cache

from chancery.audit.submission import AuditSubmission
from chancery.core.web.idempotency import IdempotencyKeys
from chancery.wiring.audit import database, recorder, trail


@cache
def submission() -> AuditSubmission:
    return AuditSubmission(recorder(), IdempotencyKeys(database()), trail())
