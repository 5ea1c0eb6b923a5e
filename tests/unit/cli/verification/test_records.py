"""One record against its proof: what holds, and every way in which it does not."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chancery.audit.models import ERASABLE
from chancery.audit.record_verification import verify_digest
from chancery.audit.responses import to_response
from chancery.cli.verification import SealedRecord, verify_record
from chancery.tlog.errors import VerificationError
from chancery.tlog.leaf import leaf_entry
from tests.sealed import ORIGIN, SealedLog, Signer, again_sealed, records

LOG = SealedLog(Signer(), records(300))
INDEX = 259
RECORD, PROOF = LOG.record(INDEX), str(LOG.proof(INDEX)).encode()


def answer(**changes: Any) -> dict[str, Any]:
    return to_response(LOG.records[INDEX]) | changes


def refused(record: bytes, proof: bytes = PROOF, signer: Signer = LOG.signer) -> VerificationError:
    with pytest.raises(VerificationError) as failure:
        verify_record(record, proof, signer.key)
    assert "\n" not in str(failure.value)
    return failure.value


def test_every_record_of_a_log_holds_with_either_form_of_its_proof():
    for index in (0, 1, 255, 256, 299):
        expected = SealedRecord(ORIGIN, 300, index, LOG.records[index]["refId"])
        for proof in (str(LOG.proof(index)), json.dumps(LOG.json_proof(index), indent=2)):
            assert verify_record(LOG.record(index), proof.encode(), LOG.signer.key) == expected


def test_the_only_record_of_a_log_holds():
    log = SealedLog(Signer(), records(1))

    assert verify_record(log.record(0), str(log.proof(0)).encode(), log.signer.key).index == 0


def test_how_the_json_is_written_does_not_matter():
    pretty = json.dumps(dict(reversed(answer().items())), indent=2)

    assert verify_record(pretty.encode(), PROOF, LOG.signer.key).index == INDEX


def test_the_entry_is_that_of_the_stored_record():
    verify_digest(answer())
    assert leaf_entry(answer()) == leaf_entry(LOG.records[INDEX])


@pytest.mark.parametrize("field", [field for field in answer() if field != "salts"])
def test_a_field_that_is_changed_or_gone_is_found(field):
    without = answer()
    del without[field]

    for record in (answer(**{field: "other"}), without):
        failure = refused(orjson.dumps(record))
        assert (failure.file, failure.index) == ("record", INDEX)


def test_a_record_edited_consistently_is_not_the_one_in_the_log():
    edited = again_sealed(LOG.records[INDEX] | {"actorId": "somebody"})

    failure = refused(orjson.dumps(to_response(edited)))

    assert failure.what == "the log has no such record at this index"
    assert (failure.index, failure.ref_id) == (INDEX, edited["refId"])


@pytest.mark.parametrize("version", [None, 0, 1, 3, 2.5, "2", True], ids=repr)
def test_another_version_of_the_digest_is_found(version):
    assert "the version of the digest" in refused(orjson.dumps(answer(digestVersion=version))).what


def test_a_record_without_the_version_that_it_was_sealed_with_is_found():
    downgraded = answer()
    del downgraded["digestVersion"]

    assert "the salts are not those" in refused(orjson.dumps(downgraded)).what


@pytest.mark.parametrize("recorded_by", [None, {}, {"subject": "somebody", "role": "super_admin"}], ids=repr)
def test_another_submitter_is_found(recorded_by):
    assert refused(orjson.dumps(answer(recordedBy=recorded_by))).what


def test_a_field_more_is_found():
    assert "digest" in refused(orjson.dumps(answer(note="x"))).what
    assert "_id" in refused(orjson.dumps(answer(_id="x"))).what


@pytest.mark.parametrize("field", ["actorId", "createdOn", "tenantId", "digest", "recordedOn", "refId"])
@pytest.mark.parametrize("value", [{}, [], 1, True, 1.5], ids=str)
def test_a_field_of_another_kind_is_found(field, value):
    assert "text or null" in refused(orjson.dumps(answer(**{field: value}))).what


def test_exactly_the_salted_fields_have_salts():
    salts = answer()["salts"]
    assert set(salts) == {*ERASABLE, "recordedBy"} - {"metadata"}  # which this record does not have
    fewer = {field: salt for field, salt in salts.items() if field != "before"}
    without = answer()
    del without["userAgent"]

    for record in (answer(salts=fewer), answer(salts=salts | {"actorId": "0" * 32}), answer(salts=None), without):
        assert "the salts are not those" in refused(orjson.dumps(record)).what


@pytest.mark.parametrize("salt", ["", "0" * 30, "0" * 34, "A" * 32, "0" * 31 + " ", "é" * 32, 1, None], ids=repr)
def test_a_salt_is_32_lowercase_hex_digits(salt):
    record = answer(salts=answer()["salts"] | {"before": salt})

    assert "32 lowercase hex digits" in refused(orjson.dumps(record)).what


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"1",
        b"\xff",
        b'{"refId": "\xff"}',
        b'{"refId": "\\ud800"}',
        b'{"a": NaN}',
        b"{}",
        b'{"salts": {}, "refId": "", "digest": "", "recordedOn": ""}',
        b"[" * 100_000,
        b'{"before": ' + b"[" * 500 + b"]" * 500 + b"}",
        b'{"a": 1' + b"0" * 5000 + b"}",
    ],
)
def test_a_malformed_record_is_refused_without_a_crash(text):
    assert refused(text).file == "record"


def test_a_key_twice_is_refused_at_any_depth_and_however_it_is_written():
    text = RECORD.strip()

    for twice in (
        b'{"actorId":"x",' + text[1:],
        b'{"actor\\u0049d":"x",' + text[1:],
        text.replace(b'"n":259', b'"n":259,"n":259'),
    ):
        assert "twice" in refused(twice).what


def test_a_value_nested_deeper_than_anything_stored_is_refused():
    for depth in (70, 300, 1000):
        text = RECORD.replace(b'"n":259', b'"n":' + b"[" * depth + b"]" * depth)
        assert refused(text).file == "record"


def test_numbers_without_a_canonical_form_are_refused():
    for number in ("9007199254740993", "1" + "0" * 30):
        text = RECORD.replace(b'"n":259', b'"n":' + number.encode())
        assert refused(text).index == INDEX


@given(st.binary(max_size=60))
def test_no_bytes_at_all_pass_for_a_proof_or_a_record(data):
    refused(data)
    refused(RECORD, data)


def test_a_proof_of_another_index_or_log_is_found():
    other = SealedLog(LOG.signer, records(300))

    assert refused(RECORD, str(LOG.proof(INDEX - 1)).encode()).what == "the log has no such record at this index"
    assert refused(RECORD, str(other.proof(INDEX)).encode()).what == "the log has no such record at this index"


def test_a_checkpoint_that_the_key_has_not_signed_is_found():
    assert "not signed by" in refused(RECORD, signer=Signer(ORIGIN)).what
    assert "not signed by" in refused(RECORD, signer=Signer("log.example/chancery/tenant-globex")).what
    assert "signature does not hold" in refused(RECORD, PROOF.replace(b"\n300\n", b"\n301\n")).what


def test_a_checkpoint_of_another_log_signed_by_the_same_key_is_found():
    head = LOG.tree_head()
    note = type(head)("log.example/other", head.size, head.root).signed(LOG.signer.key, LOG.signer.sign)
    proof = LOG.json_proof(INDEX) | {"checkpoint": note}

    assert "of the log log.example/other" in refused(RECORD, orjson.dumps(proof)).what


@pytest.mark.parametrize(
    "change",
    [
        {"size": 299},
        {"index": INDEX + 1},
        {"index": 300},
        {"index": -1},
        {"index": True},
        {"index": 2.0},
        {"leaf": "YQ=="},
        {"leaf": "YR=="},
        {"path": []},
        {"path": [1]},
        {"path": ["YQ=="]},
        {"path": {}},
        {"checkpoint": ""},
        {"checkpoint": None},
        {"extra": 1},
    ],
    ids=str,
)
def test_a_json_proof_that_claims_something_else_is_found(change):
    assert refused(RECORD, orjson.dumps(LOG.json_proof(INDEX) | change)).file in ("proof", "record")


def test_every_hash_of_the_path_counts():
    proof = LOG.json_proof(INDEX)
    for place in range(len(proof["path"])):
        path = [*proof["path"]]
        path[place] = proof["path"][place - 1]
        assert "no such record" in refused(RECORD, orjson.dumps(proof | {"path": path})).what
        del path[place]
        assert "hashes" in refused(RECORD, orjson.dumps(proof | {"path": path})).what


def test_a_failure_does_not_quote_a_file_at_length():
    head = LOG.tree_head()
    note = type(head)("x" * 10_000, head.size, head.root).signed(LOG.signer.key, LOG.signer.sign)

    assert len(str(refused(RECORD, orjson.dumps(LOG.json_proof(INDEX) | {"checkpoint": note})))) < 600
