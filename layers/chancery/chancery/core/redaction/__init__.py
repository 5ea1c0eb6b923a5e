"""Redaction, before anything else sees a value.

Two rules. A *name* rule: a key whose last words name personal data or a credential loses its value, at any depth and
in any spelling (:mod:`chancery.core.redaction.names`). A *value* rule: text that holds a credential or a payment card
number loses that part (:mod:`chancery.core.redaction.text_engine`). The name rule costs a dictionary look-up a key; the
value rule is left out where :func:`may_hold_credentials` has proved that there is nothing to find. Bodies too large to
be parsed are redacted in place (:mod:`chancery.core.redaction.byte_stream`).
"""

from chancery.core.redaction.json_walk import may_hold_credentials, redact
from chancery.core.redaction.names import MAX_DEPTH, REDACTED, is_sensitive
from chancery.core.redaction.text_engine import redact_text

__all__ = ["MAX_DEPTH", "REDACTED", "is_sensitive", "may_hold_credentials", "redact", "redact_text"]
