"""Bodies too large for a document: in S3, found by the SHA-256 of what they are, the same one of a tenant once.

    content/<tenant>/<sha256>                     what is kept for ever
    tool-calls/<yyyy-mm-dd>/<tenant>/<sha256>     what the lifecycle removes so many days after that day

The bytes that are put in come out again, or nothing does.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from chancery.content.models import Sha256 as Sha256
from chancery.content.models import StoredBody as StoredBody
from chancery.core.aws.objects import Objects
from chancery.core.errors import ChanceryError
from chancery.core.formats.identifiers import tenant_folder
from chancery.core.observability import count

INLINE_BYTES = 64 * 1024  # what is larger does not belong into a document
PERMANENT = "content"


class BodyDamaged(ChanceryError):
    """A stored body is gone, or not what was stored: a 500, counted and alarmed."""


@dataclass(frozen=True, slots=True)
class ContentSettings:
    """The bucket of bodies."""

    content_bucket: str


@dataclass(frozen=True, slots=True)
class Bodies:
    """Keeps and reads bodies of one bucket, below a prefix."""

    objects: Objects
    prefix: str = PERMANENT

    def key(self, tenant_id: str | None, digest: str) -> str:
        """The S3 key of a tenant's body with a hex SHA-256."""
        return f"{self.prefix}/{tenant_folder(tenant_id)}/{digest}"

    def keep(self, tenant_id: str | None, body: bytes, content_type: str) -> dict[str, Any]:
        """Stores a body; `{sha256, bytes, key}`, fit for a `StoredBody`. Raises Unavailable.

        Storing it again changes nothing, so it comes before the document that refers to it: a crash in between leaves
        an object that nobody refers to, never a document without its body.
        """
        digest = sha256(body)
        key = self.key(tenant_id, digest.hexdigest())
        self.objects.put(key, body, content_type, sha256=digest.digest())
        return {"sha256": digest.hexdigest(), "bytes": len(body), "key": key}

    def read(self, kept: dict[str, Any]) -> bytes:
        """The body of what `keep` gave. Raises Unavailable, and BodyDamaged where S3 has another one, or none."""
        found = self.objects.read(kept["key"])
        if found is None or sha256(found[0]).hexdigest() != kept["sha256"]:
            count("BodiesDamaged")
            raise BodyDamaged("The stored body is damaged; it has been logged." if found else "The body is gone.")
        return found[0]
