"""Redaction, before a value is stored, logged or published.

    redact({"password": "hunter2", "note": "token=abc123def"})
    {"password": "[REDACTED]", "note": "token=[REDACTED]"}

Credentials are found by the name of a value, by its layout in text, and by their own form; personal data by its name.
`[REDACTED]` replaces the whole value. docs/redaction.md says what is promised. Nothing beyond the standard library and
`ahocorasick_rs`, which may be missing, and relative imports: `chancery-client` contains this package too.
"""

from .json_walk import may_hold_credentials, redact
from .name_rules import MAX_DEPTH, REDACTED, is_sensitive
from .text_engine import Detector, TooMany, redact_bytes, redact_text
from .url_signatures import redact_signatures

__all__ = [
    "MAX_DEPTH",
    "REDACTED",
    "Detector",
    "TooMany",
    "is_sensitive",
    "may_hold_credentials",
    "redact",
    "redact_bytes",
    "redact_signatures",
    "redact_text",
]
