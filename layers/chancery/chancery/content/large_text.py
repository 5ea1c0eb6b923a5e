"""Large texts of documents: inline up to 64 KB, above that the head inline and the whole text in S3."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from chancery.core.aws.blobs import INLINE_BYTES, BlobStore
from chancery.core.errors import TooLarge

HEAD = 4096  # characters of a text that stay in its document
MOST_ANSWERED = 5_500_000  # bytes; Lambda's answers end at 6 MiB, envelope and escapes included
_TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class LargeTexts:
    """Moves large texts of documents to S3 and back. The field `bodies` of a document lists those in S3."""

    blobs: BlobStore

    def store(self, tenant_id: str | None, document: Mapping[str, Any], *names: str) -> dict[str, Any]:
        """The document to insert: of texts above 64 KB only the head, the whole in S3. Raises Unavailable, TooLarge."""
        require_answerable(document)
        stored, bodies = dict(document), dict[str, Any]()
        for name in names:
            encoded = document[name].encode()
            if len(encoded) > INLINE_BYTES:
                bodies[name] = self.blobs.store(tenant_id, encoded, _TEXT)
                stored[name] = document[name][:HEAD]
        return stored | {"bodies": bodies}

    def load(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        """A stored document with its whole texts. Raises Unavailable, BodyDamaged."""
        document = {name: value for name, value in stored.items() if name != "bodies"}
        return document | {name: self.blobs.read(body).decode() for name, body in stored["bodies"].items()}


def require_answerable(document: Mapping[str, Any]) -> None:
    """Raises TooLarge for a document that is too large for an answer, in which Lambda escapes JSON once more."""
    if len(orjson.dumps(orjson.dumps(document).decode())) > MOST_ANSWERED:
        raise TooLarge("The text is too large to be answered in one piece; split it over several records.")
