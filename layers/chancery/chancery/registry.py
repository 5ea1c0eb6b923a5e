"""Every collection of the deployment, from the declarations beside each record type's models."""

from chancery.audit.collections import COLLECTIONS as AUDIT
from chancery.core.idempotency import IDEMPOTENCY_KEYS

COLLECTIONS = (IDEMPOTENCY_KEYS, *AUDIT)
