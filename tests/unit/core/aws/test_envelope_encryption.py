"""Envelope encryption: decryption returns the encrypted bytes, or fails."""

import os

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from chancery.core.aws import envelope_encryption as envelope
from chancery.core.aws.envelope_encryption import DataKeys, NotAuthentic, decrypt, encrypt, encrypted_length, frames_of
from chancery.core.errors import Unavailable

KEY = bytes(range(32))
FRAME, TAG = 8, 16


@pytest.fixture(autouse=True)
def _small_frames(monkeypatch):
    monkeypatch.setattr(envelope, "FRAME", FRAME)


def sealed(body: bytes, size: int = 5) -> bytes:
    return b"".join(encrypt((body[at : at + size] for at in range(0, len(body), size)), KEY))


def read(stored: bytes, start: int, end: int, length: int) -> bytes:
    begin, stop = frames_of(start, end, length)
    return decrypt(stored[begin:stop], KEY, start, end, length)


@given(st.binary(max_size=50), st.integers(1, 60), st.data())
def test_any_part_of_a_body_comes_out_as_it_was_put_in(body, size, data):
    envelope.FRAME = FRAME
    start = data.draw(st.integers(0, len(body)))
    end = data.draw(st.integers(start, len(body)))

    stored = sealed(body, size)

    assert len(stored) == encrypted_length(len(body))
    assert read(stored, 0, len(body), len(body)) == body
    if start < end:
        assert read(stored, start, end, len(body)) == body[start:end]


@pytest.mark.parametrize(
    "damage",
    [
        lambda frames: [*frames[:-1], frames[-1][:-1]],
        lambda frames: frames[:-1],
        lambda frames: [frames[1], frames[0], *frames[2:]],
        lambda frames: [frames[0], frames[0], *frames[2:]],
        lambda frames: [bytes([frames[0][0] ^ 1]) + frames[0][1:], *frames[1:]],
        lambda frames: [*frames, frames[-1]],
    ],
)
@pytest.mark.parametrize("length", [20, 24])
def test_a_truncated_reordered_repeated_or_changed_chunk_does_not_decrypt(damage, length):
    stored = sealed(os.urandom(length))
    frames = [stored[at : at + FRAME + TAG] for at in range(0, len(stored), FRAME + TAG)]

    with pytest.raises(NotAuthentic):
        decrypt(b"".join(damage(frames)), KEY, 0, length, length)


def test_a_body_cut_at_a_frame_does_not_pass_for_a_shorter_one():
    stored = sealed(bytes(24))

    with pytest.raises(NotAuthentic):
        read(stored[: 2 * (FRAME + TAG)], 0, 16, 16)


@pytest.fixture
def kms(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        yield boto3.client("kms", region_name="us-east-1")


def test_a_data_key_opens_with_its_own_context_only(kms):
    keys = DataKeys(kms.create_key()["KeyMetadata"]["KeyId"], kms)
    context = {"tenantId": "acme", "refId": "R", "part": "input"}
    made = keys.make(context)

    assert keys.open(made.sealed, context) == made.plain != keys.make(context).plain
    assert made.plain.hex() not in repr(made) and len(made.plain) == 32
    with pytest.raises(NotAuthentic):
        keys.open(made.sealed, {**context, "tenantId": "other"})
    with pytest.raises(NotAuthentic):
        keys.open(made.sealed[:-1] + bytes([made.sealed[-1] ^ 1]), context)


def test_an_unavailable_key_store_raises_unavailable(kms):
    unavailable = DataKeys("no-such-key", kms)

    with pytest.raises(Unavailable):
        unavailable.make({})
    with pytest.raises(Unavailable):
        DataKeys("x", object()).open(b"", {})
