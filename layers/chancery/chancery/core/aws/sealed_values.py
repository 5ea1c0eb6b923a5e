"""JSON values that are stored encrypted, where they must be exact and so cannot be redacted: requests, credentials."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from chancery.core.aws.envelope_encryption import DataKey, decrypt, encrypt


class Keys(Protocol):
    """Data keys under KMS; `envelope_encryption.DataKeys`."""

    def make(self, context: Mapping[str, str]) -> DataKey: ...
    def open(self, sealed: bytes, context: Mapping[str, str]) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Seals:
    """Encrypts JSON values of a document, each with a data key of its own that is bound to tenant and refId."""

    keys: Keys

    def seal(self, document: Mapping[str, Any], value: Any) -> dict[str, Any]:
        """A JSON value as it is stored (`documents.SealedValue`). Raises Unavailable."""
        data = orjson.dumps(value)
        key = self.keys.make(_context(document))
        return {"key": key.sealed, "data": b"".join(encrypt([data], key.plain)), "length": len(data)}

    def open(self, document: Mapping[str, Any], sealed: Mapping[str, Any]) -> Any:
        """The JSON value. Raises Unavailable, NotAuthentic."""
        key, length = self.keys.open(bytes(sealed["key"]), _context(document)), sealed["length"]
        return orjson.loads(decrypt(bytes(sealed["data"]), key, 0, length, length))


def _context(document: Mapping[str, Any]) -> dict[str, str]:
    return {"tenantId": document["tenantId"], "refId": document["refId"]}
