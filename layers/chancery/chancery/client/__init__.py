"""The fire-and-forget client of host applications: one call that never raises and never waits.

from chancery.client import write_audit_log

write_audit_log(
    actor_id=user.id, action="blog_post.approved", resource_type="blog_post", resource_id=post.id, tenant_id=tenant.id
)
"""

from chancery.client.context import correlated
from chancery.client.counts import Stats
from chancery.client.default import flush_audit_log, lambda_flush, write_audit_log
from chancery.client.sender import AuditClient
from chancery.core.formats.correlation import Correlation

__all__ = [
    "AuditClient",
    "Correlation",
    "Stats",
    "correlated",
    "flush_audit_log",
    "lambda_flush",
    "write_audit_log",
]
