"""Requests and results of calls, encrypted: what is sent must be exact, so it cannot be stored redacted."""

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
    """Encrypts JSON values of a call, each with a data key of its own that is bound to tenant and call."""

    keys: Keys

    def seal(self, call: Mapping[str, Any], value: Any) -> dict[str, Any]:
        """A JSON value as it is stored (`models.Sealed`). Raises Unavailable."""
        data = orjson.dumps(value)
        key = self.keys.make(_context(call))
        return {"key": key.sealed, "data": b"".join(encrypt([data], key.plain)), "length": len(data)}

    def open(self, call: Mapping[str, Any], sealed: Mapping[str, Any]) -> Any:
        """The JSON value. Raises Unavailable, NotAuthentic."""
        key, length = self.keys.open(bytes(sealed["key"]), _context(call)), sealed["length"]
        return orjson.loads(decrypt(bytes(sealed["data"]), key, 0, length, length))


def _context(call: Mapping[str, Any]) -> dict[str, str]:
    return {"tenantId": call["tenantId"], "refId": call["refId"]}
