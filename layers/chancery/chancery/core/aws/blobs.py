"""Bodies too large for a document: in S3 by their SHA-256, each once a tenant.

    content/<tenant>/<sha256>                     bodies that are stored for ever
    tool-calls/<yyyy-mm-dd>/<tenant>/<sha256>     bodies that a lifecycle rule deletes so many days after that day
    exchanges/<yyyy-mm-dd>/<tenant>/<sha256>      the same of exchanges

A read checks the hash: it returns the bytes that were stored, or raises.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any, NamedTuple

from chancery.core.aws.objects import Objects
from chancery.core.errors import ChanceryError
from chancery.core.formats.identifiers import tenant_folder
from chancery.core.observability import count

INLINE_BYTES = 64 * 1024  # larger bodies are stored in S3
PERMANENT = "content"


class BodyDamaged(ChanceryError):
    """A stored body is missing or changed: a 500, counted and alarmed."""


class ContentSettings(NamedTuple):
    """The bucket of bodies."""

    content_bucket: str


@dataclass(frozen=True, slots=True)
class BlobStore:
    """Stores and reads bodies of one bucket, below a prefix."""

    objects: Objects
    prefix: str = PERMANENT

    def key(self, tenant_id: str | None, digest: str) -> str:
        """The S3 key of a tenant's body with a hex SHA-256."""
        return f"{self.prefix}/{tenant_folder(tenant_id)}/{digest}"

    def store(self, tenant_id: str | None, body: bytes, content_type: str) -> dict[str, Any]:
        """Stores a body; `{sha256, bytes, key}`, fit for a `StoredBody`. Raises Unavailable.

        Idempotent, and so called before the document that refers to the body is stored: a crash in between leaves an
        object without a document, never a document without its body.
        """
        digest = sha256(body)
        key = self.key(tenant_id, digest.hexdigest())
        self.objects.put(key, body, content_type, sha256=digest.digest())
        return {"sha256": digest.hexdigest(), "bytes": len(body), "key": key}

    def read(self, stored: dict[str, Any]) -> bytes:
        """The body that `store` has stored. Raises Unavailable; BodyDamaged where it is changed or missing."""
        found = self.objects.read(stored["key"])
        if found is None or sha256(found[0]).hexdigest() != stored["sha256"]:
            count("BodiesDamaged")
            raise BodyDamaged("The stored body is damaged; it has been logged." if found else "The body is gone.")
        return found[0]
