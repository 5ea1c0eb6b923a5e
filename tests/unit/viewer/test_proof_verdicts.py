"""The viewer's verdict about falsified files is that of the independent verifier, tools/verify_audit.py."""

import json
import re
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.unit.tools import logs
from tests.unit.tools.logs import SHOWN, STRANGER, Export, b64, key_id, leaves, proof_json, proof_text, record, vkey
from tests.unit.tools.test_archives import WRONG_ARCHIVES
from tests.unit.tools.test_exports import WRONG_EXPORTS
from tests.unit.tools.test_records import TEXT, WRONG_PROOFS
from tests.unit.viewer.browser_verifier import Job, Report, failed_line, failed_steps, job, outcome, run_all


def _export(change, *leafless):
    """A job about an export that a test of the independent verifier changes; an archive if it has leafless records."""
    export = Export(leaves(700), list(SHOWN))
    if leafless:
        export.archive(*leafless)
    change(export)
    with TemporaryDirectory() as folder:
        path = Path(export.write(Path(folder)))
        records, proof = path.read_bytes(), Path(f"{path}.proof").read_bytes()
    return job("export", vkey(), leafless=len(leafless), records=records, proof=proof)


def _record(number, proof, key=None):
    return job("record", key or vkey(), record=json.dumps(record(number), indent=2).encode(), proof=proof.encode())


def _jobs() -> dict[str, Job]:
    jobs = {f"export: {name}": _export(change) for name, (change, _) in WRONG_EXPORTS.items()}
    jobs |= {f"archive: {name}": _export(change, 900, 901) for name, (change, _) in WRONG_ARCHIVES.items()}
    return jobs | {f"record: {name}": _record(3, proof) for name, (proof, _) in WRONG_PROOFS.items()}


MESSAGES = {
    **{f"export: {name}": message for name, (_, message) in WRONG_EXPORTS.items()},
    **{f"archive: {name}": message for name, (_, message) in WRONG_ARCHIVES.items()},
    **{f"record: {name}": message for name, (_, message) in WRONG_PROOFS.items()},
}
# The proof's first line says whether it is of an archive: there is no command that says so, and could be contradicted.
ELSEWHERE = {"archive: a hash"}


@cache
def _reports() -> dict[str, Report]:
    jobs = _jobs()
    return dict(zip(jobs, run_all(jobs.values()), strict=True))


@pytest.mark.parametrize("name", MESSAGES)
def test_what_the_independent_verifier_refuses_fails(name):
    report = _reports()[name]

    assert report["verdict"] == "failed"
    place = re.search(r"line ([0-9]+)[,:]", MESSAGES[name])
    if place and name not in ELSEWHERE:
        assert failed_line(report) == int(place[1])


def test_what_it_accepts_holds():
    places = [(index, size) for size in (1, 2, 3, 7, 8, 257, 700) for index in {0, size // 2, size - 1}]
    proofs = [(index, form(index, leaves(size))) for index, size in places for form in (proof_text, proof_json)]
    cosigned = proof_text(3, leaves(7), extra="extra AAAA\n")
    cosigned += f"— {logs.LOG} {b64(b'other key')}\n— witness.example {b64(key_id(logs.SIGNER) + bytes(64))}\n"
    jobs = [_record(index, proof) for index, proof in [*proofs, (3, cosigned)]]
    jobs += [_export(lambda export: None), _export(lambda export: None, 900, 901)]

    reports = run_all(jobs)

    assert [failed_steps(report) for report in reports] == [[]] * len(reports)
    assert {report["verdict"] for report in reports} == {"holds"}


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 512, 1000])
def test_complete_exports_of_any_size_hold(size):
    hashes = leaves(size)
    with TemporaryDirectory() as folder:
        path = Path(Export(hashes, list(range(size)), chunk=1000).write(Path(folder)))
        files = {"records": path.read_bytes(), "proof": Path(f"{path}.proof").read_bytes()}

    (report,) = run_all([job("export", vkey(), **files)])

    assert (report["verdict"], failed_steps(report)) == ("holds", [])
    assert report["summary"].endswith("It has every record of the log.")


def test_records_without_a_leaf_need_permission():
    files = _export(lambda export: None, 900, 901)

    (report,) = run_all([{**files, "leafless": 1}])

    assert failed_steps(report) == ["file"]


def test_another_key_than_the_pinned_one_is_named():
    (report,) = run_all([_record(3, TEXT, key=vkey(STRANGER))])

    assert failed_steps(report) == ["signature", "key"]
    assert (outcome(report, "digest"), outcome(report, "place")) == ("ok", "ok")


def test_without_a_pinned_key_the_report_says_so():
    named, none = run_all([{**_record(3, TEXT), "pinned": False}, {**_record(3, TEXT), "keys": [], "pinned": False}])

    assert (named["verdict"], outcome(named, "signature"), outcome(named, "key")) == ("consistent", "ok", "skipped")
    assert (none["verdict"], outcome(none, "signature"), outcome(none, "key")) == ("unsigned", "skipped", "skipped")


@pytest.mark.parametrize("changes", [{"action": "a.c"}, {"refId": "0" * 25 + "9"}, {"salts": {}}])
def test_a_changed_record_fails_at_its_digest_and_its_leaf_is_still_looked_for(changes):
    changed = json.dumps(record(3) | changes).encode()

    (report,) = run_all([job("record", vkey(), record=changed, proof=TEXT.encode())])

    assert failed_steps(report)[0] == "digest"
    assert (outcome(report, "signature"), outcome(report, "key")) == ("ok", "ok")


def test_a_record_that_was_changed_with_its_digest_fails_at_its_place():
    changed = json.dumps(logs.digested(record(3) | {"action": "a.c"})).encode()

    (report,) = run_all([job("record", vkey(), record=changed, proof=TEXT.encode())])

    assert failed_steps(report) == ["place"]
