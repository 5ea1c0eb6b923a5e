"""Canonical JSON, records as the server builds them, consistency proofs and archives: as the viewer verifies them."""

import json
import struct
from typing import Any

import orjson
import pytest
import rfc8785
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.archived import Archive, archive, month_records
from tests.profiles import examples
from tests.sealed import SealedLog, Signer, again_sealed, line, records
from tests.unit.core.formats.test_canonical_json import NUMBERS
from tests.unit.tools.test_canonical import _JSON
from tests.unit.viewer.browser_verifier import Job, failed_steps, job, run_all

LOG = SealedLog(Signer(), records(300))


def canonical(*texts: str) -> list[dict[str, Any]]:
    """The canonical form of JSON texts, each as a member `v` of an object."""
    return run_all(job("canonical", value=f'{{"v":{text}}}'.encode()) for text in texts)


# ---- RFC 8785


def test_numbers_have_the_form_of_rfc_8785_appendix_b():
    texts = [repr(struct.unpack(">d", bytes.fromhex(bits))[0]) for bits, _ in NUMBERS]

    assert canonical(*texts) == [{"canonical": f'{{"v":{form}}}'} for _, form in NUMBERS]


@settings(max_examples=examples(30))
@given(st.lists(_JSON, min_size=20, max_size=60), st.booleans())
def test_every_value_has_the_form_that_the_reference_library_gives_it(values, ascii_only):
    texts = [json.dumps(value, ensure_ascii=ascii_only) for value in values]

    assert canonical(*texts) == [{"canonical": rfc8785.dumps({"v": value}).decode()} for value in values]


def test_what_has_no_canonical_form_is_refused():
    refused = ["9007199254740992", "-9007199254740992", "1e999", r'"\ud800"', r'{"\udc00":1}', '{"a":1,"a":1}']
    malformed = ["NaN", "01", "1.", "'a'", '"\n"', "[1,]", '{"a"}', r'"\x"', "[" * 1000 + "]" * 1000, "tru", ""]

    assert [list(answer) for answer in canonical(*refused, *malformed)] == [["problem"]] * len(refused + malformed)


# ---- records


@settings(max_examples=examples(30))
@given(st.lists(_JSON, min_size=10, max_size=30))
def test_records_as_the_server_builds_and_shows_them_hold(values):
    stored = [
        again_sealed(record | {"after": {"v": value}}) for record, value in zip(records(30), values, strict=False)
    ]
    log = SealedLog(LOG.signer, stored)

    reports = run_all(record_job(log, index) for index in range(len(stored)))

    assert [(report["verdict"], failed_steps(report)) for report in reports] == [("holds", [])] * len(stored)


def record_job(log: SealedLog, index: int, **changes: bytes) -> Job:
    files = {"record": log.record(index), "proof": orjson.dumps(log.json_proof(index))}
    return job("record", log.signer.key, **files | changes)


def test_both_forms_of_a_proof_at_every_index():
    log = SealedLog(LOG.signer, LOG.records[:20])

    jobs = [record_job(log, index) for index in range(20)]
    jobs += [record_job(log, index, proof=str(log.proof(index)).encode()) for index in range(20)]

    assert {report["verdict"] for report in run_all(jobs)} == {"holds"}


@pytest.mark.parametrize("field", ["actorId", "description", "after", "recordedBy", "metadata"])
def test_a_record_that_an_administrator_edited(field):
    edited = {**LOG.records[6], field: {"n": 1} if field in ("after", "recordedBy", "metadata") else "x"}

    naive, forged = run_all(record_job(LOG, 6, record=record) for record in (line(edited), line(again_sealed(edited))))

    assert failed_steps(naive) == ["digest"]
    assert failed_steps(forged) == ["place"]


# ---- consistency


def consistency(old: int, new: int, **changes: bytes) -> Job:
    proof = orjson.dumps(LOG.consistency(old, new)) if old else None
    files = {"older": LOG.checkpoint(old).encode(), "newer": LOG.checkpoint(new).encode()}
    return job("consistency", LOG.signer.key, **files | ({"proof": proof} if proof else {}) | changes)


def test_every_size_is_the_beginning_of_every_larger_one():
    sizes = (0, 1, 2, 7, 128, 255, 256, 257, 299, 300)

    reports = run_all(consistency(old, new) for old in sizes for new in sizes if old <= new)

    assert {report["verdict"] for report in reports} == {"holds"}


def test_another_history_and_another_proof_are_found():
    other = SealedLog(LOG.signer, [again_sealed(LOG.records[0] | {"actorId": "x"}), *LOG.records[1:]])
    jobs = [
        consistency(7, 300, older=other.checkpoint(7).encode()),
        consistency(7, 300, newer=other.checkpoint(300).encode()),
        consistency(7, 300, proof=orjson.dumps(LOG.consistency(8, 300))),
        consistency(7, 300, proof=orjson.dumps(LOG.consistency(7, 300) | {"path": []})),
        consistency(300, 300, newer=LOG.checkpoint(7).encode()),
    ]

    assert [failed_steps(report) for report in run_all(jobs)] == [["consistency"]] * len(jobs)


# ---- archives

MONTH = month_records(300)
ARCHIVE = archive(MONTH, SealedLog(LOG.signer, MONTH, strangers=20))


def archive_job(found: Archive, body: bytes | None = None) -> Job:
    reader = zstandard.ZstdDecompressor().stream_reader(found.file, read_across_frames=True)
    return job("export", found.key, records=body or reader.read(), proof=found.proof, manifest=found.manifest)


def test_an_archived_month_holds_with_its_manifest_compressed_and_not():
    for report in run_all([archive_job(ARCHIVE), archive_job(ARCHIVE, ARCHIVE.file)]):
        assert (report["verdict"], failed_steps(report)) == ("holds", [])
        assert report["summary"] == (
            "The archive holds: nothing has changed since it was sealed. It leaves out 20 records of the log."
        )


@pytest.mark.parametrize("kept", [4, 100, -1])
def test_an_archive_that_is_cut_off_is_found(kept):
    (report,) = run_all([archive_job(ARCHIVE, ARCHIVE.file[:kept])])

    assert len(failed_steps(report)) == 1 and report["verdict"] == "failed"


@pytest.mark.parametrize(
    "changes",
    [
        {"tenantId": "globex"},
        {"month": "2024-03"},
        {"recordedTo": "2024-02-01T00:01:00.000Z"},
        {"recordedFrom": "2024-02-01T00:01:00.000Z"},
        {"contentRoot": "0" * 64},
        {"rawBytes": 5},
        {"records": 299},
        {"records": True},
        {"format": "chancery-archive@v2"},
        {"first": {"createdOn": "2024-02-01T00:00:00.001Z", "refId": "x"}},
        {"last": {"refId": "x"}},
        {"log": {"firstIndex": 19}},
        {"log": {"sealed": 299, "unsealed": 1}},
        {"log": {"checkpoint": LOG.checkpoint(7)}},
    ],
)
def test_another_manifest_is_found(changes):
    (report,) = run_all([archive_job(ARCHIVE.described(**changes))])

    assert failed_steps(report) == ["manifest"]
