"""The gate before the search: what lets most records by without one."""

import re

from . import credentials, pairs
from .credentials import kinds_in, may_hold_card
from .literals import Signs, Traces
from .names import MAX_DEPTH

_SIGNS = credentials.SIGNS + pairs.SIGNS + Signs([b"\\"])
_JSON_IN_STRING = re.compile(rb'[\[{"](?:\s|\\+[nrtf])*+\\+"')


def may_hold_secrets(raw: bytes) -> bool:
    """Whether a redaction of the strings and numbers in raw JSON could find anything; False only where it cannot.

    Escaped characters (`\\u0065yJ...`) count as a maybe, and so does JSON in strings.
    """
    traces = Traces(raw)
    if traces.exact.count("[") >= MAX_DEPTH:
        return True
    if not _SIGNS.show_in(traces):
        return may_hold_card(raw) or (pairs.has_spaced_colon(raw) and pairs.may_be_in(traces))
    if b"\\" in raw and (b"\\u" in raw or _JSON_IN_STRING.search(raw)):
        return True
    return bool(kinds_in(traces)) or pairs.may_be_in(traces)
