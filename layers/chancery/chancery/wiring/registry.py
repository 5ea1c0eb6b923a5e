"""Every collection of the deployment, from the declarations beside each record type's models."""

from chancery.archive.collections import COLLECTIONS as ARCHIVE
from chancery.audit.collections import COLLECTIONS as AUDIT
from chancery.content.outputs.collections import COLLECTIONS as OUTPUTS
from chancery.content.research.collections import COLLECTIONS as RESEARCH
from chancery.content.skills.collections import COLLECTIONS as SKILLS
from chancery.content.tool_calls.collections import COLLECTIONS as TOOL_CALLS
from chancery.contracts.collections import COLLECTIONS as CONTRACTS
from chancery.core.web.idempotency import IDEMPOTENCY_KEYS
from chancery.sealing.collections import COLLECTIONS as SEALING

COLLECTIONS = (IDEMPOTENCY_KEYS, *AUDIT, *SEALING, *ARCHIVE, *SKILLS, *OUTPUTS, *RESEARCH, *CONTRACTS, *TOOL_CALLS)
