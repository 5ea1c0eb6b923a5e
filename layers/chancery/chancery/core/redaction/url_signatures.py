"""Signatures in URLs, which grant access to what they sign as long as they are valid."""

import re
from typing import Any

from .name_rules import REDACTED

_SIGNATURE = re.compile(r"(?<=[?&;])((?:sig|signature)=)[^&;#\s\"<>]*", re.IGNORECASE)


def redact_signatures(value: Any, levels: int = 2) -> Any:
    """A text, or an object of texts or of lists of them, without the signatures in its URLs, whatever they look like.

    `levels`: of objects; what is deeper is left as it is.
    """
    if isinstance(value, str):
        return _SIGNATURE.sub(rf"\1{REDACTED}", value)
    if isinstance(value, dict) and levels:
        return {name: redact_signatures(item, levels - 1) for name, item in value.items()}
    return [redact_signatures(item, 0) for item in value] if isinstance(value, list) and levels else value
