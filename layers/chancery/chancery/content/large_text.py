"""Long texts of documents: inline while they are short, else their head in the document and the whole in S3."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from chancery.content.blobs import INLINE_BYTES, Bodies
from chancery.core.errors import TooLarge

HEAD = 4096  # characters of a text that stay in its document
MOST_ANSWERED = 5_500_000  # bytes; Lambda's answers end at 6 MiB, envelope and escapes included
_TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class LongTexts:
    """Takes long texts out of documents and puts them back. `bodies` of a document says which ones are in S3."""

    bodies: Bodies

    def kept(self, tenant_id: str | None, document: Mapping[str, Any], *names: str) -> dict[str, Any]:
        """The document as it is stored, texts of more than 64 KB cut to their head. Raises Unavailable, TooLarge."""
        require_answerable(document)
        stored, bodies = dict(document), dict[str, Any]()
        for name in names:
            encoded = document[name].encode()
            if len(encoded) > INLINE_BYTES:
                bodies[name] = self.bodies.keep(tenant_id, encoded, _TEXT)
                stored[name] = document[name][:HEAD]
        return stored | {"bodies": bodies}

    def whole(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        """A stored document with its texts as they came. Raises Unavailable, BodyDamaged."""
        document = {name: value for name, value in stored.items() if name != "bodies"}
        return document | {name: self.bodies.read(kept).decode() for name, kept in stored["bodies"].items()}


def require_answerable(document: Mapping[str, Any]) -> None:
    """Raises TooLarge for a document that no answer could hold: JSON is escaped once more on its way out."""
    if len(orjson.dumps(orjson.dumps(document).decode())) > MOST_ANSWERED:
        raise TooLarge("The text is too large to be answered in one piece; split it over several records.")
