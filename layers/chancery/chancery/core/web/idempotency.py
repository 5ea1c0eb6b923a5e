"""`Idempotency-Key` on writes: the same key and body replay the first answer, another body is refused.

A key is claimed before the work and gets its answer after it. A claim without an answer is a request that died in
between, or one still under way: the work is done again, so it must itself be safe to repeat (event ids see to that).
A request that is not valid gives its key back, and may be mended.
"""

import hmac
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

import orjson
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from chancery.core.documents import Identifier, StoredDocument
from chancery.core.errors import FieldError, ValidationFailed
from chancery.core.formats.times import Clock, now
from chancery.core.mongo.client import DURABLE, Document, translated
from chancery.core.mongo.collections import Collection, Index
from chancery.core.web.answers import Answer as Answer


@dataclass(frozen=True, slots=True)
class Claim:
    """When a request came first, and 16 random bytes that belong to it."""

    created_on: datetime
    salt: bytes


class IdempotencyKey(StoredDocument):
    """A claimed key. The fingerprint is keyed with its own salt, so a stored one tells nothing of the body."""

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
    """Claims keys and remembers answers, for one caller (tenant and subject) at a time."""

    def __init__(self, database: Database[Document], clock: Clock = now) -> None:
        self._collection = database.get_collection(IDEMPOTENCY_KEYS.name, write_concern=DURABLE)
        self._clock = clock

    def once(self, tenant_id: str | None, subject: str, key: str, request: bytes, work: Callable[[], Answer]) -> Answer:
        """The answer of `work`, or the first answer when this request was answered before.

        `request` is everything that makes it the same request (method, path, body). Raises ValidationFailed when the
        key came with another request. An answer of 500 or more is not remembered.
        """
        return self.once_claimed(tenant_id, subject, key, request, lambda _: work())

    def once_claimed(
        self, tenant_id: str | None, subject: str, key: str, request: bytes, work: Callable[[Claim], Answer]
    ) -> Answer:
        """As `once`, for work that has to do the same thing when it is done again: it gets the first claim."""
        owner = {"tenantId": tenant_id, "subject": subject, "key": key}
        claim = self._claim(owner, request)
        if claim.get("answer"):
            return Answer(**claim["answer"])
        try:
            answer = work(Claim(claim["createdOn"], bytes(claim["salt"])))
        except ValidationFailed:
            self._give_back(owner, claim)
            raise
        if answer.status < 500:
            remembered = {"status": answer.status, "body": answer.body, "headers": answer.headers}
            with translated():
                self._collection.update_one({**owner, "salt": claim["salt"]}, {"$set": {"answer": remembered}})
        return answer

    def _give_back(self, owner: Document, claim: Document) -> None:
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
                if first is None:  # given back, or expired, at this moment
                    return self._claim(owner, request)
                if not hmac.compare_digest(first["fingerprint"], _fingerprint(first["salt"], request)):
                    raise ValidationFailed(
                        "This Idempotency-Key was used for another request.",
                        errors=[FieldError("/Idempotency-Key", "send a new key for a new request")],
                    ) from None
                return first
        return claim


def event_id_of(subject: str, key: str | None, at: int = 0) -> str | None:
    """An event id that a repeated request arrives at again, and that no other caller can take; None without a key."""
    if key is None:
        return None
    return "idempotency-" + sha256(orjson.dumps([subject, key, at])).hexdigest()[:40]


def _fingerprint(salt: bytes, request: bytes) -> bytes:
    return hmac.digest(salt, request, "sha256")
