"""`Idempotency-Key` on writes: the same key and request replay the first answer, another request is refused.

A key is claimed before the work, and the answer is stored with the claim after it. A claim without an answer is a
request that was killed in between, or one under way: the work is done again, so it must be safe to repeat. Work makes
itself so by the content of its claim, the same in every repetition: the time and salt of the first request, a request
id, event ids.
An invalid request releases its key, so that the caller may correct the request. Keys are stored as hashes.
"""

import hmac
import os
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple

import orjson
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from chancery.core.documents import Identifier, StoredDocument
from chancery.core.errors import FieldError, ValidationFailed
from chancery.core.formats.identifiers import OwnEventId
from chancery.core.formats.times import Clock, now
from chancery.core.identity.roles import Role
from chancery.core.mongo.client import DURABLE, Document, translated
from chancery.core.mongo.collections import Collection, Index
from chancery.core.web.answers import Answer
from chancery.core.web.request import Request


class Claim(NamedTuple):
    """The first claim of a request's key; of a request without a key, its own time and salt.

    `created_on` and `salt` (16 random bytes) are those of the first request.
    """

    created_on: datetime
    salt: bytes
    subject: str
    key: str | None
    request: bytes

    @property
    def request_id(self) -> str | None:
        """The id of the request, equal for its repetitions only; None without a key."""
        if self.key is None:
            return None
        return sha256(b"\n".join((self.subject.encode(), self.key.encode(), self.request))).hexdigest()

    def event_id(self, at: int = 0) -> str | None:
        """The id of the request's event number `at`, which nobody can guess; None without a key."""
        if self.key is None:
            return None
        return OwnEventId.IDEMPOTENCY + hmac.digest(self.salt, str(at).encode(), "sha256").hex()[:40]


class IdempotencyKey(StoredDocument):
    """A claimed key, as its hash. The fingerprint is an HMAC of the request under the salt, and reveals no body."""

    tenant_id: Identifier | None
    subject: Identifier
    key: Identifier
    salt: bytes
    fingerprint: bytes
    answer: dict[str, Any] | None = None
    created_on: datetime


IDEMPOTENCY_KEYS = Collection(
    name="idempotency_keys",
    model=IdempotencyKey,
    retention_days=7,
    access={"writer": ("find", "insert", "remove", "update"), "archiver": ("find", "insert", "remove", "update")},
    indexes=(Index((("tenantId", 1), ("subject", 1), ("key", 1)), unique=True),),
)


class IdempotencyKeys:
    """Claims keys and stores answers.

    The owner of a key is its caller: home tenant (the `X-Tenant-Id`, or the first tenant of the token), subject and
    role. Whichever tenant the body names, two callers never share a key, and a caller who has lost a tenant or a role
    gets no answer that it allowed.
    """

    def __init__(self, database: Database[Document], clock: Clock = now) -> None:
        self._collection = database.get_collection(IDEMPOTENCY_KEYS.name, write_concern=DURABLE)
        self._clock = clock

    def once(self, request: Request, work: Callable[[Claim], Answer]) -> Answer:
        """The answer of `work`, or the stored answer of the same request with the same key.

        Requests are the same when method, path and body are. An answer of 500 or more is not stored. Raises Forbidden
        where the caller may not write for its home tenant, ValidationFailed when the key came with another request, and
        what `work` raises.
        """
        caller, key = request.caller, request.idempotency_key
        if key is None:
            return work(Claim(self._clock(), os.urandom(16), caller.subject, None, request.fingerprint))
        caller.write_scope()
        owner = {"tenantId": caller.home_tenant, "subject": caller.subject, "key": _hash(caller.role, key)}
        claim = self._claim(owner, request.fingerprint)
        if claim.get("answer"):
            return Answer(**claim["answer"])
        try:
            answer = work(Claim(claim["createdOn"], bytes(claim["salt"]), caller.subject, key, request.fingerprint))
        except ValidationFailed:
            self._release(owner, claim)
            raise
        if answer.status < 500:
            remembered = {"status": answer.status, "body": answer.body, "headers": answer.headers}
            with translated():
                self._collection.update_one({**owner, "salt": claim["salt"]}, {"$set": {"answer": remembered}})
        return answer

    def _release(self, owner: Document, claim: Document) -> None:
        with translated():
            self._collection.delete_one({**owner, "salt": claim["salt"], "answer": None})

    def _claim(self, owner: Document, request: bytes) -> Document:
        salt = os.urandom(16)
        claim = {**owner, "salt": salt, "fingerprint": _fingerprint(salt, request), "createdOn": self._clock()}
        with translated():
            try:
                self._collection.insert_one(claim)
            except DuplicateKeyError:
                first = self._collection.find_one(owner)
                if first is None:  # released, or expired, at this moment
                    return self._claim(owner, request)
                if not hmac.compare_digest(first["fingerprint"], _fingerprint(first["salt"], request)):
                    raise ValidationFailed(
                        "This Idempotency-Key was used for another request.",
                        errors=[FieldError("/Idempotency-Key", "send a new key for a new request")],
                    ) from None
                return first
        return claim


def _hash(role: Role, key: str) -> str:
    return sha256(orjson.dumps([role, key])).hexdigest()


def _fingerprint(salt: bytes, request: bytes) -> bytes:
    return hmac.digest(salt, request, "sha256")
