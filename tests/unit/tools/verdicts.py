"""The tool's words for a place in an export or archived month, and for its errors."""

import json

from tests.unit.tools.logs import (
    SHOWN,
    digested,
    record,
)


def place(line, index, ref=None):
    """How a line of the export is named, with the record that is found there."""
    return f"e.ndjson, line {line}, index {index}" + ("" if ref is None else f", refId '{ref:026d}'") + ": "


HERE, LINE_8, CHANGED = place(8, SHOWN[7], SHOWN[7]), place(8, SHOWN[7]), "the record was changed"
ANOTHER, TOO_LONG = "the log has another record at this index", "unknown: the proof has no position for this line"
FORGED = json.dumps(digested(record(SHOWN[7]) | {"action": "a.c"})).encode() + b"\n"
