"""Archived months, as they were written and changed."""

import pytest

from tests.unit.tools.logs import SHOWN, Export, leaves
from tests.unit.tools.verdicts import ANOTHER, CHANGED, FORGED, HERE, TOO_LONG


def test_an_archived_month_holds_without_a_hash_of_its_file(tmp_path, verify):
    export = Export(leaves(700), list(SHOWN))
    export.archive()

    code, output = verify("archive", export.write(tmp_path))

    assert code == 0 and output.startswith("HOLDS: 300 records are as they were sealed")
    assert "no leaf" not in output and output.endswith("leaves out 400 records of the log\n")


@pytest.mark.parametrize("sealed", [0, 700])
def test_records_without_a_leaf_are_checked_by_their_digests_and_counted(tmp_path, verify, sealed):
    export = Export(leaves(700), list(range(sealed)))
    export.archive(900, 901)

    written = export.write(tmp_path)
    assert verify("archive", written)[0] == verify("archive", written, "--leafless", "1")[0] == 1
    code, output = verify("archive", written, "--leafless", "2")

    assert code == 0 and output.startswith(f"HOLDS: {sealed} records are as they were sealed")
    assert "; 2 more have no leaf there: only their digests were checked" in output
    assert ("has every record of the log" if sealed else "leaves out 700 records") in output


WRONG_ARCHIVES = {
    "value without a leaf": (
        lambda e: e.lines.__setitem__(300, e.lines[300].replace(b'"a.b"', b'"a.c"')),
        "e.ndjson, line 301, index None, refId '00000000000000000000000900': " + CHANGED,
    ),
    "value with a leaf": (lambda e: e.change(action="a.c"), HERE + CHANGED),
    "value and digest with a leaf": (lambda e: e.lines.__setitem__(7, FORGED), HERE + ANOTHER),
    "line too many": (lambda e: e.lines.append(e.lines[7]), f"e.ndjson, line 303, index {TOO_LONG}"),
    "line dropped": (lambda e: e.lines.pop(), "e.ndjson, line 302, index None: the record is missing"),
    "position dropped": (lambda e: e.positions.pop(), f"e.ndjson, line 302, index {TOO_LONG}"),
    "records": (lambda e: e.header.update(records=301), "its 302 records hold, but"),
    "no sha256": (lambda e: e.header.update(sha256=0), "proof, line 1: must have format (str)"),
    "a hash": (lambda e: e.header.update(sha256="0" * 64), "proof, line 1: must have format (str)"),
}


@pytest.mark.parametrize(("change", "message"), WRONG_ARCHIVES.values(), ids=WRONG_ARCHIVES)
def test_an_archived_month_that_was_changed_is_refused(change, message, tmp_path, verify):
    export = Export(leaves(700), list(SHOWN))
    export.archive(900, 901)

    change(export)
    code, output = verify("archive", export.write(tmp_path))

    assert code == 1 and message in output and output.startswith("WRONG: ") and output.count("\n") == 1
