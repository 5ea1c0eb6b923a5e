"""Signed notes, checkpoints, verifier keys and tlog-proofs, against the C2SP specifications."""

import base64
from hashlib import sha256

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from chancery.tlog import merkle
from chancery.tlog.signed_notes import Checkpoint, Proof, VerifierKey, open_checkpoint

ORIGIN = "log.example/audit"
PRIVATE, OTHER_PRIVATE = (Ed25519PrivateKey.from_private_bytes(bytes([fill] * 32)) for fill in (1, 2))
KEY, OTHER_KEY = (VerifierKey(ORIGIN, private.public_key().public_bytes_raw()) for private in (PRIVATE, OTHER_PRIVATE))
ROOT = bytes(range(100, 132))
TEXT = f"{ORIGIN}\n42\n{base64.b64encode(ROOT).decode()}\n"

# The example of https://c2sp.org/tlog-checkpoint.
SPEC_CHECKPOINT = """example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa \
Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
"""
# The example of https://c2sp.org/tlog-proof.
SPEC_PROOF = """c2sp.org/tlog-proof@v1
extra YWdlLXYxLjIuMS1kYXJ3aW4tYXJtNjQudGFyLmd6kYXJ3aW4tYXJ
index 73894
gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=
B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=
EKNzoDWG8LGC0Yp9o+sv3qllpMP9uHQ9B20KNL+Q1zs=
RoopEkOdqkYqMB4MJXrbt/hMjOxsVn0IrWjpz1ZMMes=
AHCioX9nLjsrse6YhjRRmk1WUEirVOLLRoOQ6vfO5vk=

example.com/fancylog
109482
sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=

— example.com/fancylog hI2DJw[...]1roloI=
"""


def b64(data):
    return base64.b64encode(data).decode()


def slack(encoded):
    """The same bytes in base64 with a bit set that the decoder drops."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    last = encoded.rstrip("=")[-1]
    return encoded.replace(f"{last}=", f"{alphabet[alphabet.index(last) + 1]}=")


def key_id(name, typed_key):
    return sha256(name.encode() + b"\n" + typed_key).digest()[:4]


def vkey(name, typed_key):
    """A vkey with the right key id, although other parts may be wrong."""
    return f"{name}+{key_id(name, typed_key).hex()}+{b64(typed_key)}"


def verify(public_key, signature, message):
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def line(text=TEXT, private=PRIVATE, name=ORIGIN):
    typed_key = b"\x01" + private.public_key().public_bytes_raw()
    return f"— {name} {b64(key_id(name, typed_key) + private.sign(text.encode()))}\n"


def note(text, *lines):
    """A note as the specification has it; without `lines` with the key's signature, which holds for any text."""
    return f"{text}\n{''.join(lines or [line(text)])}"


def test_published_verifier_keys_are_read():
    for text in (
        "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8",  # the Go checksum database
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",  # golang.org/x/mod/sumdb/note
    ):
        assert str(VerifierKey.parse(f"{text}\n")) == text
        assert VerifierKey.parse(text).key_id.hex() == text.split("+")[1]


@given(st.text(st.characters(codec="utf-8", exclude_characters="+"), min_size=1), st.binary(min_size=32, max_size=32))
def test_a_verifier_key_is_read_back(name, public_key):
    key = VerifierKey("".join(char for char in name if not char.isspace()) or "-", public_key)

    assert VerifierKey.parse(str(key)) == key
    assert str(key) == vkey(key.name, b"\x01" + public_key)


TYPED = b"\x01" + b"\xff" * 32
KEY_ID = key_id(ORIGIN, TYPED)


@pytest.mark.parametrize(
    "text",
    [
        *["", ORIGIN, f"{ORIGIN}+{b64(TYPED)}", f"{ORIGIN}+00000000+{b64(TYPED)}"],
        f"{ORIGIN}+{KEY_ID.hex().upper()}+{b64(TYPED)}",
        *[vkey(ORIGIN, typed) for typed in (b"", b"\x04" + TYPED[1:], TYPED[:-1], TYPED + b"\x00")],
        *[vkey(name, TYPED) for name in ("", "log example", "log\u2003example")],
        *[vkey(ORIGIN, TYPED).replace("/////", other) for other in ("_____", "///\n//", "///// ")],
        f"{ORIGIN}+{KEY_ID.hex()}+{b64(b'\x04' + TYPED[1:])}",
        *[vkey(ORIGIN, TYPED).replace(ORIGIN, "log.example/other"), vkey(ORIGIN, TYPED) + "===="],
    ],
)
def test_a_malformed_verifier_key_is_refused(text):
    with pytest.raises(ValueError, match=r"verifier key|base64"):
        VerifierKey.parse(text)


@given(st.integers(0, 2**63 - 1), st.binary(min_size=32, max_size=32))
def test_a_checkpoint_that_was_signed_opens(size, root):
    checkpoint = Checkpoint(ORIGIN, size, root)

    signed = checkpoint.signed(KEY, PRIVATE.sign)

    assert signed == note(f"{ORIGIN}\n{size}\n{b64(root)}\n")
    assert open_checkpoint(signed, KEY, verify) == checkpoint


def test_the_example_of_the_specification_is_read():
    checkpoint = Checkpoint.unverified(SPEC_CHECKPOINT)

    assert checkpoint.origin == "example.com/behind-the-sofa"
    assert checkpoint.size == 20852163
    assert checkpoint.root.hex() == "0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62"
    assert SPEC_CHECKPOINT.startswith(checkpoint.text() + "\n— ")


def refused(content):
    try:
        open_checkpoint(content.decode(), KEY, verify)
    except ValueError:
        return True
    return False


def test_a_signed_note_with_any_one_bit_flipped_is_refused():
    signed = note(TEXT).encode()
    assert not refused(signed)

    for at in range(len(signed)):
        for bit in range(8):
            flipped = signed[:at] + bytes([signed[at] ^ 1 << bit]) + signed[at + 1 :]
            assert refused(flipped), flipped


def test_signatures_of_unknown_keys_are_ignored():
    cosignature = f"— witness.example {b64(bytes(4 + 8 + 64))}\n"
    long_one = f"— post-quantum.example {b64(bytes(5000))}\n"
    same_id = f"— log.example/other {b64(KEY.key_id + bytes(64))}\n"
    same_name = line(private=OTHER_PRIVATE)
    unknown = [cosignature, same_id, same_name, long_one, *[f"— w{n}.example {b64(bytes(68))}\n" for n in range(16)]]

    expected = Checkpoint(ORIGIN, 42, ROOT)
    assert open_checkpoint(note(TEXT, *unknown, line()), KEY, verify) == expected
    assert open_checkpoint(note(TEXT, line(), *unknown), KEY, verify) == expected
    assert open_checkpoint(note(TEXT, *unknown, line()), OTHER_KEY, verify) == expected
    with pytest.raises(ValueError, match=f"is not signed by the key {ORIGIN}"):
        open_checkpoint(note(TEXT, cosignature, same_id, same_name), KEY, verify)


def test_a_signature_under_the_keys_name_and_id_must_hold():
    forged = f"— {ORIGIN} {b64(KEY.key_id + OTHER_PRIVATE.sign(TEXT.encode()))}\n"

    for lines in ([forged], [line(), forged], [forged, line()]):
        with pytest.raises(ValueError, match="does not hold"):
            open_checkpoint(note(TEXT, *lines), KEY, verify)


def test_a_checkpoint_of_another_log_is_refused_though_the_key_signed_it():
    text = TEXT.replace(ORIGIN, "log.example/other")

    with pytest.raises(ValueError, match=f"is of the log log.example/other, not of {ORIGIN}"):
        open_checkpoint(note(text), KEY, verify)


def test_extension_lines_are_signed_and_not_read():
    assert open_checkpoint(note(f"{TEXT}extension\n42\n"), KEY, verify) == Checkpoint(ORIGIN, 42, ROOT)


@pytest.mark.parametrize("size", ["042", "00", "+42", "-42", " 42", "42 ", "4_2", "4٢", "0x2a", "42\r", "9" * 20])
def test_a_size_that_is_no_plain_decimal_is_refused_though_it_is_signed(size):
    with pytest.raises(ValueError, match="size is not a decimal number"):
        open_checkpoint(note(f"{ORIGIN}\n{size}\n{b64(ROOT)}\n"), KEY, verify)


@pytest.mark.parametrize(
    "root",
    [
        *[slack(b64(ROOT)), b64(ROOT)[:-1], f"{b64(ROOT)}=", f"{b64(ROOT)}\r", "_" * 43 + "="],
        *[b64(other) for other in (ROOT[1:], ROOT + b"\x00", ROOT * 2, ROOT.hex().encode())],
    ],
)
def test_a_root_that_is_no_canonical_base64_of_a_hash_is_refused_though_it_is_signed(root):
    with pytest.raises(ValueError, match=r"is not (canonical )?base64|root is not a SHA-256 hash"):
        open_checkpoint(note(f"{ORIGIN}\n42\n{root}\n"), KEY, verify)


@pytest.mark.parametrize("control", [chr(code) for code in range(0x20) if code != 0x0A])
def test_control_characters_are_refused_though_they_are_signed(control):
    with pytest.raises(ValueError, match="control characters"):
        open_checkpoint(note(f"{TEXT}ext{control}ension\n"), KEY, verify)


@pytest.mark.parametrize(
    "text", ["", "\n", f"{ORIGIN}\n42\n", f"\n{TEXT}", f"{TEXT}\nextension\n", f"{TEXT}\n", TEXT[:-1]]
)
def test_a_text_that_is_not_three_filled_lines_is_refused_though_it_is_signed(text):
    with pytest.raises(ValueError, match="at least three lines"):
        open_checkpoint(note(text), KEY, verify)


SIGNED = line().split()[2]


@pytest.mark.parametrize(
    "bad",
    [
        *[f"{start}{ORIGIN} {SIGNED}\n" for start in ("", "- ", "\u2013 ", "—", "—  ", " — ")],
        *[f"— {name}{SIGNED}\n" for name in ("", " ", "log+example ", "log\u2003example ")],
        *[f"— {ORIGIN}{end}\n" for end in ("", " ", f" {SIGNED} ", f" {SIGNED[:-1]}", f" {slack(SIGNED)}")],
        f"— {ORIGIN} {b64(KEY.key_id)}\n",
    ],
)
def test_a_malformed_signature_line_is_refused_even_next_to_a_good_one(bad):
    for lines in ([bad], [line(), bad], [bad, line()]):
        with pytest.raises(ValueError, match=r"signature line .* malformed|base64"):
            open_checkpoint(note(TEXT, *lines), KEY, verify)


@pytest.mark.parametrize("content", ["", TEXT, f"{TEXT}\n", note(TEXT)[:-1], f"{note(TEXT)}\n", TEXT + line()])
def test_a_note_without_its_newlines_or_signatures_is_refused(content):
    with pytest.raises(ValueError, match=r"three lines|newline|malformed"):
        open_checkpoint(content, KEY, verify)


@given(st.integers(0, 2**63 - 1), st.lists(st.binary(min_size=32, max_size=32), max_size=63).map(tuple))
def test_a_proof_is_read_back_with_its_checkpoint_verbatim(index, path):
    proof = Proof(index, path, note(TEXT))

    assert str(proof) == "\n".join(["c2sp.org/tlog-proof@v1", f"index {index}", *map(b64, path), "", note(TEXT)])
    assert Proof.parse(str(proof)) == proof


def test_the_example_proof_of_the_specification_is_read_with_its_extra_line():
    proof = Proof.parse(SPEC_PROOF)

    assert (proof.index, len(proof.path)) == (73894, 5)
    assert proof.path[0].hex() == "8122b25e861952067a8ddb9662b9033804629ce30626f7978e032405371d3e54"
    assert proof.checkpoint.startswith("example.com/fancylog\n109482\n")
    assert Proof.parse(str(proof)) == proof


def test_a_proof_that_was_read_leads_from_its_leaf_to_the_root_of_its_checkpoint():
    leaves = [merkle.leaf_hash(b"%d" % number) for number in range(42)]
    signed = Checkpoint(ORIGIN, 42, merkle.root(leaves)).signed(KEY, PRIVATE.sign)
    path = merkle.inclusion_proof(7, 42, lambda start, end: merkle.root(leaves[start:end]))

    proof = Proof.parse(str(Proof(7, tuple(path), signed)))

    checkpoint = open_checkpoint(proof.checkpoint, KEY, verify)
    assert merkle.root_from_inclusion(proof.index, checkpoint.size, leaves[7], proof.path) == checkpoint.root


HEAD = "c2sp.org/tlog-proof@v1\n"
INDEX = f"{HEAD}index 7\n"
SLACK = slack(b64(ROOT))


@pytest.mark.parametrize(
    "head",
    [
        *["", HEAD, "index 7\n", f"\n{INDEX}", INDEX.replace("v1", "v2"), f"{HEAD}{b64(ROOT)}\n"],
        *[f"{HEAD}index{index}\n" for index in ("", " ", "7", " 07", " -7", " +7", "  7", " 7 ", " 7\r", " 7\u0667")],
        *[f"{HEAD}{extra}index 7\n" for extra in ("extra AAAA\n" * 2, "extra ?\n", f"extra {SLACK}\n", "extra\n")],
        *[f"{HEAD}extra AAAA\n", f"{INDEX}extra AAAA\n"],
        *[f"{INDEX}{part}\n" for part in (SLACK, b64(ROOT[1:]), b64(ROOT * 2), ROOT.hex(), "AA==")],
    ],
)
def test_a_malformed_proof_is_refused(head):
    with pytest.raises(ValueError, match=r"proof|base64"):
        Proof.parse(f"{head}\n{note(TEXT)}")


def test_a_proof_without_a_checkpoint_is_refused():
    with pytest.raises(ValueError, match="ends with a checkpoint"):
        Proof.parse(f"{INDEX}{b64(ROOT)}\n")
