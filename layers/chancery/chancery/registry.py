"""Every collection of the deployment, from the declarations beside each record type's models."""

from chancery.audit.collections import COLLECTIONS as AUDIT
from chancery.core.idempotency import IDEMPOTENCY_KEYS
from chancery.sealing.collections import COLLECTIONS as SEALING

COLLECTIONS = (IDEMPOTENCY_KEYS, *AUDIT, *SEALING)
