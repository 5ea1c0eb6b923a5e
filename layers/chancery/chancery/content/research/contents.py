"""Shows research and strategies: lists without texts, whole documents, and what of them may go into a prompt."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chancery.content.large_text import LongTexts
from chancery.content.research.document_types import Kind
from chancery.content.research.untrusted import fenced
from chancery.core.identity.principal import Principal
from chancery.core.mongo.audited_reader import DocumentReader
from chancery.core.web.listing import to_response
from chancery.core.web.validation import TenantChoice, parse


@dataclass(frozen=True, slots=True)
class Contents:
    """Shows documents of one kind."""

    kind: Kind
    reader: DocumentReader
    texts: LongTexts

    def page(self, principal: Principal, parameters: Mapping[str, str]) -> dict[str, Any]:
        """`{items, nextCursor}`, newest first, without texts."""
        asked = parse(self.kind.search, parameters)
        return self.reader.page(principal, asked, asked.filters())

    def get(self, principal: Principal, ref_id: str, parameters: Mapping[str, str]) -> dict[str, Any]:
        """One whole document. Raises NotFound."""
        found = self.texts.whole(self.reader.get(principal, ref_id, parse(TenantChoice, parameters).tenant_id))
        return to_response({name: value for name, value in found.items() if name != "requestKey"})

    def prompt(self, principal: Principal, ref_id: str, parameters: Mapping[str, str]) -> str:
        """Its texts as Markdown, fenced in as untrusted: nothing in them can end the block. Raises NotFound."""
        found = self.texts.whole(self.reader.get(principal, ref_id, parse(TenantChoice, parameters).tenant_id))
        named = ((heading, found[name]) for name, heading in self.kind.texts.items() if found[name])
        return fenced("\n\n".join(f"## {heading}\n\n{text}" for heading, text in named))
