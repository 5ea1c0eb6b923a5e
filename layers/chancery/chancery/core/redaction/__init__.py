"""Redaction, before a value is stored, logged or published.

Two rules. The *name* rule: a key whose last words name personal data or a credential loses its value, at any depth and
in any spelling (`names`). The *value* rule: text that holds a credential or a payment card number loses that part
(`text_engine`). The name rule costs a dictionary look-up per key; the value rule is skipped where
`may_hold_credentials` proves that there is nothing to find.

The standard library only, and relative imports: the distribution of `chancery-client` contains this package too.
"""

from .json_walk import may_hold_credentials, redact
from .names import MAX_DEPTH, REDACTED, is_sensitive
from .text_engine import redact_text

__all__ = ["MAX_DEPTH", "REDACTED", "is_sensitive", "may_hold_credentials", "redact", "redact_text"]
