"""Records audit events from a host application: a call returns at once and never raises.

from chancery_client import write_audit_log

write_audit_log(
    actor_id=user.id, action="blog_post.approved", resource_type="blog_post", resource_id=post.id, tenant_id=tenant.id
)
"""

from chancery_client.client import AuditClient, flush_audit_log, lambda_flush, write_audit_log
from chancery_client.correlation import Correlation, correlated
from chancery_client.exchange_fields import ExchangeDetails, exchange_details
from chancery_client.exchanges import Exchange, ExchangeLog
from chancery_client.log_handler import LogHandler
from chancery_client.metrics import Stats
from chancery_client.middleware import AuditMiddleware, audit

__all__ = [
    "AuditClient",
    "AuditMiddleware",
    "Correlation",
    "Exchange",
    "ExchangeDetails",
    "ExchangeLog",
    "LogHandler",
    "Stats",
    "audit",
    "correlated",
    "exchange_details",
    "flush_audit_log",
    "lambda_flush",
    "write_audit_log",
]
