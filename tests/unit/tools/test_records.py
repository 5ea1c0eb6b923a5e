"""One record by its own proof."""

import pytest

from tests.unit.tools.logs import (
    LOG,
    SIGNER,
    STRANGER,
    b64,
    checkpoint,
    entry,
    key_id,
    leaves,
    path,
    proof_json,
    proof_text,
    record,
    vkey,
)


@pytest.mark.parametrize("form", [proof_text, proof_json])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 257, 700])
def test_each_record_holds_by_its_own_proof_and_by_no_other(size, form, verify_record):
    for index in {0, size // 2, size - 1}:
        code, output = verify_record(record(index), form(index, leaves(size)))
        assert code == 0 and output.startswith(f"HOLDS: index {index}, refId '{index:026d}': ") and LOG in output

        other = (index + 1) % 701
        code, output = verify_record(record(other), form(index, leaves(size)))
        assert code == 1 and f"r.json, index {index}, refId '{other:026d}': " in output


TEXT, STEP = proof_text(3, leaves(7)), b64(path(3, leaves(7))[1])
WRONG_PROOFS = {
    "index": (TEXT.replace("index 3", "index 2"), "index 2, refId '00000000000000000000000003': the log has no such"),
    "index beyond": (TEXT.replace("index 3", "index 7"), "the proof's index, size or leaf"),
    "index 03": (TEXT.replace("index 3", "index 03"), "r.proof: is neither"),
    "index below 0": (proof_json(3, leaves(7), index=-1), "the proof's index, size or leaf"),
    "size": (proof_json(3, leaves(7), size=8), "the proof's index, size or leaf"),
    "leaf": (proof_json(3, leaves(7), leaf=b64(entry(record(4)))), "the proof's index, size or leaf"),
    "path of numbers": (proof_json(3, leaves(7), path=[1]), "r.proof: has base64 that is not canonical"),
    "new key": (proof_json(3, leaves(7), log=LOG), "r.proof: must have index (int)"),
    "step": (TEXT.replace(STEP, b64(bytes(32))), "the log has no such record at this index"),
    "step dropped": (TEXT.replace(f"{STEP}\n", ""), "the proof is too long or too short"),
    "step too many": (TEXT.replace(STEP, f"{STEP}\n{STEP}"), "the proof is too long or too short"),
    "short step": (TEXT.replace(STEP, b64(bytes(31))), "r.proof: has 31 bytes in base64 where 32 should be"),
    "extra": (TEXT.replace("index", "extra AB==\nindex"), "r.proof: has base64 that is not canonical"),
    "control character": (TEXT.replace("— ", "— a\x07 AAAA\n— "), "r.proof: the checkpoint is malformed"),
    "checkpoint": (TEXT.replace(checkpoint(leaves(7)), checkpoint(leaves(8))), "the log has no such record"),
    "nothing": ("", "r.proof: is neither"),
}


@pytest.mark.parametrize(("proof", "message"), WRONG_PROOFS.values(), ids=WRONG_PROOFS)
def test_a_proof_that_was_changed_is_refused(proof, message, verify_record):
    code, output = verify_record(record(3), proof)

    assert code == 1 and message in output and output.startswith("WRONG: ") and output.count("\n") == 1


def test_extra_lines_and_foreign_signatures_in_a_proof_are_ignored(verify_record):
    proof = proof_text(3, leaves(7), extra="extra AAAA\n")
    cosigned = proof + f"— {LOG} {b64(b'other key')}\n— witness.example {b64(key_id(SIGNER) + bytes(64))}\n"

    assert verify_record(record(3), cosigned)[0] == 0
    assert verify_record(record(3), cosigned, key=vkey(STRANGER))[0] == 1
